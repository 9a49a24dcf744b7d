"""Joint pages: what shows several reports at once, renewed when one of them is."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from ablations.place import place_of
from mae_core.data.catalogue import DataInfo
from mae_core.scales import Scale
from reports.figures import scatter
from reports.pages import index, sheet
from reports.results import seeds_found


def renew(
    asked: Collection[str], scale: Scale, info: DataInfo, home: Path, memory: Path, seeds: int | None = None
) -> Path | None:
    """Draw the scatter, write Table 1's page and the index, after reports of the ablations `asked` were built.

    The page is written where it is there already and a part of it was asked for, or where all its parts were; for
    `seeds`, else for as many as any of its parts has in the store of `memory`. Its folder is returned.
    """
    reports = home / "reports"
    written = _sheet(asked, scale, info, home, memory, seeds)
    scatter.draw(place_of(reports, scale, info))
    index.write(reports)
    return written


def _sheet(
    asked: Collection[str], scale: Scale, info: DataInfo, home: Path, memory: Path, seeds: int | None
) -> Path | None:
    parts = [part.given(scale, memory) for part in sheet.parts()]
    of_sheet = {part.name for part in parts} & set(asked)
    there = (sheet.folder_of(scale, info, home) / "report.json").is_file()
    if not of_sheet or not (there or len(of_sheet) == len(parts)):
        return None
    found = max(seeds_found(part, scale, info, memory) for part in parts)
    return sheet.build(scale, info, home, memory, seeds or found) if found else None
