"""Which ablations a command line means: names, one row of one, spec files of the user's own, or all."""

from __future__ import annotations

import difflib
import importlib.util
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from ablations.paper import ABLATIONS, NOT_YET
from ablations.spec import Ablation
from mae_core.errors import UserError
from mae_core.scales import Scale


@dataclass(frozen=True)
class Selected:
    """An ablation, or one row of it."""

    ablation: Ablation
    only: str | None = None

    def given(self, scale: Scale, home: Path) -> Selected:
        """The same as it stands at `scale` with the files that `home` has."""
        return replace(self, ablation=self.ablation.given(scale, home))


def select(names: Iterable[str]) -> list[Selected]:
    """What `names` mean, in order, each once. Raises UserError for a name that means nothing."""
    selected: list[Selected] = []
    for name in names:
        selected += [one for one in _meant(name) if one not in selected]
    return selected


def _meant(name: str) -> list[Selected]:
    if name == "all":
        return [Selected(ablation) for ablation in ABLATIONS.values()]
    if name.endswith(".py"):
        return [Selected(_from_file(Path(name)))]
    plain, _, case = name.partition(":")
    if plain in NOT_YET:
        raise UserError(f"{plain} ({NOT_YET[plain]}) is not yet available; --list says what is.")
    if plain not in ABLATIONS:
        close = difflib.get_close_matches(plain, ABLATIONS, n=1)
        hint = f"did you mean {close[0]}?" if close else "--list names them all."
        raise UserError(f"There is no ablation {plain!r}; {hint}")
    ablation = ABLATIONS[plain]
    return [Selected(ablation, ablation.case(case).key if case else None)]


def _from_file(path: Path) -> Ablation:
    """The `ABLATION` that a Python file defines."""
    if not path.is_file():
        raise UserError(f"There is no spec file {path}.")
    spec = importlib.util.spec_from_file_location(f"spec_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    ablation = getattr(module, "ABLATION", None)
    if not isinstance(ablation, Ablation):
        raise UserError(f"{path} defines no ABLATION; give it one, like those in ablations/.")
    return ablation
