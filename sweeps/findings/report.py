"""The report of a sweep: every trial, how the search went, what mattered, the winners, what tuning changed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from plotly.offline import get_plotlyjs

from ablations.place import place_of
from mae_core.store.run import Store
from sweeps.findings.figures import figures
from sweeps.findings.grid import best_of_each, grid
from sweeps.findings.rows import conclusion, tuned_rows
from sweeps.findings.winners import PLAIN, Undecided, Verdict
from sweeps.rungs import rungs_of, searched, trained_epochs
from sweeps.trials import Files, Trials

HERE = Path(__file__).parent
PERCENT = {"paper", "plain", "plain_std", "tuned", "tuned_std", "change"}  # and all that has top1 in its name


def write(views: Sequence[Trials], verdicts: Sequence[Verdict | Undecided], lacking: str = "") -> Path:
    """Write the report of the studies of one journal; its folder.

    It lies as an ablation's does: in `HOME/reports/by-scale/SCALE-DATA/sweeps/FILE`, and the latest of any scale in
    `HOME/reports/sweeps/FILE` as well.

    Args:
        views: the studies' trials.
        verdicts: what each came to.
        lacking: a sentence on trials that are missing, if any are.
    """
    files = views[0].files
    folder, latest = _folders(files)
    folder.mkdir(parents=True, exist_ok=True)
    reached = [verdict for verdict in verdicts if isinstance(verdict, Verdict)]
    rows = tuned_rows(reached)
    sentences = [f"{verdict.study.title}: {verdict.sentence()}" for verdict in verdicts]
    tables = {
        "trials": pd.concat([_trials(view) for view in views], ignore_index=True),
        "winners": pd.DataFrame([row for verdict in reached for row in _winners(verdict)]),
        "grid": grid(views[0]),
    }
    if len(tables["grid"]):
        sentences.append(best_of_each(tables["grid"]))
        tables["grid"] = tables["grid"].reset_index()
    if len(rows):
        tables["rows"] = rows
        sentences = [*filter(None, [conclusion(reached, len(verdicts))]), *sentences]
    if lacking:
        sentences.insert(0, lacking)
    for name in {"trials", "winners"} | {name for name, table in tables.items() if len(table)}:
        tables[name].to_csv(folder / f"{name}.csv", index=False)
    told = [_spelled(tables[name]) for name in ("rows", "winners", "grid") if name in tables and len(tables[name])]
    markdown = [table.to_markdown(index=False, disable_numparse=True) for table in told]
    (folder / "winners.md").write_text("\n\n".join([*sentences, *markdown]) + "\n", encoding="utf-8")
    (folder / "report.json").write_text(_facts(files, sentences), encoding="utf-8")
    (folder / "report.html").write_text(_page(views, sentences, tables), encoding="utf-8")
    shutil.rmtree(latest, ignore_errors=True)  # it may be of other data, with tables that these have not
    shutil.copytree(folder, latest)
    return folder


def _folders(files: Files) -> tuple[Path, Path]:
    reports, below = files.home / "reports", Path("sweeps", files.name)
    return place_of(reports, files.scale, files.info) / below, reports / below


def _facts(files: Files, sentences: Sequence[str]) -> str:
    """What the report is of, in the words of an ablation's `report.json`, and what came out."""
    told = {
        "title": files.name,
        "scale": files.scale.name,
        "data": files.info.name,
        "fingerprint": files.info.fingerprint,
        "sentences": list(sentences),
    }
    return json.dumps(told, indent=1, ensure_ascii=False) + "\n"


def _page(views: Sequence[Trials], sentences: Sequence[str], tables: Mapping[str, pd.DataFrame]) -> str:
    files = views[0].files
    environment = Environment(loader=FileSystemLoader(HERE), undefined=StrictUndefined, autoescape=True)
    shown = {
        name: _spelled(tables[name]).to_html(index=False, border=0) if name in tables and len(tables[name]) else ""
        for name in ("rows", "winners", "grid", "trials")
    }
    return environment.get_template("report.html.j2").render(
        plotly_js=get_plotlyjs(),
        title=files.name,
        scale=files.scale.name,
        data=files.info.name,
        sentences=sentences,
        figures=[figure for view in views for figure in figures(view)],
        journal=f"sweeps/{files.name}.journal",
        **shown,
    )


def _spelled(table: pd.DataFrame) -> pd.DataFrame:
    """The table in words: per cent with two decimals, settings with three digits, so that no small one becomes 0.00."""
    return pd.DataFrame(
        {
            name: [_word(value, ".2f" if "top1" in name or name in PERCENT else ".3g") for value in table[name]]
            for name in table.columns
        }
    )


def _word(value: Any, digits: str) -> str:
    if value is None or (isinstance(value, float) and pd.isna(value)):
        return ""
    return f"{value:{digits}}" if isinstance(value, float) else str(value)


def _trials(view: Trials) -> pd.DataFrame:
    """A line for each trial: what it was, how it ended, what it cost."""
    lines, files = [], view.files
    rungs, store = rungs_of(view.study, files.scale, files.info), Store(files.home)
    for trial in view.all():
        stage = view.study.stage(trial.params, files.scale, files.info)
        lines.append(
            {
                "study": view.study.name,
                "trial": trial.number,
                "state": trial.state.name.lower(),
                "heldout_top1": trial.value if trial.state.name == "COMPLETE" else None,
                **view.study.settings(stage),
                **{f"found.{name}": found for name, found in trial.params.items()},
                "trained_epochs": trained_epochs(trial, searched(stage, view.study.space), rungs, store),
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
            "n": len(candidate.judged),
            "heldout_top1": candidate.mean,
            "heldout_top1_std": candidate.std,
            "heldout_top1_searched": candidate.heldout[0],
            "test_top1": sum(test) / len(test) if test else None,
            **candidate.settings,
        }
