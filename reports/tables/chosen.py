"""What was chosen by its score, on which images, and what was chosen before, by whom."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from mae_core.recipes import LinearProbeRecipe, LogisticRegressionRecipe, Recipe
from mae_core.scales.scale import learnable
from reports.results import Results

_CHOOSERS: tuple[tuple[type[Recipe], str, str, str], ...] = (
    (LinearProbeRecipe, "base_lrs", "best_base_lr", "each linear probe chose its learning rate among"),
    (LogisticRegressionRecipe, "penalties", "C", "each logistic regression chose its penalty C among"),
)


def chosen(results: Results) -> str:
    """What these runs chose on held-out train images, how many those are, and whence all other settings are."""
    provenance = results.scale.provenance
    others = "All other settings are this scale's" if provenance else "All else was fixed beforehand"
    others += f": {provenance}." if provenance else "."
    told = "; ".join(_choices(results))
    if told:
        return f"Chosen on {_held_out(results)} held-out train images, never on the scored ones: {told}. {others}"
    return f"Nothing was chosen by its score in these runs. {others}"


def _held_out(results: Results) -> str:
    """How many images choices rest on, of each data set that something is evaluated on."""
    choosers = tuple(kind for kind, *_ in _CHOOSERS)
    known = {results.data_of(r.cell.case) for r in results.everything if isinstance(r.recipe, choosers)}
    sizes = sorted({info.num_train - learnable(info) for info in known})
    return " / ".join(f"{size:,}" for size in sizes)


def _choices(results: Results) -> Iterator[str]:
    for kind, field, found, words in _CHOOSERS:
        asked = {getattr(r.recipe, field) for r in results.everything if isinstance(r.recipe, kind)}
        picks = Counter(
            record["metrics"][found]
            for name, record in results.records.items()
            if name.startswith(f"{kind.KIND}-") and found in record["metrics"]
        )
        for grid in sorted(asked):
            if len(grid) > 1:
                counted = ", ".join(f"{value:g} ({times} ×)" for value, times in sorted(picks.items()))
                yield f"{words} {', '.join(f'{v:g}' for v in grid)}" + (f", taken: {counted}" if counted else "")
