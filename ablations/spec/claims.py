"""Claims: what the paper says of an ablation, restated as checks that can hold, fail, or not be told yet.

Keys are case keys, margins are percentage points. How a claim is judged stands in `reports`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Trend:
    """Our column orders the rows, or those of one curve, as the paper's does (Kendall's τ-b, five rows or more)."""

    protocol: str
    text: str
    series: str = ""  # the curve; "": all rows


@dataclass(frozen=True)
class Better:
    """Row `better` beats row `worse` by more than `margin`: a superiority claim."""

    protocol: str
    better: str
    worse: str
    text: str
    margin: float = 0.25


@dataclass(frozen=True)
class Alike:
    """Rows `one` and `other` lie within ± `margin` of each other: an equivalence claim."""

    protocol: str
    one: str
    other: str
    text: str
    margin: float = 0.25


@dataclass(frozen=True)
class NoBetter:
    """Row `one` does not beat row `other` by more than `margin`, how much worse it may be: it has no advantage."""

    protocol: str
    one: str
    other: str
    text: str
    margin: float = 0.25


Pair = Better | Alike | NoBetter
Claim = Trend | Pair
