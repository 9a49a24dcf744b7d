"""The index: one page that names every ablation, how far it is, and where its reports are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ablations.paper import ABLATIONS
from mae_core.store.files import replacing
from reports.pages.page import page

FILES = {"table": "table.csv", "figure": "figure.png", "notebook": "report.ipynb", "baselines": "baselines.csv"}


@dataclass(frozen=True)
class Line:
    """A report, or an ablation that has none."""

    title: str
    source: str
    setting: str = ""
    state: str = "not run yet"
    verdict: str = ""
    page: str = ""  # relative to the index
    links: tuple[tuple[str, str], ...] = ()


def write(reports: Path) -> Path:
    """Write `index.html` to the folder `reports`."""
    path = reports / "index.html"
    with replacing(path, durable=False) as file:
        file.write(page("index.html.j2", title="Ablations", script="", lines=list(lines(reports))).encode())
    return path


def lines(reports: Path) -> Iterator[Line]:
    """Every report in `reports`, in the paper's order, then those of other spec files; and what has none yet."""
    found: dict[str, list[Line]] = {name: [] for name in ABLATIONS}
    for path in sorted(reports.glob("by-scale/*/*/report.json")):
        try:
            facts = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        found.setdefault(facts["ablation"], []).append(_line(facts, path.parent.relative_to(reports)))
    for name, built in found.items():
        if built:
            yield from built
        else:
            yield Line(ABLATIONS[name].title, ABLATIONS[name].source)


def _line(facts: dict[str, Any], folder: Path) -> Line:
    return Line(
        title=facts["title"],
        source=facts["source"],
        setting=f"{facts['scale']}, {facts['data']}, n = {facts['seeds']}",
        state=", ".join(f"{count} {status}" for status, count in facts["counts"].items()),
        verdict=facts["verdict"],
        page=f"{folder.as_posix()}/report.html",
        links=tuple((name, f"{folder.as_posix()}/{file}") for name, file in FILES.items()),
    )
