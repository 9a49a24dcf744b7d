"""Studies as values: what is searched, by which number a trial is judged, and the stage that a trial is."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from mae_core.data.catalogue import DataInfo
from mae_core.errors import UserError, hint
from mae_core.recipes import BASELINE, FINETUNE, EvaluationRecipe, PretrainRecipe
from mae_core.recipes.fitted_targets import fitted_for
from mae_core.scales import Scale
from mae_core.signature import Stage
from sweeps.space import PaperValue, Space

FACTOR = 2  # one trial in so many goes on from a rung

Sampler = Literal["tpe", "gp", "quasi-random", "exhaustive"]


@dataclass(frozen=True)
class Row:
    """The row of an ablation's table that a study tunes."""

    key: str
    label: str
    paper: float | None  # the paper's number


@dataclass(frozen=True)
class Study:
    """A search for settings on held-out train images."""

    name: str
    title: str
    space: Space
    pretraining: PretrainRecipe = BASELINE
    evaluation: EvaluationRecipe = FINETUNE  # its top-1 on held-out train images judges a trial
    trials: int = 16  # complete and pruned ones
    top: int = 3  # the best trials, repeated with more seeds before one is called the winner
    sampler: Sampler = "tpe"
    rungs: tuple[float, ...] = (1 / 9, 1 / 3)  # shares of the shortest schedule, where the better trials alone go on
    row: Row | None = None  # the row that is tuned, where a study tunes one

    def check(self, scale: Scale, info: DataInfo) -> None:
        """Raise UserError, in one sentence, for a sampler, setting or range that no trial could be made of."""
        if self.sampler not in get_args(Sampler):
            raise UserError(
                f"{self.name}: there is no sampler {self.sampler!r}; choose {', '.join(get_args(Sampler))}."
            )
        recipes = {recipe.KIND: recipe for recipe in (self.pretraining, self.evaluation)}
        for name, setting in self.space.items():
            kind, _, field = name.partition(".")
            if kind not in recipes:
                raise UserError(
                    f"{self.name}: {name!r} names no stage of its trials; begin with {' or '.join(recipes)}."
                )
            fields = [one.name for one in dataclasses.fields(recipes[kind])]
            if field not in fields:
                it_has = f"it has {', '.join(sorted(fields))}."
                raise UserError(f"{self.name}: {kind} has no setting {field!r}; {hint(field, fields, it_has)}")
            try:
                for found in setting.samples:
                    self.stage({name: found}, scale, info)
            except (ValueError, TypeError) as error:
                raise UserError(f"{self.name}: {name} cannot be {setting!r}: {str(error).rstrip('.')}.") from None

    def stage(
        self,
        found: Mapping[str, Any],
        scale: Scale,
        info: DataInfo,
        seed: int = 0,
        evaluate_on: Literal["heldout", "test"] = "heldout",
    ) -> Stage:
        """The evaluation stage, on its pre-training, of a trial that found these values (none: the scale's own)."""
        pretraining = _at_scale(self.pretraining, found, self.space, scale, info, seed)
        evaluation = _at_scale(self.evaluation, found, self.space, scale, info, seed)
        fitted = fitted_for(self.pretraining)
        before = () if fitted is None else (Stage(replace(scale.apply(fitted, info), seed=seed)),)
        return Stage(replace(evaluation, evaluate_on=evaluate_on), (Stage(pretraining, before),))

    def question(self, scale: Scale, info: DataInfo) -> str:
        """A digest of what is asked: the stage of the scale's own settings, the space, where trials are compared.

        The signature covers the scale's values, the data and the stages' versions, so that no old trial answers once
        one of them has changed.
        """
        space = sorted((name, repr(setting)) for name, setting in self.space.items())
        compared = [FACTOR, *self.rungs] if self.rungs else []
        asked = json.dumps([self.stage({}, scale, info).signature, space, compared])
        return hashlib.sha256(asked.encode()).hexdigest()[:8]

    def settings(self, stage: Stage) -> dict[str, Any]:
        """What the stage of a trial, or one that it rests on, was given for each setting that is searched."""
        recipes = {one.kind: one.recipe for one in (stage, *stage.parents)}
        named = {name: name.partition(".") for name in self.space}
        return {name: getattr(recipes[kind], field) for name, (kind, _, field) in named.items()}


def _at_scale(paper: Any, found: Mapping[str, Any], space: Space, scale: Scale, info: DataInfo, seed: int) -> Any:
    """The recipe of one stage: the paper's values by way of the scale, the others put in the scale's place."""
    mine = {name.partition(".")[2]: name for name in space if name.partition(".")[0] == paper.KIND and name in found}
    rows = {field: found[name] for field, name in mine.items() if isinstance(space[name], PaperValue)}
    scaled = scale.apply(replace(paper, **rows), info)
    nuisance = {
        field: space[name].value(found[name], getattr(scaled, field))
        for field, name in mine.items()
        if field not in rows
    }
    return replace(scaled, seed=seed, **nuisance)
