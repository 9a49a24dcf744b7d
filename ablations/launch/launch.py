"""A launch: what one command line asks for, resolved."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ablations.plan import Plan
from ablations.selection import Selected
from ablations.spec import Cell
from mae_core.data.catalogue import DataInfo
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
        """The cells of one ablation and its baselines."""
        asked = one.ablation.cells(self.scale, self.info, self.seeds, one.only)
        return asked + one.ablation.baselines(self.scale, self.info, self.seeds)

    def plan(self) -> Plan:
        """The stages of everything asked for."""
        return Plan.of(cell for one in self.selected for cell in self.cells(one))
