"""Ablations as values: one table or figure of the paper, its rows, its columns, its numbers and its claims."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal, TypeVar

from ablations.claims import Claim
from mae_core.data.catalogue import DataInfo
from mae_core.errors import UserError
from mae_core.recipes import (
    FINETUNE,
    LINEAR_PROBE,
    EncoderRecipe,
    EvaluationRecipe,
    LogisticRegressionRecipe,
    Recipe,
    untrained,
)
from mae_core.scales import Scale
from mae_core.signature import Stage

R = TypeVar("R", bound=Recipe)

Protocols = Mapping[str, EvaluationRecipe]
FINETUNE_AND_LINEAR_PROBE: Protocols = MappingProxyType({"finetune": FINETUNE, "linear_probe": LINEAR_PROBE})
PROTOCOL_LABELS = {
    "pretrain": "pre-training",
    "finetune": "fine-tuning",
    "linear_probe": "linear probing",
    "logistic_regression": "logistic regression",
}


@dataclass(frozen=True)
class Case:
    """One row of a table or one point of a figure.

    A case is run by us, or `cited` (only the paper's number is known), or `needs` a named file or data set.
    """

    key: str
    label: str  # the paper's words
    recipe: EncoderRecipe | None = None  # what pre-trains its encoder; None for cited cases
    paper: Mapping[str, float] = field(default_factory=dict)  # protocol → the paper's number
    evaluations: Protocols = field(default_factory=dict)  # protocols this row does differently
    cited: bool = False
    needs: str = ""

    @property
    def state(self) -> Literal["run", "cited", "needs"]:
        """Whether we compute it."""
        return "cited" if self.cited else "needs" if self.needs else "run"


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


@dataclass(frozen=True)
class Ablation:
    """One table or figure of the paper."""

    name: str
    title: str
    source: str  # "Figure 5"
    axis: str  # what varies, as the paper's axis or column head says
    default: str  # key of the paper's default row
    cases: tuple[Case, ...]
    protocols: Protocols = field(default_factory=lambda: FINETUNE_AND_LINEAR_PROBE)
    claims: tuple[Claim, ...] = ()
    figure: Literal["curves", "dots"] = "dots"

    def case(self, key: str) -> Case:
        """The row of that key. Raises UserError, naming those there are."""
        for case in self.cases:
            if case.key == key:
                return case
        keys = ", ".join(case.key for case in self.cases)
        raise UserError(f"{self.name} has no case {key!r}; choose one of {keys}.")

    def cells(self, scale: Scale, info: DataInfo, seeds: int, only: str | None = None) -> tuple[Cell, ...]:
        """Every number of the ablation (of row `only`) at `scale` on the data `info`, for seeds 0 … seeds-1."""
        cases = self.cases if only is None else (self.case(only),)
        if not info.labelled:
            return tuple(_unlabelled(self.name, case, scale, info, seed) for seed in range(seeds) for case in cases)
        return tuple(
            _cell(self.name, case, protocol, case.evaluations.get(protocol, recipe), scale, info, seed)
            for seed in range(seeds)
            for case in cases
            for protocol, recipe in self.protocols.items()
        )

    def baselines(self, scale: Scale, info: DataInfo, seeds: int) -> tuple[Cell, ...]:
        """The four trivial rivals at the same label budget; none at the paper's scale."""
        if scale.name == "paper" or not info.labelled:
            return ()
        encoder = self.case(self.default).recipe
        if encoder is None:
            return ()
        return tuple(
            _cell(self.name, case, protocol, recipe, scale, info, seed)
            for seed in range(seeds)
            for case, protocol, recipe in _rivals(encoder, self.protocols)
        )


def _rivals(encoder: EncoderRecipe, protocols: Protocols) -> Iterator[tuple[Case, str, EvaluationRecipe]]:
    pixels = LogisticRegressionRecipe(image_size=encoder.image_size)
    yield Case("raw_pixels", "logistic regression on raw pixels"), "logistic_regression", pixels
    pca = replace(pixels, features="pca")
    yield Case("pca_features", "logistic regression on PCA features"), "logistic_regression", pca
    start = untrained(encoder)
    probe = protocols.get("linear_probe", LINEAR_PROBE)
    yield Case("untrained", "probe of the untrained encoder", start), "linear_probe", probe
    yield Case("scratch", "fine-tuning from scratch", start), "finetune", protocols.get("finetune", FINETUNE)


def _cell(
    ablation: str, case: Case, protocol: str, recipe: EvaluationRecipe, scale: Scale, info: DataInfo, seed: int
) -> Cell:
    paper = case.paper.get(protocol)
    if case.state != "run":
        return Cell(ablation, case, protocol, seed, None, paper)
    parents = () if case.recipe is None else (Stage(_resolved(case.recipe, scale, info, seed)),)
    return Cell(ablation, case, protocol, seed, Stage(_resolved(recipe, scale, info, seed), parents), paper)


def _unlabelled(ablation: str, case: Case, scale: Scale, info: DataInfo, seed: int) -> Cell:
    """Without labels only the pre-training can be done; its number is the loss."""
    runnable = case.state == "run" and case.recipe is not None
    stage = Stage(_resolved(case.recipe, scale, info, seed)) if runnable and case.recipe else None
    return Cell(ablation, case, "pretrain", seed, stage)


def _resolved(recipe: R, scale: Scale, info: DataInfo, seed: int) -> R:
    scaled = scale.apply(recipe, info)
    if isinstance(scaled, LogisticRegressionRecipe):
        return scaled  # type: ignore[return-value]  # nothing random: one run serves all seeds
    return replace(scaled, seed=seed)  # type: ignore[return-value]
