"""What a stage hands back: its final numbers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Result:
    """The numbers that stand in the run's record. Accuracies are per cent."""

    metrics: dict[str, float]
    images_per_second: float | None = None
    remarks: tuple[str, ...] = ()  # sentences a reader of the number should know, such as files that were damaged
