"""Ablations as values: one table or figure of the paper, its rows, its columns, its numbers and its claims."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from ablations.spec.case import Case
from ablations.spec.cells import Cell, Setting
from ablations.spec.claims import Better, Claim, Trend
from ablations.spec.protocols import FINETUNE_AND_LINEAR_PROBE, Protocols
from mae_core.data.catalogue import DataInfo, describe
from mae_core.errors import UserError
from mae_core.recipes import FINETUNE, LINEAR_PROBE, EncoderRecipe, LogisticRegressionRecipe, Recipe, untrained
from mae_core.scales import Scale

PLAIN = re.compile(r"\w[\w.-]*", re.ASCII)  # names of ablations and keys of cases


@dataclass(frozen=True)
class Ablation:
    """One table or figure of the paper."""

    name: str
    title: str
    source: str  # "Figure 5"
    axis: str  # what varies, as the paper's axis or column head says
    default: str  # key of the row that the others are compared with
    cases: tuple[Case, ...]
    protocols: Protocols = field(default_factory=lambda: FINETUNE_AND_LINEAR_PROBE)
    claims: tuple[Claim, ...] = ()
    figure: Literal["curves", "dots"] = "dots"
    decisions: tuple[str, ...] = ()  # what the paper leaves open and we chose, a sentence each
    home: Path = Path("out")  # where data that single rows name are looked for

    def __post_init__(self) -> None:
        counts = Counter(case.key for case in self.cases)
        for name in (self.name, *counts):
            if not PLAIN.fullmatch(name):
                raise UserError(
                    f"{name!r} becomes part of file names; write it with letters, digits, _, - and . alone."
                )
        twice = [key for key, count in counts.items() if count > 1]
        if twice:
            raise UserError(f"{self.name} has two cases of key {twice[0]!r}; give each a key of its own.")
        self.case(self.default)

    def check_claims(self) -> None:
        """Raises UserError for a claim on a protocol, a row or a curve that is not there."""
        for claim in self.claims:
            self.protocol(claim.protocol)
            if isinstance(claim, Trend):
                self._check_curve(claim.series)
            else:
                for key in (claim.better, claim.worse) if isinstance(claim, Better) else (claim.one, claim.other):
                    self.case(key)

    def _check_curve(self, series: str) -> None:
        there = sorted({case.series for case in self.cases})
        if series and series not in there:
            raise UserError(f"{self.name} has no curve {series!r}; choose one of {', '.join(filter(None, there))}.")

    def case(self, key: str) -> Case:
        """The row of that key. Raises UserError, naming those there are."""
        for case in self.cases:
            if case.key == key:
                return case
        keys = ", ".join(case.key for case in self.cases)
        raise UserError(f"{self.name} has no case {key!r}; choose one of {keys}.")

    def protocol(self, name: str, only: str | None = None) -> str:
        """The protocol `name`, which the ablation (its row `only`) has. Raises UserError, naming those there are."""
        cases = self.cases if only is None else (self.case(only),)
        there = [one for one in self.protocols if any(case.columns is None or one in case.columns for case in cases)]
        if name not in there:
            whose = self.name if only is None else f"{self.name}:{only}"
            raise UserError(f"{whose} has no protocol {name!r}; choose one of {', '.join(there)}.")
        return name

    def given(self, scale: Scale, home: Path) -> Ablation:
        """The ablation as it stands at `scale` with the files that `home` has: what a row needs may be there."""
        return replace(self, cases=tuple(case.given(scale, home) for case in self.cases), home=home)

    def cells(self, scale: Scale, info: DataInfo, seeds: int, only: str | None = None) -> tuple[Cell, ...]:
        """Every number of the ablation (of row `only`) at `scale` on the data `info`, for seeds 0 … seeds-1."""
        cases = self.cases if only is None else (self.case(only),)
        return tuple(cell for seed in range(seeds) for case in cases for cell in self._row(case, scale, info, seed))

    def _row(self, case: Case, scale: Scale, info: DataInfo, seed: int) -> Iterator[Cell]:
        setting = self._setting(case, scale, info, seed)
        columns = {
            protocol: case.evaluations.get(protocol, recipe)
            for protocol, recipe in self.protocols.items()
            if case.columns is None or protocol in case.columns
        }
        possible = {protocol: recipe for protocol, recipe in columns.items() if setting.has_labels_for(case, recipe)}
        for protocol, recipe in possible.items():
            yield setting.cell(self.name, case, protocol, recipe)
        if not possible:
            yield from setting.pretraining(self.name, case)

    def _setting(self, case: Case, scale: Scale, info: DataInfo, seed: int) -> Setting:
        evaluated = describe(case.data, self.home) if case.data else info
        return Setting(scale, info, evaluated, seed)

    def baselines(self, scale: Scale, info: DataInfo, seeds: int) -> tuple[Cell, ...]:
        """The four trivial rivals at the same label budget; none at the paper's scale or without a column of theirs."""
        default = self.case(self.default)
        learns = [name for name in ("finetune", "linear_probe") if name in self.protocols]
        if scale.name == "paper" or not info.labelled or not learns or default.recipe is None:
            return ()
        return tuple(
            self._setting(case, scale, info, seed).cell(self.name, case, protocol, recipe)
            for seed in range(seeds)
            for case, protocol, recipe in _rivals(default, default.recipe, {**self.protocols, **default.evaluations})
        )


def _rivals(default: Case, encoder: EncoderRecipe, protocols: Protocols) -> Iterator[tuple[Case, str, Recipe]]:
    pixels, data = LogisticRegressionRecipe(image_size=encoder.image_size), default.data
    yield Case("raw_pixels", "logistic regression on raw pixels", data=data), "logistic_regression", pixels
    pca = replace(pixels, features="pca")
    yield Case("pca_features", "logistic regression on PCA features", data=data), "logistic_regression", pca
    start = untrained(encoder)
    probe = Case("untrained", "probe of the untrained encoder", start, data=data)
    yield probe, "linear_probe", protocols.get("linear_probe", LINEAR_PROBE)
    scratch = Case("scratch", "fine-tuning from scratch", start, data=data)
    yield scratch, "finetune", protocols.get("finetune", FINETUNE)
