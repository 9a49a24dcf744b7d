"""Left out: which recorded files of an attempt are not kept on purpose, so that their absence is no damage."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from mae_core.store.files import read_sealed, write_sealed

NAME = "left_out.json"


def left_out(attempt: Path) -> dict[str, str]:
    """File name → why it is not there."""
    files: dict[str, str] = (read_sealed(attempt / NAME) or {}).get("files", {})
    return files


def leave_out(attempt: Path, names: Iterable[str], why: str) -> None:
    """Note that the files `names` of the attempt are not kept."""
    files = left_out(attempt) | dict.fromkeys(names, why)
    if files:
        write_sealed(attempt / NAME, {"files": files}, durable=False)
