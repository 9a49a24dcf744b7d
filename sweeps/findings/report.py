"""The report of a sweep: every trial, how the search went, what mattered, the winners, what tuning changed."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from optuna.exceptions import ExperimentalWarning
from plotly.offline import get_plotlyjs

from mae_core.data.catalogue import DataInfo
from mae_core.scales import Scale
from mae_core.store.run import Store
from sweeps.findings.rows import conclusion, tuned_rows
from sweeps.findings.winners import PLAIN, Verdict
from sweeps.rungs import searched, trained_epochs
from sweeps.trials import Trials

HERE = Path(__file__).parent


def write(
    file: str, views: Sequence[Trials], verdicts: Sequence[Verdict | None], scale: Scale, info: DataInfo, home: Path
) -> Path:
    """Write the report of the studies in journal `file`; its folder.

    It lies as an ablation's does: in `HOME/reports/by-scale/SCALE-DATA/sweeps/FILE`, and the latest of any scale in
    `HOME/reports/sweeps/FILE` as well.
    """
    reports = home / "reports"
    folder, latest = reports / "by-scale" / f"{scale.name}-{info.name}" / "sweeps" / file, reports / "sweeps" / file
    folder.mkdir(parents=True, exist_ok=True)
    trials = pd.concat([_trials(view, scale, info, Store(home)) for view in views], ignore_index=True)
    winners = pd.DataFrame([row for verdict in verdicts if verdict for row in _winners(verdict)])
    trials.to_csv(folder / "trials.csv", index=False)
    winners.to_csv(folder / "winners.csv", index=False)
    sentences = [f"{verdict.study.title}: {verdict.sentence()}" for verdict in verdicts if verdict]
    tables = [winners]
    rows = tuned_rows([verdict for verdict in verdicts if verdict])
    if len(rows):
        rows.to_csv(folder / "rows.csv", index=False)
        sentences.insert(0, conclusion(rows))
        tables.insert(0, rows)
    told = [table.to_markdown(index=False, floatfmt=".2f") for table in tables]
    (folder / "winners.md").write_text("\n\n".join([*sentences, *told]) + "\n", encoding="utf-8")
    environment = Environment(loader=FileSystemLoader(HERE), undefined=StrictUndefined, autoescape=True)
    page = environment.get_template("report.html.j2").render(
        plotly_js=get_plotlyjs(),
        title=file,
        scale=scale.name,
        data=info.name,
        sentences=sentences,
        rows=rows.to_html(index=False, float_format="{:.2f}".format, border=0, na_rep="") if len(rows) else "",
        winners=winners.to_html(index=False, float_format="{:.2f}".format, border=0),
        trials=trials.to_html(index=False, float_format="{:.3g}".format, border=0, na_rep=""),
        figures=[figure for view in views for figure in _figures(view)],
        journal=f"sweeps/{file}.journal",
    )
    (folder / "report.html").write_text(page, encoding="utf-8")
    shutil.copytree(folder, latest, dirs_exist_ok=True)
    return folder


def _trials(view: Trials, scale: Scale, info: DataInfo, store: Store) -> pd.DataFrame:
    """A line for each trial: what it was, how it ended, what it cost."""
    lines = []
    for trial in view.all():
        stage = view.study.stage(trial.params, scale, info)
        lines.append(
            {
                "study": view.study.name,
                "trial": trial.number,
                "state": trial.state.name.lower(),
                "heldout_top1": trial.value if trial.state.name == "COMPLETE" else None,
                **{name: view.study.space[name].value(found, 1.0) for name, found in trial.params.items()},
                "trained_epochs": trained_epochs(trial, searched(stage, view.study.space), view.study.rungs, store),
                "repeat_of": trial.user_attrs.get("repeat_of"),
                "signature": stage.signature,
            }
        )
    return pd.DataFrame(lines)


def _winners(verdict: Verdict) -> Iterator[dict[str, Any]]:
    """A line for each candidate, best first; test numbers for the winner and the plain settings only."""
    tests = {verdict.winner.name: verdict.tuned, PLAIN: verdict.plain}
    for candidate in verdict.candidates:
        test = tests.get(candidate.name)
        yield {
            "study": verdict.study.name,
            "settings": candidate.name,
            "n": len(candidate.heldout),
            "heldout_top1": candidate.mean,
            "heldout_std": candidate.std,
            "test_top1": sum(test) / len(test) if test else None,
            **candidate.params,
        }


def _figures(view: Trials) -> Iterator[str]:
    """Optuna's own figures as HTML fragments; those it cannot draw from so few trials are left out."""
    plots = optuna.visualization
    for draw in (plots.plot_optimization_history, plots.plot_param_importances, plots.plot_slice,
                 plots.plot_parallel_coordinate):  # fmt: skip
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            try:
                figure = draw(view.optuna)
            except (RuntimeError, ValueError):
                continue
        figure.update_layout(title=f"{view.study.title}: {figure.layout.title.text or draw.__name__}")
        yield figure.to_html(full_html=False, include_plotlyjs=False)
