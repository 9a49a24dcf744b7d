"""Captions: what a reader must know of the numbers: where, on what, how often, at what cost, and what was chosen."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any

from ablations.spec import PROTOCOL_LABELS, Ablation
from mae_core.recipes import FinetuneRecipe, PretrainRecipe, Recipe, WallClockRecipe
from mae_core.scales import changes
from reports.measures.metrics import metric
from reports.results import Result, Results, mean_rate
from reports.tables.chosen import chosen
from reports.tables.rows import model_label
from reports.tables.setting import between, data_told, label_budget, numbers_of_seeds, paper_setting
from reports.verdicts.statistics import sampling_error

_MEANINGS = {
    "top1": "accuracies are top-1 on the {split} images, in per cent",
    "mce": "corruption errors are means over corruptions and severities of the {split} images, in per cent",
    "hours": "hours are those of the paper's {epochs} epochs over the {images} images of this scale, whatever was "
    "trained here, estimated from a few timed steps on {machine}",
    "loss": "losses are means over masked patches",
}
EPOCHS_TIMED = 800  # of Table 2's hours, which are told of no other schedule
_OF_DATA = {"fingerprint", "in_chans", "threads", "seed"}  # said elsewhere, or no setting


def caption(results: Results, wall_seconds: float | None = None) -> list[str]:
    """The caption, a paragraph each for what was measured, its spread and cost, what changed, and what was chosen."""
    paragraphs = [
        _measured(results),
        spread_told(results.cells, results.seeds),
        _cost(results, wall_seconds),
        changed(results),
        chosen(results),
        mixed(results),
    ]
    told = (*paragraphs, " ".join(results.ablation.decisions), *remarks(results))
    return [paragraph for paragraph in told if paragraph]


def _measured(results: Results) -> str:
    ablation, info = results.ablation, results.info
    models = dict.fromkeys(model_label(r.encoder) for r in results.cells if r.encoder)
    trained = _trained_on(results)
    split = " and ".join(sorted({r.recipe.evaluate_on for r in results.cells if r.recipe})) or "test"
    machine = " / ".join(_machines(results)) or "the machine that computes them"
    names = dict.fromkeys(metric(protocol).name for protocol in results.protocols)
    evaluated = f"evaluated with {label_budget(results)}; " if {"top1", "top1_raw", "mce"} & set(names) else ""
    numbers = "" if info.labelled else "the data have no labels; "
    facts = {"split": split, "machine": machine, "epochs": EPOCHS_TIMED, "images": _images_timed(results)}
    numbers += "; ".join(_MEANINGS[name].format(**facts) for name in names if name in _MEANINGS)
    theirs = ""
    if any(r.cell.paper is not None for r in results.cells):
        theirs = f" The paper's numbers ({paper_setting(ablation)}) were measured elsewhere and stand beside ours "
        theirs += "for their order only."
    data = f" on {info.name}" if data_told(results) == info.name else f", {data_told(results)}"
    return (
        f"{ablation.title} ({ablation.source}) at scale {results.scale.name}{data}: {', '.join(models)} "
        f"{trained}, {evaluated}{numbers}.{theirs}"
    )


def _images_timed(results: Results) -> str:
    """Over how many images an epoch of the hours goes."""
    timed = {stage.recipe for result in results.cells for stage in result.cell.stages()}
    of_data = results.info.num_train
    images = {recipe.train_images or of_data for recipe in timed if isinstance(recipe, WallClockRecipe)}
    return " / ".join(f"{n:,}" for n in sorted(images or {of_data}))


def _trained_on(results: Results) -> str:
    """On how many images the encoders were pre-trained, and whether some were not."""
    encoders = [r.encoder for r in results.cells if r.encoder]
    seen = {encoder.train_images for encoder in encoders if isinstance(encoder, PretrainRecipe)}
    if not seen:
        return "not pre-trained here"
    images = " / ".join(f"{n:,}" for n in sorted(n or results.info.num_train for n in seen))
    others = not all(isinstance(encoder, PretrainRecipe) for encoder in encoders)
    done = (r.encoder for r in results.cells if r.value is not None)
    when = "to be " if all(isinstance(encoder, WallClockRecipe) for encoder in done) else ""  # steps were timed alone
    return f"{when}pre-trained on {images} images{' where a row is pre-trained here' if others else ''}"


def spread_told(cells: Sequence[Result], seeds: int) -> str:
    """Over what the spread of the numbers is, and the error that scoring on so few images adds to each.

    How many seeds that is, the numbers say; `seeds`, what was asked for, only while there is no number.
    """
    counts = numbers_of_seeds(cells) or [seeds]
    text = "One seed, so no spread (n in brackets)."
    if counts[-1] > 1:
        text = f"Mean ± standard deviation over {between(counts)} seeds (n in brackets)."
    tests = {(r.value, int(r.record["metrics"]["n_test"])) for r in cells if _n_test(r)}
    if tests:
        largest = max(sampling_error(value, n) for value, n in tests if value is not None)
        sizes = " / ".join(f"{n:,}" for n in sorted({n for _, n in tests}))
        text += (
            f" Apart from the seeds, the choice of the {sizes} scored images gives each accuracy a standard error of "
            f"up to {largest:.2f} points, which the rows share."
        )
    return text


def _n_test(result: Result) -> int:
    """How many images an accuracy was scored on; 0 of what is no share of images."""
    if metric(result.cell.protocol).unit != "%":
        return 0
    return int(result.record.get("metrics", {}).get("n_test", 0))


def _cost(results: Results, wall_seconds: float | None) -> str:
    rate = mean_rate(r for r in results.cells if r.status == "done")
    speed = f"; pre-training saw {rate:,.{0 if rate >= 10 else 1}f} images/s in each process" if rate else ""
    clock = f"; the launch took {duration(wall_seconds)} up to this report" if wall_seconds else ""
    return f"All {len(results.records)} finished stages took {duration(results.seconds)} together{speed}{clock}."


def machine(results: Results) -> str:
    """What speed and memory by row are those of, and whether several stages shared the machine."""
    origins = [record.get("provenance", {}) for record in results.records.values()]
    shared = any(
        origin.get("device", "cpu") == "cpu" and int(origin.get("threads") or 0) < int(origin.get("cores") or 0)
        for origin in origins
    )
    text = "Speed is that of one process; memory is the most it took, libraries included, where a run was sampled."
    if shared:
        text += (
            " Here it was a CPU whose cores several stages share, each with fewer threads: speeds depend on what ran "
            "beside them."
        )
    return text


def duration(seconds: float) -> str:
    """Seconds as a reader says them, the seconds kept: `3723 s (1 h 2 min)`."""
    minutes = round(seconds / 60)
    if seconds < 120:
        return f"{seconds:.1f} s"
    rounded = f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
    return f"{seconds:.0f} s ({rounded})"


def changed(results: Results) -> str:
    """What the scale changed of the default row and of each protocol, field by field."""
    told = []
    for name, paper, ours in _default_recipes(results.ablation, results.cells):
        changed = {field: pair for field, pair in changes(paper, ours).items() if field not in _OF_DATA}
        if changed:
            told.append(f"{name}: {', '.join(f'{f} {_plain(a)} → {_plain(b)}' for f, (a, b) in changed.items())}")
    return f"What the scale changed at the default row. {_sentences(told)}" if told else ""


def _default_recipes(ablation: Ablation, cells: Iterable[Result]) -> Iterable[tuple[str, Recipe, Recipe]]:
    case = ablation.case(ablation.default)
    first = [r for r in cells if r.cell.case.key == case.key and r.cell.seed == 0]
    for result in first[:1]:
        if case.recipe and result.encoder:
            yield "Pre-training", case.recipe, result.encoder
    for result in first:
        if result.recipe:
            paper = case.evaluations.get(result.cell.protocol) or ablation.protocols.get(result.cell.protocol)
            if paper is None:
                continue
            yield PROTOCOL_LABELS.get(result.cell.protocol, result.cell.protocol).capitalize(), paper, result.recipe


def _plain(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "×".join(map(_plain, value)) if all(isinstance(v, int) for v in value) else str(tuple(value))
    return "all" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _sentences(parts: Iterable[str]) -> str:
    return "".join(f"{part}. " for part in parts).rstrip()


def run_as(results: Results) -> Mapping[str, str]:
    """Case key → what was run, for the settings in which rows differ and which the scale mapped to another value."""
    ablation = results.ablation
    default = ablation.case(ablation.default).recipe
    recipes = {case.key: case.recipe for case in ablation.cases if case.recipe}
    ours = {r.cell.case.key: r.encoder for r in results.cells if r.encoder}
    if default is None:
        return {}
    varied = {field for recipe in recipes.values() for field in changes(default, recipe)}
    told: dict[str, dict[str, str]] = {}
    for key, encoder in ours.items():
        mapped = {field: pair for field, pair in changes(recipes[key], encoder).items() if field in varied}
        told[key] = {field: _plain(value) for field, (_, value) in mapped.items()}
    for result in results.cells:
        told.setdefault(result.cell.case.key, {}).update(_tuned_as(result))
    return {key: ", ".join(map(" ".join, fields.items())) for key, fields in told.items() if fields}


def _tuned_as(result: Result) -> Mapping[str, str]:
    """The share of the encoder and the resolution that were fine-tuned, where the scale mapped them."""
    case = result.cell.case
    asked = [r for r in (*case.through, case.evaluations.get(result.cell.protocol)) if isinstance(r, FinetuneRecipe)]
    run = [s.recipe for s in result.cell.stages() if isinstance(s.recipe, FinetuneRecipe)]
    return {
        field: _plain(getattr(ours, field))
        for paper, ours in zip(asked, run, strict=False)  # a row that nobody runs has only what was asked
        for field in ("tuned_blocks", "resolution")
        if getattr(paper, field) != getattr(ours, field)
    }


_MIXED: Mapping[str, Callable[[Mapping[str, Any]], Hashable]] = {
    "code versions": lambda origin: origin.get("source", origin.get("commit")),
    "devices": lambda origin: (origin.get("processor"), origin.get("device")),
    "torch versions": lambda origin: origin.get("versions", {}).get("torch"),
}


def mixed(
    results: Results, where: str = "report.html tells which, and cells.csv of which commit each number is"
) -> str:
    """Whether numbers that stand side by side were computed differently, and `where` that is told of each."""
    origins = [record.get("provenance", {}) for record in results.records.values()]
    counts = {name: len({of(origin) for origin in origins}) for name, of in _MIXED.items()}
    mixed = " and ".join(f"{count} {name}" for name, count in counts.items() if count > 1)
    return f"Not all numbers were computed alike: {mixed} are mixed here; {where}." if mixed else ""


def remarks(results: Results) -> list[str]:
    """What stages want their readers to know, such as files that were damaged, each with the kind of stage it is of."""
    kinds = {signature: signature.rpartition("-")[0] for signature in results.records}
    told = {
        f"{PROTOCOL_LABELS.get(kind, kind).capitalize()}: {str(remark).removesuffix('.')}."
        for signature, kind in kinds.items()
        for remark in results.records[signature].get("remarks", ())
        if remark
    }
    return sorted(told)


def origin(results: Results) -> str:
    """Commits, versions and machines behind the numbers."""
    origins = [record.get("provenance", {}) for record in results.records.values()]
    commits = sorted(
        {f"{o['commit'][:12]}{' with local changes' if o.get('dirty') else ''}" for o in origins if "commit" in o}
    )
    torch = sorted({o["versions"]["torch"] for o in origins if "torch" in o.get("versions", {})})
    parts = [("commit", commits), ("torch", torch), ("processor", _machines(results))]
    told = "; ".join(f"{name} {' / '.join(values)}" for name, values in parts if values)
    return f"Computed by {told}." if told else "Nothing is computed yet."


def _machines(results: Results) -> list[str]:
    """Processor and device of every machine that computed one of the numbers."""
    origins = [record.get("provenance", {}) for record in results.records.values()]
    return sorted({f"{o['processor']}, {o.get('device', 'cpu')}" for o in origins if "processor" in o})
