"""Trials: counted, repeated in words, given back by the dead; a journal that was torn goes on."""

import json
import multiprocessing
import os
from dataclasses import replace

import optuna
import pytest

from mae_core.data.catalogue import describe
from mae_core.scales import SMOKE
from mae_core.store.attempt import Heartbeat
from sweeps.space import OneOf
from sweeps.studies import FINETUNE_LR
from sweeps.trials import Files, Trials, register

STUDY = replace(FINETUNE_LR, space={"finetune.epochs": OneOf((1, 2, 3))}, sampler="quasi-random")
WIDE = replace(FINETUNE_LR, sampler="quasi-random")


@pytest.fixture
def info(tmp_path):
    return describe("fashion_mnist", tmp_path)


def trials_of(home, study=WIDE, wanted=6, scale="smoke"):
    files = Files(home, study.name, scale, "fashion_mnist")
    return Trials(study, files, register(files), wanted)


def stage_of(study, info):
    return lambda found: study.stage(found, SMOKE, info)


def test_a_study_ends_at_its_number_of_complete_and_pruned_trials(tmp_path, info):
    trials = trials_of(tmp_path, wanted=3)
    for end in (
        lambda t: trials.complete(t, 50.0),
        lambda t: trials.prune(t, "bad"),
        lambda t: trials.complete(t, 60.0),
    ):
        trial, _ = trials.next(stage_of(WIDE, info))
        end(trial)
    assert trials.next(stage_of(WIDE, info)) is None
    assert trials.ended


def test_trials_of_another_scale_are_another_studys(tmp_path, info):
    at_smoke, at_mini = trials_of(tmp_path), trials_of(tmp_path, scale="mini")
    at_smoke.complete(at_smoke.next(stage_of(WIDE, info))[0], 50.0)
    assert (at_smoke.counted, at_mini.counted) == (1, 0)
    assert at_mini.best(1) == []


def test_failed_trials_do_not_count_and_too_many_end_the_work(tmp_path, info):
    trials = trials_of(tmp_path, wanted=9)
    for _ in range(5):
        assert not trials.failed
        trials.fail(trials.next(stage_of(WIDE, info))[0], "no such file")
    assert trials.failed
    assert trials.counted == 0


def test_a_setting_that_was_tried_is_told_at_once_as_a_stated_repeat(tmp_path, info):
    trials = trials_of(tmp_path, STUDY, wanted=12)
    while (asked := trials.next(stage_of(STUDY, info))) is not None:
        trials.complete(asked[0], float(asked[1].recipe.epochs))
    repeats = [trial for trial in trials.all() if "repeat_of" in trial.user_attrs]
    assert len(repeats) == 12 - 3
    for trial in repeats:
        assert trial.value == trials.optuna.trials[trial.user_attrs["repeat_of"]].value


def test_a_repeat_of_a_pruned_trial_is_pruned_for_the_same_reason(tmp_path, info):
    trials = trials_of(tmp_path, STUDY, wanted=8)
    while (asked := trials.next(stage_of(STUDY, info))) is not None:
        asked[0].report(-0.7, 1)
        trials.prune(asked[0], "hopeless")
    assert trials.counted == 8
    assert {trial.user_attrs["pruned"] for trial in trials.all()} == {"hopeless"}
    assert any("repeat_of" in trial.user_attrs for trial in trials.all())


def test_best_trials_are_distinct_settings(tmp_path, info):
    trials = trials_of(tmp_path, STUDY, wanted=12)
    while (asked := trials.next(stage_of(STUDY, info))) is not None:
        trials.complete(asked[0], float(asked[1].recipe.epochs))
    assert [trial.value for trial in trials.best(3)] == [3.0, 2.0, 1.0]


def _ask_and_die(home):
    trials_of(home).next(stage_of(WIDE, describe("fashion_mnist", home)))
    os._exit(9)


def test_a_trial_whose_worker_died_is_queued_again_with_its_settings(tmp_path, info):
    child = multiprocessing.get_context("spawn").Process(target=_ask_and_die, args=(tmp_path,))
    child.start()
    child.join()
    trials = trials_of(tmp_path)
    again, _ = trials.next(stage_of(WIDE, info))
    first = trials.optuna.trials[0]
    assert first.state == optuna.trial.TrialState.FAIL
    assert again.params == first.params
    assert again.user_attrs["returned_from"] == 0


def test_a_living_workers_trial_is_left_alone(tmp_path, info):
    one, two = trials_of(tmp_path, wanted=1), trials_of(tmp_path, wanted=1)
    with Heartbeat(one.worker):
        assert one.next(stage_of(WIDE, info)) is not None
        assert two.next(stage_of(WIDE, info)) is None


@pytest.mark.parametrize("cut", [1, 7, 30])
def test_half_a_line_at_the_journals_end_does_not_stop_the_study(tmp_path, info, cut):
    trials = trials_of(tmp_path)
    trials.complete(trials.next(stage_of(WIDE, info))[0], 50.0)
    path = trials.files.journal
    path.write_bytes(path.read_bytes()[:-cut])
    again = trials_of(tmp_path)
    asked = again.next(stage_of(WIDE, info))
    assert asked is not None
    again.complete(asked[0], 60.0)
    assert all(json.loads(line) for line in path.read_text().splitlines())


def test_a_lock_left_by_the_dead_does_not_stop_the_study(tmp_path, info, monkeypatch):
    monkeypatch.setattr("sweeps.journal.LOCK_SECONDS", 3)
    trials = trials_of(tmp_path)
    trials.files.journal.with_name(f"{trials.files.journal.name}.lock").touch()
    assert trials.next(stage_of(WIDE, info)) is not None
