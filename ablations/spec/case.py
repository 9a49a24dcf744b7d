"""Cases: the rows of a table and the points of a figure, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from ablations.spec.needs import DALLE, Both, Folder, Need, Weights
from ablations.spec.protocols import Protocols
from mae_core.recipes import EncoderRecipe, FittedTargetRecipe, PretrainRecipe, Recipe, fitted_for, imported
from mae_core.scales import Scale


@dataclass(frozen=True)
class Case:
    """One row of a table or one point of a figure.

    A case is run by us, or `cited` (only the paper's number is known), or `needs` a named file or data set.
    """

    key: str
    label: str  # the paper's words
    recipe: EncoderRecipe | None = None  # what gives its encoder; None for cited cases and encoders yet to be named
    paper: Mapping[str, float] = field(default_factory=dict)  # protocol → the paper's number
    evaluations: Protocols = field(default_factory=dict)  # protocols this row does differently
    columns: tuple[str, ...] | None = None  # the protocols it has; None: all
    through: tuple[Recipe, ...] = ()  # stages between the encoder and the protocol's, such as a fine-tuning
    data: str = ""  # what its protocols read; "": what the encoder was trained on
    target: FittedTargetRecipe | None = None  # what its pre-training predicts; None: as the recipe says
    cited: bool = False
    needs: Need | str = ""
    series: str = ""  # the curve of a figure that it is a point of
    at: float | None = None  # its place on the figure's axis, where the key is not that number
    also: Mapping[str, float] = field(default_factory=dict)  # other numbers that the paper prints for it

    @property
    def state(self) -> Literal["run", "cited", "needs"]:
        """Whether we compute it."""
        return "cited" if self.cited else "needs" if self.needs else "run"

    @property
    def fitted(self) -> FittedTargetRecipe | None:
        """What is fitted before its pre-training, at the paper's size; None where the target is pixels."""
        if self.target is not None:
            return self.target
        return fitted_for(self.recipe) if isinstance(self.recipe, PretrainRecipe) else None

    def given(self, scale: Scale, home: Path) -> Case:
        """The case as it stands at `scale` with the files that `home` has."""
        if scale.name == "paper" and isinstance(self.recipe, PretrainRecipe) and self.recipe.target == "token":
            return self._with_dalle(self.recipe, DALLE.find(home))
        if isinstance(self.needs, Both):
            with_weights = replace(self, needs=self.needs.weights).given(scale, home)
            with_data = replace(with_weights, needs=self.needs.folder).given(scale, home)
            both = with_weights.needs and with_data.needs
            return replace(with_data, needs=self.needs if both else with_weights.needs or with_data.needs)
        if isinstance(self.needs, Folder):
            folder = self.needs.find(home)
            return self if folder is None else replace(self, needs="", data=str(folder))
        if isinstance(self.needs, Weights):
            file = self.needs.find(home)
            return self if file is None else replace(self, needs="", recipe=imported(file, **self.needs.settings))
        return self

    def _with_dalle(self, recipe: PretrainRecipe, file: Path | None) -> Case:
        """The paper's tokens are DALL-E's; below its scale, ours stand in."""
        return replace(self, needs=DALLE) if file is None else replace(self, needs="", target=fitted_for(recipe, file))
