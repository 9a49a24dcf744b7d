"""Quantities beside the protocols': what the paper prints or a stage measures of a row besides its accuracies."""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mae_core.recipes import FittedTargetRecipe, PretrainRecipe
from reports.measures.flops import encoder_parameters, forward_flops
from reports.results import Results, Status
from reports.tables.rows import worst
from reports.verdicts.statistics import spread

KEPT = 8  # decimals; GFLOPs of a small model are small


DIFFERENT = 1.05  # between the dearest and the cheapest row; below, a table says nothing of FLOPs

_FLOPS = "FLOPs are those of a forward pass of pre-training on one image, counted from the shapes that were run."
_MEMORY = (
    "Peak memory (10⁹ bytes) is that of the timed steps: weights, gradients, AdamW's state and the activations of the "
    "few images timed; allocated on a GPU, on a CPU the growth of the process. The paper prints none."
)
_PARAMETERS = "Parameters are those of the encoder that was run, without its head."
_VARIANCE = "The variance explained is that of the patches fitted on."
_TOKENS = (
    "Tokens are judged on held-out train images: how many are used at all, as how many equally used ones they spread "
    "(perplexity), and the squared errors of their pictures and, to compare, of each patch's own mean."
)


@dataclass(frozen=True)
class Quantity:
    """What is told of a row, and how it is printed."""

    label: str
    plain: Callable[[float], str]
    note: str  # for the caption
    unit: str = ""


QUANTITIES: Mapping[str, Quantity] = {
    "forward_gflops": Quantity("forward pass", "{:.3g}".format, _FLOPS, "GFLOPs"),
    "flops_x": Quantity("forward pass", "{:.2f}".format, _FLOPS, "FLOPs × the default row's"),
    "speedup": Quantity("speed-up", "{:.2f}".format, "Speed-ups are over the nearest row above that has none.", "×"),
    "peak_memory_gb": Quantity("peak memory", "{:.3g}".format, _MEMORY, "GB"),
    "params_M": Quantity("parameters", "{:.3g}".format, _PARAMETERS, "millions"),
    "explained_variance": Quantity("variance explained", "{:.1f}".format, _VARIANCE, "%"),
    "codebook_used": Quantity("tokens in use", "{:.1f}".format, _TOKENS, "%"),
    "perplexity": Quantity("perplexity of tokens", "{:.1f}".format, _TOKENS),
    "reconstruction_error": Quantity("error of tokens", "{:.3f}".format, _TOKENS),
    "patch_mean_error": Quantity("error of patch means", "{:.3f}".format, _TOKENS),
}
FITTED = ("explained_variance", "codebook_used", "perplexity", "reconstruction_error", "patch_mean_error")


@dataclass(frozen=True)
class Beside:
    """One line of `quantities.csv`: a quantity of a row. Columns are the fields, in this order."""

    ablation: str
    case_key: str
    case: str
    quantity: str
    unit: str
    scale: str
    data: str
    n_seeds: int  # 0 where it follows from the recipe alone
    mean: float | None
    std: float | None
    paper: float | None
    status: Status
    signatures: str  # of the stages that it is taken from


COLUMNS = tuple(field.name for field in dataclasses.fields(Beside))


def quantities(results: Results) -> list[Beside]:
    """The quantities of each row, a kind after the other, in the order of the spec; the paper's are never dropped."""
    found = [*_flops(results), *_speedups(results), *_memory(results), *_parameters(results), *_fitted(results)]
    known = {(one.case_key, one.quantity) for one in found}
    cases = results.ablation.cases
    cited = [(c.key, name) for c in cases for name in c.also if (c.key, name) not in known]
    return found + [_beside(results, key, name, (), _status(results, key), "") for key, name in cited]


def _beside(
    results: Results, key: str, name: str, values: Collection[float], status: Status, signatures: str, n: int = 0
) -> Beside:
    """The mean of `values`, one for each run or pair of runs; `n` seeds, 0 where nothing is measured."""
    case, ours = results.ablation.case(key), spread(list(values))
    return Beside(
        ablation=results.ablation.name,
        case_key=key,
        case=case.label,
        quantity=name,
        unit=QUANTITIES[name].unit if name in QUANTITIES else "",
        scale=results.scale.name,
        data=results.info.name,
        n_seeds=n,
        mean=None if ours.mean is None else round(ours.mean, KEPT),
        std=None if ours.std is None else round(ours.std, KEPT),
        paper=case.also.get(name),
        status=status,
        signatures=signatures,
    )


