"""Settings: with what a table's numbers were measured, short enough for a column head."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ablations.spec import Ablation
from ablations.spec.needs import Folder
from mae_core.recipes import (
    FinetuneRecipe,
    KnnRecipe,
    LinearProbeRecipe,
    LogisticRegressionRecipe,
    RidgeRecipe,
)
from reports.results import Result, Results
from reports.tables.rows import model_label


def label_budget(results: Results) -> str:
    """How many labels the evaluations learnt from: `4,000 labels`, or `all labels`."""
    learnt = (FinetuneRecipe, LinearProbeRecipe, LogisticRegressionRecipe, KnnRecipe, RidgeRecipe)
    stages = (stage for result in results.everything for stage in result.cell.stages())
    budgets = {stage.recipe.labels for stage in stages if isinstance(stage.recipe, learnt)}
    if not budgets:
        return "no labels"
    return " / ".join("all labels" if b is None else f"{b:,} labels" for b in sorted(budgets, key=lambda b: b or 0))


def evaluation_data(results: Results) -> str:
    """The data that the numbers are of: their name, or `each row's data` where rows differ."""
    names = {results.data_of(case).name for case in results.ablation.cases if case.state == "run"}
    return next(iter(names)) if len(names) == 1 else "each row's data"


def data_told(results: Results) -> str:
    """`fashion_mnist`, or `pre-trained on fashion_mnist, evaluated on digits` where these are not the same."""
    ours, evaluated = results.info.name, evaluation_data(results)
    return ours if evaluated == ours else f"pre-trained on {ours}, evaluated on {evaluated}"


def setting(results: Results, cells: Sequence[Result] | None = None) -> str:
    """Scale, data, label budget and n (of `cells`; of the table's otherwise), short enough for a column head."""
    n = between(numbers_of_seeds(results.cells if cells is None else cells) or [results.seeds])
    return f"{results.scale.name}, {data_told(results)}, {label_budget(results)}, n = {n}"


def numbers_of_seeds(cells: Iterable[Result]) -> list[int]:
    """Over how many runs the numbers of `cells` are means, row by row and column by column: each number once, sorted.

    What was asked for does not count, only what is there; seeds that share a run are one.
    """
    runs: dict[tuple[str, str, str], set[str]] = {}
    for result in cells:
        if result.value is not None and result.cell.stage is not None:
            row = result.cell.ablation, result.cell.case.key, result.cell.protocol
            runs.setdefault(row, set()).add(result.cell.stage.signature)
    return sorted({len(found) for found in runs.values()})


def between(numbers: Sequence[int]) -> str:
    """`3`, or `1–3` of several sorted numbers."""
    return f"{numbers[0]}–{numbers[-1]}" if len(numbers) > 1 else f"{numbers[0]}"


def paper_setting(ablation: Ablation) -> str:
    """What the paper's numbers were measured with, short enough for a column head."""
    models = {model_label(case.recipe) for case in ablation.cases if case.recipe}
    model = next(iter(models)) if len(models) == 1 else "the row's model"
    elsewhere = any(case.data or isinstance(case.needs, Folder) for case in ablation.cases)
    return f"{model}, " + ("the row's data" if elsewhere else "ImageNet-1K")
