"""Figures of a search: Optuna's own, titled with how many trials they are of, and the pruned ones in the history."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.trial import FrozenTrial
from plotly.graph_objects import Figure

from sweeps.rungs import LOSS, Rung, rungs_of
from sweeps.trials import Trials

LEAST = 8  # complete trials, of which importances are drawn: of fewer, a forest finds what is not there


def figures(view: Trials) -> Iterator[str]:
    """Figures as HTML fragments; those that cannot be drawn from so few trials are left out, importances in words."""
    plots, trials = optuna.visualization, view.all()
    complete = sum(trial.state.name == "COMPLETE" for trial in trials)
    rungs = rungs_of(view.study, view.files.scale, view.files.info)
    for draw in (plots.plot_optimization_history, plots.plot_param_importances, plots.plot_slice,
                 plots.plot_parallel_coordinate):  # fmt: skip
        if draw is plots.plot_param_importances and complete < LEAST:
            told = f"importances of settings are drawn from {LEAST} complete trials on; there are {complete}"
            yield f"<p>{view.study.title}: {told}.</p>"
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            try:
                figure = draw(view.optuna)
            except (RuntimeError, ValueError):
                continue
        if draw is plots.plot_optimization_history:
            _add_pruned(figure, trials, rungs)
        title = figure.layout.title.text or draw.__name__
        figure.update_layout(title=f"{view.study.title}: {title}, from {complete} complete trials")
        yield figure.to_html(full_html=False, include_plotlyjs=False)


def _add_pruned(figure: Figure, trials: Sequence[FrozenTrial], rungs: Sequence[Rung]) -> None:
    """Pruned trials at the value of the rung that ended them; losses on an axis of their own."""
    ended = [trial for trial in trials if trial.state.name == "PRUNED" and trial.intermediate_values]
    if not ended or not rungs:
        return
    loss = rungs[0].metric == LOSS
    last = [trial.intermediate_values[max(trial.intermediate_values)] for trial in ended]
    figure.add_scatter(
        x=[trial.number for trial in ended],
        y=[-value if loss else value for value in last],
        mode="markers",
        marker_symbol="x",
        name=f"pruned, at {'the loss' if loss else 'the held-out top-1'} of its last rung",
        yaxis="y2" if loss else "y",
    )
    if loss:
        figure.update_layout(yaxis2={"title": "training loss at the rung", "overlaying": "y", "side": "right"})