def _status(results: Results, key: str) -> Status:
    return worst(result.status for result in results.cells if result.cell.case.key == key)


def _flops(results: Results) -> Iterator[Beside]:
    """GFLOPs, and how many times the default row's, of tables whose rows differ in them."""
    stages = {
        result.cell.case.key: stage
        for result in reversed(results.cells)
        for stage in result.cell.stages()
        if isinstance(stage.recipe, PretrainRecipe)
    }
    counted = {key: forward_flops(stage) for key, stage in reversed(stages.items())}
    usual = counted.get(results.ablation.default)
    if not counted or max(counted.values()) < DIFFERENT * min(counted.values()):
        return
    for key, flops in counted.items():
        yield _beside(results, key, "forward_gflops", [flops / 1e9], "done", stages[key].signature)
        if usual:
            yield _beside(results, key, "flops_x", [flops / usual], "done", stages[key].signature)


def _speedups(results: Results) -> Iterator[Beside]:
    """Hours of the row that the paper's speed-up counts from, over the row's: the nearest above that has none."""
    start = ""
    for case in results.ablation.cases:
        if "speedup" not in case.also:
            start = case.key
            continue
        first, second = (results.values(key, "wall_clock") for key in (start, case.key))
        both = sorted(first.keys() & second.keys())
        runs = sorted({*results.runs(start, "wall_clock"), *results.runs(case.key, "wall_clock")})
        ratios = [first[seed] / second[seed] for seed in both]
        columns = [result for key in (start, case.key) for result in results.by_column.get((key, "wall_clock"), [])]
        status = worst(result.status for result in columns)
        yield _beside(results, case.key, "speedup", ratios, status, " ".join(runs), len(ratios))


def _memory(results: Results) -> Iterator[Beside]:
    """The peak memory of timed steps, of the rows that have such."""
    for case in results.ablation.cases:
        timed = results.by_column.get((case.key, "wall_clock"), [])
        peaks = {
            result.cell.stage.signature: float(result.record["metrics"]["peak_memory_gb"])
            for result in timed
            if result.cell.stage and "peak_memory_gb" in result.record.get("metrics", {})
        }
        if timed:
            status = worst(result.status for result in timed)
            yield _beside(results, case.key, "peak_memory_gb", peaks.values(), status, " ".join(peaks), len(peaks))


def _parameters(results: Results) -> Iterator[Beside]:
    """Millions of parameters where the paper prints them."""
    encoders = {result.cell.case.key: result.encoder for result in results.cells}
    for case in results.ablation.cases:
        encoder = encoders.get(case.key)
        if "params_M" in case.also and isinstance(encoder, PretrainRecipe):
            yield _beside(results, case.key, "params_M", [encoder_parameters(encoder) / 1e6], "done", "")


def _fitted(results: Results) -> Iterator[Beside]:
    """What the stages measured that fit a target: principal components, tokens."""
    for case in results.ablation.cases:
        of_case = [result for result in results.cells if result.cell.case.key == case.key]
        runs = {s.signature: s for r in of_case for s in r.cell.stages() if isinstance(s.recipe, FittedTargetRecipe)}
        records = {name: results.records[name]["metrics"] for name in runs if name in results.records}
        for quantity in FITTED:
            values = {name: metrics[quantity] for name, metrics in records.items() if quantity in metrics}
            if values:
                status: Status = "done" if len(values) == len(runs) else worst(r.status for r in of_case)
                yield _beside(results, case.key, quantity, values.values(), status, " ".join(values), len(values))


def told(one: Beside) -> str:
    """Our number, with its spread and n where it is measured, and the status wherever it is not done."""
    if one.mean is None:
        return "" if one.status == "done" else one.status
    plain = QUANTITIES[one.quantity].plain
    text = plain(one.mean) + (f" ± {plain(one.std)}" if one.std is not None else "")
    text += f" ({one.n_seeds})" if one.n_seeds else ""
    return text if one.status == "done" else f"{text}, {one.status}"


def notes(found: Sequence[Beside]) -> str:
    """What a reader must know of the quantities that are told."""
    told_of = (QUANTITIES[one.quantity].note for one in found if one.quantity in QUANTITIES)
    return " ".join(dict.fromkeys(("Beside the numbers of the table.", *told_of)))


def write_quantities(found: Sequence[Beside], path: Path) -> None:
    """Write `found` as CSV."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(map(dataclasses.asdict, found))
