"""Words: what the figures call targets, statuses and numbers of seeds."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ablations.spec import PROTOCOL_LABELS

if TYPE_CHECKING:
    from reports.tables.rows import Row

TARGETS = {"pixel": "pixels", "norm_pixel": "normalised pixels", "pca": "principal components", "token": "tokens"}


def status_told(row: Row, seeds: int) -> str:
    """Why a row's number is not whole: its status, or of how many seeds it is the mean; empty where all are done."""
    if row.status == "done":
        return ""
    if row.mean is None:
        return row.status
    told = f"{row.n_seeds} of {seeds} seeds"
    return told if row.status == "missing" else f"{told}, {row.status}"


def seeds_told(rows: Sequence[Row], seeds: int) -> str:
    """Over how many seeds the rows' numbers are means: `n = 3`, or `n = 1–3` where they differ."""
    counts = {row.n_seeds for row in rows if row.mean is not None} or {seeds}
    return f"n = {min(counts)}" + (f"–{max(counts)}" if len(counts) > 1 else "")


def spread_told(rows: Sequence[Row]) -> str:
    """What error bars and bands are."""
    if all(row.mean is None for row in rows):
        return "no number yet"
    if all(row.std is None for row in rows):
        return "one seed: no spread"
    partly = any(row.mean is not None and row.std is None for row in rows)
    return "± 1 standard deviation over seeds" + (" where n > 1" if partly else "")


def bare_told(left: Mapping[str, Sequence[Row]], letters: int) -> list[str]:
    """Lines of so many letters that name rows with neither number, by protocol, with their statuses."""
    lines = []
    for protocol, rows in left.items():
        for status in dict.fromkeys(row.status for row in rows):
            names = "; ".join(row.case for row in rows if row.status == status)
            told = f"{PROTOCOL_LABELS.get(protocol, protocol)}, neither ours nor the paper's ({status}): {names}"
            lines += textwrap.wrap(told, letters, break_on_hyphens=False)
    return lines
