"""The report of a sweep: where it lies, what it shows, and what it says that tuning changed."""

from dataclasses import replace

import pandas as pd
import pytest

from ablations.paper import ABLATIONS
from mae_core.data.catalogue import describe
from mae_core.scales import MINI, SMOKE
from sweeps.findings.report import write
from sweeps.findings.winners import PLAIN, Candidate, Verdict
from sweeps.studies import FINETUNE_LR, tune_rows
from sweeps.trials import Files, Trials, register

STUDY = replace(FINETUNE_LR, sampler="quasi-random")


@pytest.fixture
def info(tmp_path):
    return describe("fashion_mnist", tmp_path)


def searched(home, scale, info, study=STUDY, values=(61.0, 62.0, 63.0)):
    files = Files(home, "finetune_lr", scale.name, info.name)
    trials = Trials(study, files, register(files), len(values))
    for value in values:
        trials.complete(trials.next(lambda found: study.stage(found, scale, info))[0], value)
    return trials


def verdict(study, plain, tuned):
    winner = Candidate("trial 2", {"finetune.base_lr": 2.0}, (63.0,))
    return Verdict(study, (winner, Candidate(PLAIN, {}, (60.0,))), winner, (tuned,), (plain,))


def test_reports_of_two_scales_lie_beside_each_other_and_the_latest_also_in_front(tmp_path, info):
    folders = [
        write("finetune_lr", [searched(tmp_path, scale, info)], [None], scale, info, tmp_path)
        for scale in (SMOKE, MINI)
    ]
    reports = tmp_path / "reports"
    assert folders == [reports / f"by-scale/{at}-fashion_mnist/sweeps/finetune_lr" for at in ("smoke", "mini")]
    small, large = ((folder / "trials.csv").read_text() for folder in folders)
    assert (reports / "sweeps" / "finetune_lr" / "trials.csv").read_text() == large != small


def test_the_page_draws_history_importance_slices_and_parallel_coordinates(tmp_path, info):
    trials = searched(tmp_path, SMOKE, info)
    page = (write("finetune_lr", [trials], [verdict(STUDY, 60, 63)], SMOKE, info, tmp_path) / "report.html").read_text()
    for figure in ("Optimization History", "Hyperparameter Importances", "Slice Plot", "Parallel Coordinate"):
        assert f"{STUDY.title}: {figure}" in page


def test_tuned_rows_stand_beside_plain_ones_under_the_sentence_that_says_what_changed(tmp_path, info):
    studies = [study for study in tune_rows(ABLATIONS["mask_ratio"]) if study.row.key in ("10", "50", "75")]
    verdicts = [verdict(*one) for one in zip(studies, (70, 72, 71), (73, 74, 75), strict=True)]
    views = [searched(tmp_path, SMOKE, info, study, ()) for study in studies]
    folder = write("tune_rows-mask_ratio", views, verdicts, SMOKE, info, tmp_path)
    rows = pd.read_csv(folder / "rows.csv")
    assert rows[["key", "paper", "plain", "tuned", "change"]].values.tolist() == [
        [10, 83.2, 70, 73, 3],
        [50, 84.9, 72, 74, 2],
        [75, 84.9, 71, 75, 4],
    ]
    told = (folder / "winners.md").read_text().splitlines()[0]
    assert "the best row changes from 50 % to 75 %; Kendall's τ-b between the plain and the tuned order is 0.33" in told
    assert "Rows, plain and tuned" in (folder / "report.html").read_text()
