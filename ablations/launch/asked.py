"""What cells ask for today, by name: specs and scales as they are now, whatever was launched before."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ablations.paper import ABLATIONS
from ablations.selection import select
from ablations.spec.cells import Cell
from mae_core.data.catalogue import describe
from mae_core.errors import UserError, hint
from mae_core.scales import scale_named


def asked(ablation: str, scale_name: str, data: str | None, home: Path, seeds: int) -> Mapping[str, Cell]:
    """Every cell of `ablation` and its baselines, by name, for seeds 0 … seeds-1.

    Raises UserError where the ablation, the scale or the data are not known.
    """
    scale = scale_named(scale_name)
    (one,) = select([ablation])
    given, info = one.ablation.given(scale, home), describe(data or scale.data, home)
    return {cell.name: cell for cell in given.cells(scale, info, seeds) + given.baselines(scale, info, seeds)}


def cell_named(name: str, scale: str, data: str | None, home: Path) -> Cell:
    """The cell `ablation/case-key/protocol/seed`. Raises UserError, naming one that is close, or the rows."""
    parts = name.split("/")
    if len(parts) != 4 or not parts[3].isdecimal():
        raise UserError(
            f"{name!r} names no cell; write it as ablation/case/protocol/seed, e.g. mask_ratio/75/finetune/0."
        )
    cells = asked(parts[0], scale, data, home, int(parts[3]) + 1)
    if name not in cells:
        its_rows = f"its rows are {', '.join(dict.fromkeys(cell.case.key for cell in cells.values()))}."
        raise UserError(f"There is no cell {name!r} at scale {scale}; {hint(name, cells, its_rows)}")
    return cells[name]


def is_known(ablation: str) -> bool:
    """Whether the paper's ablations have it; a spec file's are known to their launches only."""
    return ablation in ABLATIONS
