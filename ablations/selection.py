"""Which ablations a command line means: names, one row or one protocol of one, spec files of the user's own, or all."""

from __future__ import annotations

import importlib.util
import re
import traceback
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from ablations.paper import ABLATIONS, NOT_YET
from ablations.spec import Ablation
from mae_core.errors import UserError, hint
from mae_core.scales import Scale

# a spec file's own path may have slashes and colons
NAMED = re.compile(r"(?P<plain>.+\.py|[^:/]*)(?::(?P<case>[^/]*))?(?:/(?P<protocol>.*))?", re.DOTALL)


@dataclass(frozen=True)
class Selected:
    """An ablation, or one row, one protocol, or one protocol of one row of it."""

    ablation: Ablation
    only: str | None = None  # key of the row
    protocol: str | None = None
    file: Path | None = None  # the spec file it is from

    @property
    def word(self) -> str:
        """What selects the ablation again."""
        return str(self.file or self.ablation.name)

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
    named = NAMED.fullmatch(name)
    assert named is not None  # every part may be empty
    plain, case, protocol = named["plain"], named["case"], named["protocol"]
    file = Path(plain) if plain.endswith(".py") else None
    ablation = _from_file(file) if file else _of_the_paper(plain)
    only = ablation.case(case).key if case else None
    return [Selected(ablation, only, None if protocol is None else ablation.protocol(protocol, only), file)]


def _of_the_paper(name: str) -> Ablation:
    if name in NOT_YET:
        raise UserError(
            f"{name} ({NOT_YET[name]}) is not yet available; `python -m ablations.run --list` says what is."
        )
    if name not in ABLATIONS:
        names_all = "`python -m ablations.run --list` names them all."
        raise UserError(f"There is no ablation {name!r}; {hint(name, ABLATIONS, names_all)}")
    return ABLATIONS[name]


def _from_file(path: Path) -> Ablation:
    """The `ABLATION` that a Python file defines."""
    if not path.is_file():
        raise UserError(f"There is no spec file {path}.")
    spec = importlib.util.spec_from_file_location(f"spec_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever stands in the file
        raise UserError(f"{path}{_line(error, path)}: {_said(error)}") from error
    ablation = getattr(module, "ABLATION", None)
    if not isinstance(ablation, Ablation):
        raise UserError(f"{path} defines no ABLATION; give it one, like those in ablations/paper/.")
    if ablation != ABLATIONS.get(ablation.name, ablation):
        raise UserError(f"{path} gives its ablation the name of the paper's {ablation.name}; give it another.")
    ablation.check_claims()  # now, not in the report, after all has been trained
    return ablation


def _line(error: Exception, path: Path) -> str:
    """Where in the file `path` the error arose, as far as it says so."""
    places = [(frame.filename, frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError):
        places.append((error.filename or "", error.lineno))
    lines = [line for file, line in places if Path(file).absolute() == path.absolute()]
    return f", line {lines[-1]}" if lines else ""


def _said(error: Exception) -> str:
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, SyntaxError):  # its text would tell the line once more
        return f"{type(error).__name__}: {error.msg}; correct it."
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}; correct it."
