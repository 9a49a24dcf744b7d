"""Cells: the numbers of an ablation, and the chain of stages behind each."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ablations.spec.case import Case
from mae_core.data.catalogue import DataInfo
from mae_core.recipes import (
    EncoderRecipe,
    EvaluationRecipe,
    LogisticRegressionRecipe,
    PretrainRecipe,
    Recipe,
    WallClockRecipe,
)
from mae_core.scales import Scale
from mae_core.signature import Stage

REMEMBERED = 100_000  # stages


@dataclass(frozen=True)
class Cell:
    """One number: case × protocol × seed, and the stage whose metric it is."""

    ablation: str
    case: Case
    protocol: str
    seed: int
    stage: Stage | None  # None for cited and needs cases
    paper: float | None = None

    @property
    def name(self) -> str:
        """`ablation/case-key/protocol/seed`."""
        return f"{self.ablation}/{self.case.key}/{self.protocol}/{self.seed}"

    def stages(self) -> Iterator[Stage]:
        """The cell's stage after everything it rests on; nothing where nothing is run."""
        return iter(()) if self.stage is None else self.stage.with_parents()


@dataclass(frozen=True)
class Setting:
    """Where cells are computed: the scale, the data encoders are trained on, the data protocols read, the seed."""

    scale: Scale
    info: DataInfo
    evaluated: DataInfo
    seed: int

    def cell(self, ablation: str, case: Case, protocol: str, recipe: Recipe) -> Cell:
        """The number that `recipe` gives of the case."""
        stage = self._chain(case, recipe) if case.state == "run" else None
        return Cell(ablation, case, protocol, self.seed, stage, case.paper.get(protocol))

    def has_labels_for(self, case: Case, recipe: Recipe) -> bool:
        """Whether the data have the labels that this number of the case takes."""
        if not isinstance(recipe, EvaluationRecipe):
            return True
        return self.evaluated.labelled and (self.info.labelled or not case.through)

    def pretraining(self, ablation: str, case: Case) -> Iterator[Cell]:
        """The pre-training alone, all that can be done without labels; its number is the loss."""
        if case.state == "run" and isinstance(case.recipe, PretrainRecipe):
            yield Cell(ablation, case, "pretrain", self.seed, self._encoder(case)[0])

    def _chain(self, case: Case, recipe: Recipe) -> Stage:
        """From what is fitted first to what gives the number."""
        parents = () if isinstance(recipe, WallClockRecipe) else self._encoder(case)
        for step in case.through:
            parents = (self._stage(step, parents, case.recipe),)
        return _stage(recipe, parents, self.scale, self.evaluated, self.seed, case.recipe)

    def _encoder(self, case: Case) -> tuple[Stage, ...]:
        """The stage that gives the case's encoder; none where raw images are evaluated."""
        if case.recipe is None:
            return ()
        before = () if case.fitted is None else (self._stage(case.fitted),)
        return (self._stage(case.recipe, before),)

    def _stage(self, recipe: Recipe, parents: tuple[Stage, ...] = (), encoder: EncoderRecipe | None = None) -> Stage:
        return _stage(recipe, parents, self.scale, self.info, self.seed, encoder)


@functools.lru_cache(REMEMBERED)
def _stage(
    recipe: Recipe,
    parents: tuple[Stage, ...],
    scale: Scale,
    info: DataInfo,
    seed: int,
    encoder: EncoderRecipe | None,
) -> Stage:
    """The scaled recipe on its parents; `encoder` is the paper's that it evaluates."""
    scaled = scale.apply(recipe, info) if encoder is None else scale.apply(recipe, info, encoder)
    if isinstance(scaled, LogisticRegressionRecipe):
        return Stage(scaled, parents)  # nothing random: one run serves all seeds
    return Stage(replace(scaled, seed=seed), parents)
