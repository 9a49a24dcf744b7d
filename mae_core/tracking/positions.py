"""Positions: how far each run has been replayed to one destination, sealed files that any kill leaves whole."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from mae_core.store.files import read_sealed, write_sealed

MEMO = "destination.json"


@dataclass(frozen=True)
class Position:
    """How far one run is."""

    run_id: str = ""  # the MLflow run; empty before there is one
    experiment_id: str = ""
    attempt: int = 0  # whose journal was replayed
    rows: int = 0  # of it that are there
    length: int = 0  # bytes of it that these rows make up
    reach: int = 0  # rows that may be there: noted before they are sent
    digest: str = ""  # of the rows within reach; of a study or a trial: of its parameters
    usage: int = 0  # bytes of what its attempts took of their machines that are there
    told: str = ""  # digest of the description there


@dataclass(frozen=True)
class Memo:
    """What was found or made at the destination besides runs."""

    experiments: dict[str, str] = field(default_factory=dict)  # name → id
    views: str = ""  # digest of the shared views there
    mlflow: str = ""  # the version that last opened the database


@dataclass(frozen=True)
class Positions:
    """All positions of one destination.

    They are written without a sync: after a power cut an older one only repeats what MLflow stores once.
    """

    folder: Path

    def of(self, signature: str) -> Position:
        """The position of a run; a damaged file counts as none, and the run is found again by its tag."""
        return Position(**_known(Position, read_sealed(self.folder / f"{signature}.json")))

    def put(self, signature: str, position: Position) -> None:
        """Remember a position."""
        self._write(f"{signature}.json", asdict(position))

    @property
    def memo(self) -> Memo:
        """What is remembered of the destination itself."""
        return Memo(**_known(Memo, read_sealed(self.folder / MEMO)))

    def put_memo(self, memo: Memo) -> None:
        """Remember it."""
        self._write(MEMO, asdict(memo))

    def clear(self) -> None:
        """Forget everything: the destination is not the one that was written to."""
        for path in self.folder.glob("*.json"):
            path.unlink(missing_ok=True)

    def _write(self, name: str, content: dict[str, Any]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        write_sealed(self.folder / name, content, durable=False)


def _known(kind: type[Position] | type[Memo], content: dict[str, Any] | None) -> dict[str, Any]:
    """The values of `kind`'s fields; a file of another version of this code may hold more or fewer."""
    names = {item.name for item in fields(kind)}
    return {name: value for name, value in (content or {}).items() if name in names}
