"""The report of a sweep: where it lies, what it shows, and what it says that tuning changed."""

import json
from dataclasses import replace

import pandas as pd
import pytest

from ablations.paper import ABLATIONS
from mae_core.data.catalogue import describe
from mae_core.scales import MINI, SMOKE
from sweeps.findings.figures import LEAST, figures
from sweeps.findings.report import write
from sweeps.findings.rows import conclusion
from sweeps.findings.winners import PLAIN, Candidate, Undecided, Verdict
from sweeps.studies import FINETUNE_LR, MASK_RATIO_BY_DECODER_DEPTH, PRETRAIN_LR, tune_rows
from sweeps.trials import Files, Trials, register

STUDY = replace(FINETUNE_LR, sampler="quasi-random")


@pytest.fixture
def info(tmp_path):
    return describe("fashion_mnist", tmp_path)


def searched(home, scale, info, study=STUDY, values=(61.0, 62.0, 63.0)):
    files = Files(home, "finetune_lr", scale, info)
    trials = Trials(study, files, register(files), len(values))
    for value in values:
        trials.complete(trials.next()[0], value)
    return trials


def verdict(study, plain, tuned):
    settings = {"finetune.base_lr": 2e-3, "finetune.drop_path": 1e-4}
    winner = Candidate("trial 2", {"finetune.base_lr": 2.0}, (63.0,), settings)
    own = Candidate(PLAIN, {}, (60.0,), {"finetune.base_lr": 1e-3, "finetune.drop_path": 0.1})
    return Verdict(study, (winner, own), winner, tuned, plain)


def test_reports_of_two_scales_lie_beside_each_other_and_the_latest_also_in_front(tmp_path, info):
    folders = [write([searched(tmp_path, scale, info)], [Undecided(STUDY, "why")]) for scale in (SMOKE, MINI)]
    reports = tmp_path / "reports"
    assert folders == [reports / f"by-scale/{at}-fashion_mnist/sweeps/finetune_lr" for at in ("smoke", "mini")]
    small, large = ((folder / "trials.csv").read_text() for folder in folders)
    assert (reports / "sweeps" / "finetune_lr" / "trials.csv").read_text() == large != small


def test_reports_on_data_that_share_a_name_lie_beside_each_other(tmp_path, info):
    others = replace(info, fingerprint="another folder of that name")
    searches = [searched(tmp_path, SMOKE, data) for data in (info, others)]
    first, second, again = (write([trials], [Undecided(STUDY, "why")]) for trials in (*searches, searches[0]))
    assert first == again != second
    told = [json.loads((folder / "report.json").read_text())["fingerprint"] for folder in (first, second)]
    assert told == [info.fingerprint, others.fingerprint]


def test_the_page_draws_history_importance_slices_and_parallel_coordinates(tmp_path, info):
    trials = searched(tmp_path, SMOKE, info, values=[60.0 + place for place in range(LEAST)])
    page = (write([trials], [verdict(STUDY, (60,), (63,))]) / "report.html").read_text()
    for figure in ("Optimization History", "Hyperparameter Importances", "Slice Plot", "Parallel Coordinate"):
        assert f"{STUDY.title}: {figure}" in page
    assert page.count(f"from {LEAST} complete trials") == 4


def test_importances_are_not_drawn_from_few_complete_trials(tmp_path, info):
    trials = searched(tmp_path, SMOKE, info, values=[60.0 + place for place in range(LEAST - 1)])
    page = (write([trials], [Undecided(STUDY, "why")]) / "report.html").read_text()
    assert "Optimization History" in page
    assert "Hyperparameter Importances" not in page
    assert f"importances of settings are drawn from {LEAST} complete trials on; there are {LEAST - 1}." in page


def test_pruned_trials_stand_in_the_history_at_the_value_that_ended_them(tmp_path, info):
    study = replace(PRETRAIN_LR, sampler="quasi-random")
    trials = searched(tmp_path, MINI, info, study)
    trials.wanted += 1
    pruned, _ = trials.next()
    trials.report(pruned, -0.625, 1)
    trials.prune(pruned, "after 3 epochs")
    history = next(figures(trials))
    assert "pruned, at the loss of its last rung" in history
    assert "from 3 complete trials" in history


