"""Errors a user can cause. Each carries one sentence that says what to do; commands print it and exit with 2."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(ValueError):
    """Bad usage or bad input; its text is one sentence for the person at the keyboard."""


class RecipeError(UserError):
    """A recipe that cannot be computed: unknown field, value out of range, impossible combination."""


class DataError(UserError):
    """Data that are absent, unreadable, or not the data a run was started on."""


class StoreError(UserError):
    """A home or run folder that cannot be read or written."""


class TrackerError(UserError):
    """A tracking server or database that cannot be read from."""


def hint(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """`did you mean …?` of whichever of `known` is close to `name`; `otherwise` where none is."""
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close[0]}?" if close else otherwise
