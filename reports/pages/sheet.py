"""The sheet: Table 1 as the paper prints it, six small tables on one page, from the same rows as the six reports."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from filelock import FileLock

from ablations.paper import ABLATIONS
from ablations.place import place_of
from ablations.spec import PROTOCOL_LABELS, Ablation
from mae_core.data.catalogue import DataInfo
from mae_core.scales import Scale
from reports.doctor.rounds import rounds
from reports.folders.latest import renew
from reports.folders.swap import swapped
from reports.pages.page import page
from reports.results import STATUSES, Results, collect
from reports.tables.baselines import compare, sentence
from reports.tables.caption import changed, mixed, remarks, spread_told
from reports.tables.chosen import chosen
from reports.tables.latex import latex_of
from reports.tables.quantities import quantities, told
from reports.tables.rows import Row, baseline_rows, table_rows, write_rows
from reports.tables.setting import paper_setting, setting
from reports.tables.table import (
    BASELINES,
    MARKS,
    Layout,
    Line,
    baseline_layout,
    coinciding,
    difference,
    markdown,
    ours,
    side_by_side,
    tabular,
)
from reports.verdicts.recommendation import best_beyond_noise

NAME, TITLE, SOURCE = "table_1", "MAE ablations, six parts on one page", "Table 1"
_SHORT = {"finetune": "ft", "linear_probe": "lin", "flops_x": "FLOPs"}  # the paper's column heads


def parts() -> list[Ablation]:
    """The ablations of Table 1, (a) to (f)."""
    found = [ablation for ablation in ABLATIONS.values() if re.fullmatch(r"Table 1[a-z]", ablation.source)]
    return sorted(found, key=lambda ablation: ablation.source)


def folder_of(scale: Scale, info: DataInfo, home: Path) -> Path:
    """Where the sheet of that scale and data is, or will be."""
    return place_of(home / "reports", scale, info) / NAME


def build(scale: Scale, info: DataInfo, home: Path, memory: Path, seeds: int) -> Path:
    """Write the sheet for seeds 0 … seeds-1 from the store of `memory` into `home`; its folder is returned."""
    folder, reports = folder_of(scale, info, home), home / "reports"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(reports / f".{NAME}.lock"):
        with swapped(folder) as partial:
            found = [collect(part.given(scale, memory), scale, info, memory, seeds) for part in parts()]
            _write(found, rounds(found, memory), partial)
        renew(folder, reports / NAME)
    return folder


def _write(found: Sequence[Results], health: Sequence[str], folder: Path) -> None:
    """Write all files of the sheet to `folder`; `health` is what the doctor found."""
    rows = [table_rows(results) for results in found]
    titles = [f"({r.ablation.source[-1]}) {r.ablation.title}" for r in found]
    layouts = [compact(results, of_part) for results, of_part in zip(found, rows, strict=True)]
    # the default row and its rivals are the same runs in all parts
    rivals, against, whole = baseline_rows(found[0]), _against(found[0]), _whole(found)
    caption, beneath, notes = _caption(whole), baseline_layout(found[0], rivals), [against, *_notes(whole)]
    write_rows([row for of_part in rows for row in of_part], folder / "table.csv")
    write_rows(rivals, folder / "baselines.csv")
    named = [*zip(titles, layouts, strict=True), *([(BASELINES, beneath)] if beneath.lines else [])]
    text = "\n".join(
        ["\n\n".join([caption, *notes]), *(f"\n### {title}\n\n{markdown(layout)}" for title, layout in named)]
    )
    (folder / "table.md").write_text(text, encoding="utf-8")
    (folder / "table.tex").write_text(_latex(titles, layouts, caption, notes), encoding="utf-8")
    body = page(
        "sheet.html.j2",
        title=f"{TITLE} ({SOURCE})",
        script="",
        paragraphs=[caption, *notes],
        health=health,
        parts=[(t, r.ablation.name, x) for t, r, x in zip(titles, found, layouts, strict=True)],
        beneath=beneath,
        beneath_title=BASELINES,
    )
    (folder / "report.html").write_text(body, encoding="utf-8")
    facts = json.dumps(_facts(found, against, health), indent=1, ensure_ascii=False)
    (folder / "report.json").write_text(facts + "\n", encoding="utf-8")


def compact(results: Results, rows: Sequence[Row]) -> Layout:
    """A part in the paper's columns, ours and the paper's side by side; rows of the same runs once, with all labels."""
    by_case: dict[str, dict[str, Row]] = {}
    for row in rows:
        by_case.setdefault(row.case_key, {})[row.protocol] = row
    default = results.ablation.default
    best = {protocol: best_beyond_noise(results, protocol) for protocol in results.protocols}
    printed = dict.fromkeys(name for case in results.ablation.cases for name in case.also)  # beside the accuracies
    beside = {(one.case_key, one.quantity): one for one in quantities(results)}
    lines = []
    for keys in coinciding(by_case):
        cells, marked = [" = ".join(results.ablation.case(key).label for key in keys)], set()
        for protocol in results.protocols:
            of_keys = [by_case[key][protocol] for key in keys if protocol in by_case[key]]
            marked |= {len(cells)} if best[protocol] & set(keys) else set()
            papers = side_by_side(f"{row.paper:.1f}" for row in of_keys if row.paper is not None)
            number, gap = (ours(of_keys[0]), difference(of_keys[0], default)) if of_keys else ("", "")
            cells += [number, gap, papers]
        for name in printed:
            found = [beside[key, name] for key in keys if (key, name) in beside]
            papers = side_by_side(f"{one.paper:.1f}" for one in found if one.paper is not None)
            cells += [" / ".join(dict.fromkeys(map(told, found))), papers]
        lines.append(Line(tuple(cells), default in keys, frozenset(marked)))
    heads = [f"{_short(name)}, {who}" for name in results.protocols for who in ("ours", "Δ", "paper")]
    heads += [f"{_short(name)}, {who}" for name in printed for who in ("ours", "paper")]
    return Layout((results.ablation.axis, *heads), tuple(lines))


def _short(name: str) -> str:
    return _SHORT.get(name, PROTOCOL_LABELS.get(name, name))


def _whole(found: Sequence[Results]) -> Results:
    """All parts as one, for what is told of them together."""
    cells = tuple(result for results in found for result in results.cells)
    records = {name: record for results in found for name, record in results.records.items()}
    return replace(found[0], cells=cells, records=records)


def _caption(whole: Results) -> str:
    return (
        f"{TITLE} ({SOURCE}): fine-tuning (ft) and linear probing (lin), top-1 in per cent. Ours: {setting(whole)}; "
        f"the paper's: {paper_setting(whole.ablation)}, measured elsewhere and beside ours for their order only. "
        f"{spread_told(whole.cells, whole.seeds)} Δ: differences to the default row, ours paired by "
        f"seed, over as many pairs as stand in brackets where these are fewer than the seeds of a mean beside it. "
        f"FLOPs are those of a forward pass of pre-training, counted from the shapes, in units of the default row's. "
        f"Rows joined by = are one at this scale. {MARKS}"
    )


def _against(first: Results) -> str:
    """What MAE does not beat; the default row is that of all parts, whatever one of them calls it."""
    label = first.ablation.case(first.ablation.default).label
    return sentence(first, compare(first)).replace(f"the default row ({label})", "the default row", 1)


def _notes(whole: Results) -> list[str]:
    """What the parts' captions say of their numbers, told of all of them together."""
    told = changed(whole), chosen(whole), mixed(whole, "the reports of the parts tell which"), *remarks(whole)
    return [note for note in told if note]