def test_tables_show_the_settings_as_run_and_trials_their_factors_too(tmp_path, info):
    trials = searched(tmp_path, SMOKE, info)
    folder = write([trials], [verdict(STUDY, (60,), (63,))])
    (first, *_), stage = trials.all(), STUDY.stage(trials.all()[0].params, SMOKE, info)
    line = pd.read_csv(folder / "trials.csv").iloc[0]
    assert line["finetune.base_lr"] == stage.recipe.base_lr
    assert line["found.finetune.base_lr"] == pytest.approx(first.params["finetune.base_lr"])
    told = (folder / "winners.md").read_text()
    assert all(f" {number} " in told for number in ("0.002", "0.0001", "0.001", "0.1", "63.00"))


def test_the_report_says_which_trials_are_missing_and_why_there_is_no_verdict(tmp_path, info):
    folder = write(
        [searched(tmp_path, SMOKE, info)], [Undecided(STUDY, "no trial is complete")], "3 trials are missing."
    )
    for page in ("winners.md", "report.html"):
        told = (folder / page).read_text()
        assert "3 trials are missing." in told
        assert "No verdict: no trial is complete." in told


def test_an_exhaustive_studys_grid_stands_in_its_report_with_no_more_than_one_seed_can_tell(tmp_path, info):
    study = MASK_RATIO_BY_DECODER_DEPTH
    folder = write([searched(tmp_path, MINI, info, study, range(study.trials))], [Undecided(study, "why")])
    grid = pd.read_csv(folder / "grid.csv")
    assert grid.shape == (5, 1 + 3)
    assert [*grid.columns[1:]] == ["4 (run as 1)", "8 (run as 2)", "12 (run as 3)"]
    assert "whether it depends on decoder_depth, one seed cannot tell yet" in (folder / "winners.md").read_text()


def test_tuned_rows_stand_beside_plain_ones_under_the_sentence_that_says_what_changed(tmp_path, info):
    studies = [study for study in tune_rows(ABLATIONS["mask_ratio"]) if study.row.key in ("10", "50", "75")]
    verdicts = [
        verdict(study, (plain,), (tuned,))
        for study, plain, tuned in zip(studies, (70, 72, 71), (73, 74, 75), strict=True)
    ]
    views = [searched(tmp_path, SMOKE, info, study, ()) for study in studies]
    folder = write(views, verdicts)
    rows = pd.read_csv(folder / "rows.csv")
    assert rows[["key", "paper", "plain", "tuned", "change"]].values.tolist() == [
        [10, 83.2, 70, 73, 3],
        [50, 84.9, 72, 74, 2],
        [75, 84.9, 71, 75, 4],
    ]
    told = (folder / "winners.md").read_text().splitlines()[0]
    assert "the best row by its mean is 50 % plain and 75 % tuned, and 1 seed cannot tell yet" in told
    assert "Kendall" not in told  # three rows have no order worth telling
    assert "Rows, plain and tuned" in (folder / "report.html").read_text()


@pytest.mark.parametrize(
    ("tuned", "said"),
    [
        ((75.0, 75.5, 76.0), "the best row changes from 50 % to 75 %, beyond seed noise"),
        ((70.0, 75.5, 80.0), "within seed noise (50 % leads by +1.0 to +1.0 plain, 75 % by"),
        ((60.0, 60.5, 61.0), "the best row by its mean stays 50 %"),
    ],
)
def test_the_best_row_changes_only_where_seeds_tell_the_rows_apart_in_both_columns(tuned, said):
    first, second = (study for study in tune_rows(ABLATIONS["mask_ratio"]) if study.row.key in ("50", "75"))
    plain = (72.0, 72.5, 73.0)
    verdicts = verdict(first, plain, plain), verdict(second, tuple(one - 1 for one in plain), tuned)
    assert said in conclusion(verdicts, of=2)


def test_rows_without_a_verdict_are_counted_and_an_order_is_told_of_five_rows():
    studies = list(tune_rows(ABLATIONS["mask_ratio"]))
    verdicts = [verdict(study, (70.0 + place,), (80.0 - place,)) for place, study in enumerate(studies[:5])]
    told = conclusion(verdicts, of=len(studies))
    assert told.startswith(f"With 5 of {len(studies)} rows tuned, ")
    assert "Kendall's τ-b = -1.00, p = 0.017, 5 rows" in told
    assert conclusion(verdicts[:1], of=1) == ""
