"""Views: what pre-trainings of a home saw, for runs that are judged by another's; looked for once, however many ask."""

from __future__ import annotations

import contextlib
from functools import cached_property
from pathlib import Path

from mae_core.errors import UserError
from mae_core.recipes import PretrainRecipe
from mae_core.signature import from_document
from mae_core.store.run import Store
from reports.figures.panels import NAME as PANELS
from reports.measures.predictors import Shown, read

SEEN = ("fingerprint", "image_size", "in_chans", "patch_size", "augmentation", "crop_scale")  # what views depend on


class Views:
    """The train views that finished pre-trainings of `home` remember."""

    def __init__(self, home: Path) -> None:
        self.store = Store(home)
        self._found: dict[tuple[object, ...], Shown | None] = {}

    def like(self, recipe: PretrainRecipe) -> Shown | None:
        """Views of the images that a pre-training by `recipe` sees, in the way it sees them; None: there are none."""
        seen = _seen(recipe)
        if seen not in self._found:
            alike = (read(path, other) for path, other in self._kept if _seen(other) == seen)
            self._found[seen] = next((shown for shown in alike if shown), None)
        return self._found[seen]

    @cached_property
    def _kept(self) -> list[tuple[Path, PretrainRecipe]]:
        found = []
        for path in sorted(self.store.folder.glob(f"{PretrainRecipe.KIND}-*/attempt-*/{PANELS}")):
            run = self.store.run(path.parents[1].name)
            if run.document is None or run.finished is None or run.finished.folder != path.parent:
                continue
            with contextlib.suppress(UserError):  # another version's run is no reason to look at none
                recipe = from_document(run.document).recipe
                if type(recipe) is PretrainRecipe:
                    found.append((path, recipe))
        return found


def _seen(recipe: PretrainRecipe) -> tuple[object, ...]:
    return tuple(getattr(recipe, name) for name in SEEN)