def _latex(titles: Sequence[str], layouts: Sequence[Layout], caption: str, notes: Sequence[str]) -> str:
    """Six minipages, two a line, each no wider than half of the text: more abreast would be too small to read."""
    cells = [
        "\\begin{minipage}[t]{0.49\\textwidth}\\centering\n"
        f"\\resizebox{{\\linewidth}}{{!}}{{%\n{tabular(layout)}}}\\par\\smallskip {latex_of(title)}\n\\end{{minipage}}"
        for title, layout in zip(titles, layouts, strict=True)
    ]
    lines = "\n\\par\\bigskip\n".join("\\hfill\n".join(cells[at : at + 2]) for at in range(0, len(cells), 2))
    return (
        "% \\usepackage{booktabs,graphicx}\n\\begin{table*}\n\\centering\n"
        f"{lines}\n\\caption{{{latex_of(caption)}}}\n\\label{{tab:{NAME}}}\n"
        f"\\par\\smallskip\n{{\\footnotesize\\raggedright {latex_of(' '.join(notes))}\\par}}\n\\end{{table*}}\n"
    )


def _facts(found: Sequence[Results], against: str, health: Sequence[str]) -> Mapping[str, object]:
    counts = sum((results.counts() for results in found), Counter[str]())
    return {
        "ablation": NAME,
        "title": TITLE,
        "source": SOURCE,
        "scale": found[0].scale.name,
        "data": found[0].info.name,
        "fingerprint": found[0].info.fingerprint,
        "seeds": found[0].seeds,
        "counts": {status: counts[status] for status in STATUSES if counts[status]},
        "verdict": "The claims of each part are judged in its own report.",
        "baselines": against,
        "health": list(health),
    }
