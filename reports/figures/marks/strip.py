"""The strip beside a panel's data that says which numbers are not whole, so that no word hides a point."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

SIZE = 6  # of the letters
LETTER = 0.047  # inches, of one
LINE = 0.11  # inches, of a line beneath the figure
AIR = 0.06  # inches, before and behind the words
COLOUR = "0.25"


def deep(words: Iterable[str]) -> float:
    """Inches that the longest of `words` takes; 0 where there is none."""
    longest = max((len(line) for text in words for line in text.split("\n")), default=0)
    return LETTER * longest + 2 * AIR if longest else 0.0


def broken(text: str) -> str:
    """`text` in lines, where there is room for several side by side."""
    return text.replace(", ", ",\n").replace(" / ", " /\n")


def above(axes: Axes, words: Mapping[float, str]) -> None:
    """Upright words over the places of the x axis that they are of."""
    for place, text in words.items():
        axes.annotate(
            text, (place, 1), (0, 72 * AIR), xycoords=axes.get_xaxis_transform(), textcoords="offset points",
            rotation=90, fontsize=SIZE, ha="center", va="bottom", color=COLOUR, annotation_clip=False,
        )  # fmt: skip


def right(axes: Axes, words: Mapping[float, str]) -> None:
    """Words to the right of the places of the y axis that they are of."""
    for place, text in words.items():
        axes.annotate(
            text, (1, place), (72 * AIR, 0), xycoords=axes.get_yaxis_transform(), textcoords="offset points",
            fontsize=SIZE, ha="left", va="center", color=COLOUR, annotation_clip=False,
        )  # fmt: skip


def beneath(figure: Figure, lines: Sequence[str]) -> None:
    """What is said of rows that have no place in the panels, at the foot of the figure."""
    if lines:
        at = 0.06 / figure.get_figheight()
        figure.text(0.02, at, "\n".join(lines), fontsize=SIZE, va="bottom", linespacing=1.3, color=COLOUR)
