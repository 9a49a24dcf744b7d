"""The index: one page that names every table and figure of the paper, how far it is, and where its reports are."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ablations.paper import ABLATIONS, NOT_YET
from mae_core.store.files import replacing
from reports.figures import scatter
from reports.pages import runs, sheet
from reports.pages.page import page

FILES: Mapping[str, str] = {
    "table": "table.csv",
    "figure": "figure.png",
    "panels": "panels.png",
    "notebook": "report.ipynb",
    "cells": "cells.csv",
    "baselines": "baselines.csv",
}
# what the paper prints without numbers of its own
ELSEWHERE = (
    ("Figure 1", "The method", "nothing to compute; docs/how-it-fits.md"),
    ("Figure 6", "Mask sampling, pictures", "the panels of mask_sampling"),
    ("Tables 8-11", "Settings", "the recipes' defaults, in mae_core/recipes/"),
)


@dataclass(frozen=True)
class Line:
    """A report, or something of the paper that has none."""

    title: str
    source: str
    setting: str = ""
    state: str = "not run yet"
    verdict: str = ""
    page: str = ""  # relative to the index
    links: tuple[tuple[str, str], ...] = ()


def write(reports: Path) -> Path:
    """Write `index.html` to the folder `reports`, and the pages of runs that it links to."""
    path = reports / "index.html"
    for setting in sorted(reports.glob("by-scale/*")):
        runs.write(setting)
    pictures = [(one.parent.name, one.relative_to(reports).as_posix()) for one in _scatters(reports)]
    text = page(
        "index.html.j2",
        title="Ablations",
        script="",
        lines=list(lines(reports)),
        sweeps=list(_sweeps(reports)),
        pictures=pictures,
    )
    with replacing(path, durable=False) as file:
        file.write(text.encode())
    return path


def _scatters(reports: Path) -> list[Path]:
    return sorted(reports.glob(f"by-scale/*/{scatter.NAME}.svg"))


def _sweeps(reports: Path) -> Iterator[tuple[str, str, str]]:
    """Name, setting and page of each sweep's report."""
    for path in sorted(reports.glob("by-scale/*/sweeps/*/report.html")):
        yield path.parent.name, path.parents[2].name.replace("-", ", ", 1), path.relative_to(reports).as_posix()


def lines(reports: Path) -> Iterator[Line]:
    """Every report in `reports`, in the paper's order, then those of other spec files; and what has none yet."""
    found: dict[str, list[Line]] = {sheet.NAME: [], **{name: [] for name in ABLATIONS}}
    for path in sorted(reports.glob("by-scale/*/*/report.json")):
        try:
            facts = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        found.setdefault(facts["ablation"], []).append(_line(facts, path.parent, reports))
    for name, built in found.items():
        if built:
            yield from built
        elif name in ABLATIONS:
            yield Line(ABLATIONS[name].title, ABLATIONS[name].source)
        else:
            yield Line(sheet.TITLE, sheet.SOURCE, state=_without_sheet(found))
    for name, what in NOT_YET.items():
        source, _, title = what.partition(", ")
        yield Line(title.capitalize() or name, source, state="not available yet")
    for source, title, state in ELSEWHERE:
        yield Line(title, source, state=state)


def _without_sheet(found: Mapping[str, Sequence[Line]]) -> str:
    """What there is of Table 1 where its page is not built: its parts may have reports of their own."""
    built = sum(bool(found[part.name]) for part in sheet.parts())
    if not built:
        return "not run yet"
    return f"{built} of its {len(sheet.parts())} parts have reports of their own; reports.build {sheet.NAME} joins them"


def _line(facts: Mapping[str, Any], folder: Path, reports: Path) -> Line:
    place = folder.relative_to(reports).as_posix()
    return Line(
        title=facts["title"],
        source=facts["source"],
        setting=f"{facts['scale']}, {facts['data']}, n = {facts['seeds']}",
        state=", ".join(f"{count} {status}" for status, count in facts["counts"].items()),
        verdict=facts["verdict"],
        page=f"{place}/report.html",
        links=tuple(_links(folder, place)),
    )


def _links(folder: Path, place: str) -> Iterator[tuple[str, str]]:
    """The report's files, and where the runs behind it are told."""
    yield from ((name, f"{place}/{file}") for name, file in FILES.items() if (folder / file).is_file())
    if (folder / FILES["cells"]).is_file() and (folder.parent / runs.NAME).is_file():
        yield "runs", f"{folder.parent.relative_to(folder.parents[2]).as_posix()}/{runs.NAME}#{folder.name}"
