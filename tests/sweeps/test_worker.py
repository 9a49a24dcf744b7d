"""A worker at a study: what was finished before is looked at rung by rung as if it were trained now."""

from dataclasses import replace

import pytest

from mae_core.data.catalogue import describe
from mae_core.scales import SMOKE
from mae_core.stages.obtain import Outcome
from mae_core.store.journal import NAME, Journal
from mae_core.store.run import Store
from sweeps.studies import LINEAR_PROBE_LR
from sweeps.trials import Files, Trials, register
from sweeps.worker import Worker
from tests.mae_core.store.shelf import begin, end

STUDY = replace(LINEAR_PROBE_LR, sampler="quasi-random")
TRIALS = 9


@pytest.fixture
def info(tmp_path):
    return describe("fashion_mnist", tmp_path)


def finish(home, stage, top1):
    """A finished run whose journal tells `top1` at the end of each epoch."""
    if Store(home).plan(stage).finished is None:
        attempt = begin(home, stage, rows=0)
        journal = Journal(attempt.folder / NAME)
        for epoch in range(1, stage.recipe.epochs + 1):
            journal.append({"step": epoch, "epoch": epoch, "loss": 1.0, "heldout_top1": top1})
        journal.close()
        end(attempt, top1=top1)


@pytest.fixture
def proposed(tmp_path, info):
    """The stages that the study proposes, worse from trial to trial, finished by somebody else."""
    files = Files(tmp_path, "somebody", SMOKE, info)
    trials, stages = Trials(STUDY, files, register(files), TRIALS), {}
    while (asked := trials.next()) is not None:
        stages.setdefault(asked[1].signature, asked[1])
        trials.complete(asked[0], 1.0)
    for place, stage in enumerate(stages.values()):
        for one in stage.with_parents():
            finish(tmp_path, one, 90.0 - place)
    return stages


@pytest.mark.parametrize("rungs", [(), STUDY.rungs])
def test_finished_runs_are_pruned_by_their_journals_and_nothing_is_trained(tmp_path, info, proposed, rungs):
    study, files = replace(STUDY, rungs=rungs), Files(tmp_path, "mine", SMOKE, info)
    trials = Trials(study, files, register(files), TRIALS)
    Worker(trials, lambda: False).run()
    ended = {trial.user_attrs["signature"]: trial.state.name for trial in trials.all()}
    complete = [place for place, signature in enumerate(proposed) if ended[signature] == "COMPLETE"]
    assert complete == [*range(len(proposed) // 4 if rungs else len(proposed))]
    assert all(len(Store(tmp_path).run(signature).attempts) == 1 for signature in proposed)


def test_rungs_are_told_to_optuna_at_growing_resource(tmp_path, info, proposed):
    files = Files(tmp_path, "mine", SMOKE, info)
    trials = Trials(STUDY, files, register(files), TRIALS)
    Worker(trials, lambda: False).run()
    told = {trial.user_attrs["signature"]: trial for trial in trials.all()}
    best, *_, worst = [told[signature] for signature in proposed]
    assert best.intermediate_values == {1: 90.0, 2: 90.0}
    assert worst.intermediate_values.keys() == {1}


@pytest.mark.parametrize(("ending", "counted"), [("blocked", False), ("failed", True)])
def test_a_full_disk_stops_the_worker_with_its_sentence_and_is_no_failure_of_the_trial(
    tmp_path, info, monkeypatch, ending, counted
):
    files = Files(tmp_path, "mine", SMOKE, info)
    trials = Trials(STUDY, files, register(files), TRIALS)
    monkeypatch.setattr("sweeps.worker.obtain", lambda *_: Outcome(ending, "the reason"))
    assert Worker(trials, lambda: False).run() == ("" if counted else "the reason")
    assert trials.failed is counted
    if not counted:
        states = [trial.state.name for trial in trials.optuna.get_trials()]
        assert states == ["FAIL", "WAITING"]
        assert trials.reasons == []
