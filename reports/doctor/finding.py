"""Finding: something that ails a run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """A symptom, its likely cause and what to do, a sentence each."""

    symptom: str
    cause: str
    remedy: str
