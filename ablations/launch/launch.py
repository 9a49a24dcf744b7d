"""A launch: what one command line asks for, resolved."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ablations.plan import Plan
from ablations.selection import Selected
from ablations.spec import Cell
from mae_core.data.catalogue import DataInfo
from mae_core.errors import UserError
from mae_core.scales import Scale


@dataclass(frozen=True)
class Launch:
    """Ablations at a scale, on some data, in a home."""

    selected: list[Selected]
    scale: Scale
    seeds: int
    info: DataInfo
    home: Path

    def cells(self, one: Selected) -> tuple[Cell, ...]:
        """The cells of one ablation and its baselines, those of its protocol alone where it names one.

        Raises UserError where the data leave nothing of that protocol.
        """
        asked = one.ablation.cells(self.scale, self.info, self.seeds, one.only)
        asked += one.ablation.baselines(self.scale, self.info, self.seeds)
        if one.protocol is None:
            return asked
        chosen = tuple(cell for cell in asked if cell.protocol == one.protocol)
        if not chosen:
            raise UserError(f"{one.protocol} takes labels, which {self.info.name} does not have; name other --data.")
        return chosen

    def plan(self) -> Plan:
        """The stages of everything asked for."""
        return Plan.of(cell for one in self.selected for cell in self.cells(one))
