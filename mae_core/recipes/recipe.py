"""What the recipes of all stages share."""

from __future__ import annotations

from typing import ClassVar, Literal

from mae_core.declaration import recipe, unsigned
from mae_core.errors import RecipeError
from mae_core.recipes.fields import Count, Whole


@recipe
class Recipe:
    """What all stages share."""

    KIND: ClassVar[str] = ""
    VERSION: ClassVar[int] = 1  # raised when a fix changes what the stage computes
    ALONE: ClassVar[bool] = False  # it measures time, so nothing may run beside it
    READS_IMAGES: ClassVar[bool] = True  # so that a launch sees to it that the data are there
    UNSCALED: ClassVar[frozenset[str]] = frozenset()  # fields no scale changes, because they are facts

    seed: Whole = 0
    # how fast, not what
    device: Literal["auto", "cpu", "cuda"] = unsigned(default="auto")
    threads: Count | None = unsigned(default=None)  # None: all cores
    workers: Whole = unsigned(default=0)  # loader processes, where images do not fit in memory
    micro_batch: Count | None = unsigned(default=None)  # None: fitted to the device

    @property
    def version(self) -> int:
        """The stage version of this recipe: VERSION, or more where a fix changed what some settings alone compute."""
        return self.VERSION

    def check(self) -> None:
        """Refuse combinations no single field can see."""

    def refuse(self, sentence: str) -> None:
        """Raise `sentence` under this recipe's name."""
        raise RecipeError(f"{type(self).__name__}: {sentence}")


def check_schedule(recipe: Recipe, warmup_epochs: float, epochs: int) -> None:
    """The schedule must contain its warm-up."""
    if warmup_epochs > epochs:
        recipe.refuse(f"warmup_epochs {warmup_epochs} is longer than the {epochs} epochs; shorten it.")
