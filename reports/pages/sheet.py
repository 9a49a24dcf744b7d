"""The sheet: Table 1 as the paper prints it, six small tables on one page, from the same rows as the six reports."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from ablations.paper import ABLATIONS
from ablations.spec import PROTOCOL_LABELS, Ablation
from mae_core.data.catalogue import DataInfo
from mae_core.scales import Scale
from reports.pages.page import page
from reports.results import STATUSES, Results, collect
from reports.tables.caption import paper_setting, setting
from reports.tables.quantities import quantities, told
from reports.tables.rows import Row, table_rows, write_rows
from reports.tables.table import MARKS, Layout, Line, coinciding, latex_of, markdown, ours, side_by_side, tabular
from reports.verdicts.recommendation import best_beyond_noise

NAME, TITLE, SOURCE = "table_1", "MAE ablations, six parts on one page", "Table 1"
_SHORT = {"finetune": "ft", "linear_probe": "lin", "flops_x": "FLOPs"}  # the paper's column heads


def parts() -> list[Ablation]:
    """The ablations of Table 1, (a) to (f)."""
    found = [ablation for ablation in ABLATIONS.values() if re.fullmatch(r"Table 1[a-z]", ablation.source)]
    return sorted(found, key=lambda ablation: ablation.source)


def build(scale: Scale, info: DataInfo, home: Path, memory: Path, seeds: int) -> Path:
    """Write the sheet for seeds 0 … seeds-1 from the store of `memory` into `home`; its folder is returned."""
    folder = home / "reports" / "by-scale" / f"{scale.name}-{info.name}" / NAME
    folder.mkdir(parents=True, exist_ok=True)
    found = [collect(ablation.given(scale, memory), scale, info, memory, seeds) for ablation in parts()]
    rows = [table_rows(results) for results in found]
    titles = [f"({r.ablation.source[-1]}) {r.ablation.title}" for r in found]
    layouts = [compact(results, of_part) for results, of_part in zip(found, rows, strict=True)]
    caption = _caption(found)
    write_rows([row for of_part in rows for row in of_part], folder / "table.csv")
    text = "\n".join([caption, *(f"\n### {t}\n\n{markdown(x)}" for t, x in zip(titles, layouts, strict=True))])
    (folder / "table.md").write_text(text, encoding="utf-8")
    (folder / "table.tex").write_text(_latex(titles, layouts, caption), encoding="utf-8")
    body = page("sheet.html.j2", title=f"{TITLE} ({SOURCE})", script="", caption=caption,
                parts=[(t, r.ablation.name, x) for t, r, x in zip(titles, found, layouts, strict=True)])  # fmt: skip
    (folder / "report.html").write_text(body, encoding="utf-8")
    (folder / "report.json").write_text(json.dumps(_facts(found), indent=1) + "\n", encoding="utf-8")
    latest = home / "reports" / NAME
    shutil.rmtree(latest, ignore_errors=True)
    shutil.copytree(folder, latest)
    return folder


def compact(results: Results, rows: Sequence[Row]) -> Layout:
    """A part in the paper's columns, ours and the paper's side by side; rows of the same runs once, with all labels."""
    by_case: dict[str, dict[str, Row]] = {}
    for row in rows:
        by_case.setdefault(row.case_key, {})[row.protocol] = row
    best = {protocol: best_beyond_noise(results, protocol) for protocol in results.protocols}
    printed = dict.fromkeys(name for case in results.ablation.cases for name in case.also)  # beside the accuracies
    beside = {(one.case_key, one.quantity): one for one in quantities(results)}
    lines = []
    for keys in coinciding(by_case):
        cells, marked = [" = ".join(results.ablation.case(key).label for key in keys)], set()
        for protocol in results.protocols:
            of_keys = [by_case[key][protocol] for key in keys if protocol in by_case[key]]
            marked |= {len(cells)} if best[protocol] in keys else set()
            papers = side_by_side(f"{row.paper:.1f}" for row in of_keys if row.paper is not None)
            cells += [ours(of_keys[0]) if of_keys else "", papers]
        for name in printed:
            found = [beside[key, name] for key in keys if (key, name) in beside]
            papers = side_by_side(f"{one.paper:.1f}" for one in found if one.paper is not None)
            cells += [" / ".join(dict.fromkeys(map(told, found))), papers]
        lines.append(Line(tuple(cells), results.ablation.default in keys, frozenset(marked)))
    heads = [_SHORT.get(name, PROTOCOL_LABELS.get(name, name)) for name in (*results.protocols, *printed)]
    return Layout(
        (results.ablation.axis, *(f"{head}, {who}" for head in heads for who in ("ours", "paper"))), tuple(lines)
    )


def _caption(found: Sequence[Results]) -> str:
    first = found[0]
    return (
        f"{TITLE} ({SOURCE}): fine-tuning (ft) and linear probing (lin), top-1 in per cent. Ours: {setting(first)}, "
        f"mean ± standard deviation over seeds with their number in brackets; the paper's: "
        f"{paper_setting(first.ablation)}, measured elsewhere and beside ours for their order only. "
        f"FLOPs are those of a forward pass of pre-training, counted from the shapes, in units of the default row's. "
        f"Rows joined by = are one at this scale. {MARKS}"
    )


def _latex(titles: Sequence[str], layouts: Sequence[Layout], caption: str) -> str:
    """Six minipages, three a line, each no wider than a third of the text."""
    cells = [
        "\\begin{minipage}[t]{0.32\\textwidth}\\centering\n"
        f"\\resizebox{{\\linewidth}}{{!}}{{%\n{tabular(layout)}}}\\par\\smallskip {latex_of(title)}\n\\end{{minipage}}"
        for title, layout in zip(titles, layouts, strict=True)
    ]
    lines = "\n\\par\\bigskip\n".join("\\hfill\n".join(cells[at : at + 3]) for at in range(0, len(cells), 3))
    return (
        "% \\usepackage{booktabs,graphicx}\n\\begin{table*}\n\\centering\n"
        f"{lines}\n\\caption{{{latex_of(caption)}}}\n\\label{{tab:{NAME}}}\n\\end{{table*}}\n"
    )


def _facts(found: Sequence[Results]) -> Mapping[str, object]:
    counts = sum((results.counts() for results in found), Counter[str]())
    return {
        "ablation": NAME,
        "title": TITLE,
        "source": SOURCE,
        "scale": found[0].scale.name,
        "data": found[0].info.name,
        "seeds": found[0].seeds,
        "counts": {status: counts[status] for status in STATUSES if counts[status]},
        "verdict": "The claims of each part are judged in its own report.",
    }
