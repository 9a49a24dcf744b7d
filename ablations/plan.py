"""The plan: the distinct stages that a set of cells needs, parents first, countable before anything runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from ablations.spec.cells import Cell
from ablations.spec.needs import parts
from mae_core.signature import Stage


@dataclass(frozen=True)
class Plan:
    """Cells, and the distinct stages they rest on."""

    cells: tuple[Cell, ...]
    stages: dict[str, Stage]  # by signature; a stage comes after its parents

    @classmethod
    def of(cls, cells: Iterable[Cell]) -> Plan:
        """Share equal stages among `cells`."""
        kept, stages = tuple(cells), dict[str, Stage]()
        for cell in kept:
            for stage in cell.stages():
                stages.setdefault(stage.signature, stage)
        return cls(kept, stages)

    def layers(self) -> list[list[Stage]]:
        """Stages that need no other, then those that need only these, and so on."""
        depths: dict[str, int] = {}
        layers: list[list[Stage]] = []
        for stage in self.stages.values():
            depth = max((depths[parent.signature] + 1 for parent in stage.parents), default=0)
            depths[stage.signature] = depth
            layers.extend([] for _ in range(depth + 1 - len(layers)))
            layers[depth].append(stage)
        return layers

    def counts(self) -> Counter[str]:
        """How many distinct stages of each kind."""
        return Counter(stage.kind for stage in self.stages.values())

    def cells_of(self, signature: str) -> list[Cell]:
        """The cells whose number that stage gives or prepares."""
        return [c for c in self.cells if any(s.signature == signature for s in c.stages())]

    def waiting(self) -> dict[str, list[Cell]]:
        """What is not there yet, a sentence for each file or folder → the cells that wait for it."""
        found: dict[str, list[Cell]] = {}
        for cell in self.cells:
            if cell.case.state == "needs":
                for need in parts(cell.case.needs):
                    found.setdefault(need, []).append(cell)
        return found
