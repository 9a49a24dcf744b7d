"""Trials: counted, repeated in words, given back by the dead; a journal that was torn goes on."""

import json
import multiprocessing
import os
import time
from dataclasses import replace

import optuna
import pytest

from mae_core.data.catalogue import describe
from mae_core.recipes import FINETUNE
from mae_core.scales import MINI, SMOKE
from mae_core.store.attempt import Heartbeat
from sweeps.space import OneOf, Times
from sweeps.studies import FINETUNE_LR, MASK_RATIO_BY_DECODER_DEPTH
from sweeps.trials import Files, Trials, register

STUDY = replace(FINETUNE_LR, space={"finetune.epochs": OneOf((1, 2, 3))}, sampler="quasi-random")
WIDE = replace(FINETUNE_LR, sampler="quasi-random")


@pytest.fixture
def info(tmp_path):
    return describe("fashion_mnist", tmp_path)


def trials_of(home, study=WIDE, wanted=6, scale=SMOKE, info=None):
    files = Files(home, study.name, scale, info or describe("fashion_mnist", home))
    return Trials(study, files, register(files), wanted)


def test_a_study_ends_at_its_number_of_complete_and_pruned_trials(tmp_path):
    trials = trials_of(tmp_path, wanted=3)
    for end in (
        lambda t: trials.complete(t, 50.0),
        lambda t: trials.prune(t, "bad"),
        lambda t: trials.complete(t, 60.0),
    ):
        trial, _ = trials.next()
        end(trial)
    assert trials.next() is None
    assert trials.ended


def test_trials_of_another_scale_are_another_studys(tmp_path):
    at_smoke, at_mini = trials_of(tmp_path), trials_of(tmp_path, scale=MINI)
    at_smoke.complete(at_smoke.next()[0], 50.0)
    assert (at_smoke.counted, at_mini.counted) == (1, 0)
    assert at_mini.best(1) == []


def test_failed_trials_do_not_count_and_too_many_end_the_work(tmp_path):
    trials = trials_of(tmp_path, wanted=9)
    for _ in range(5):
        assert not trials.failed
        trials.fail(trials.next()[0], "no such file")
    assert trials.failed
    assert trials.counted == 0


def test_a_setting_that_was_tried_is_told_at_once_as_a_stated_repeat(tmp_path):
    trials = trials_of(tmp_path, STUDY, wanted=12)
    while (asked := trials.next()) is not None:
        trials.complete(asked[0], float(asked[1].recipe.epochs))
    repeats = [trial for trial in trials.all() if "repeat_of" in trial.user_attrs]
    assert len(repeats) == 12 - 3
    for trial in repeats:
        assert trial.value == trials.optuna.trials[trial.user_attrs["repeat_of"]].value


def test_a_repeat_of_a_pruned_trial_is_pruned_for_the_same_reason(tmp_path):
    trials = trials_of(tmp_path, STUDY, wanted=8)
    while (asked := trials.next()) is not None:
        asked[0].report(-0.7, 1)
        trials.prune(asked[0], "hopeless")
    assert trials.counted == 8
    assert {trial.user_attrs["pruned"] for trial in trials.all()} == {"hopeless"}
    assert any("repeat_of" in trial.user_attrs for trial in trials.all())


ALONE = replace(STUDY, space={"finetune.epochs": OneOf((1,))})


def test_what_waits_for_a_running_trial_of_the_same_settings_leaves_no_other_behind(tmp_path):
    first, other = trials_of(tmp_path, ALONE, wanted=4), trials_of(tmp_path, ALONE, wanted=4)
    trial, _ = first.next()
    assert [other.next() for _ in range(5)] == [None] * 5
    first.complete(trial, 60.0)
    assert other.next() is None
    assert [(one.state.name, one.value) for one in other.optuna.trials] == [("COMPLETE", 60.0)] * 4
    assert other.ended


def test_what_waited_for_a_trial_that_failed_is_tried_itself(tmp_path):
    first, other = trials_of(tmp_path, ALONE, wanted=4), trials_of(tmp_path, ALONE, wanted=4)
    trial, _ = first.next()
    assert other.next() is None
    first.fail(trial, "no such file")
    assert other.next()[0].number == 1


def test_studies_from_before_digests_are_told_of(tmp_path):
    trials = trials_of(tmp_path)
    optuna.create_study(study_name=trials.name.rpartition(" ")[0], storage=trials.optuna._storage)
    assert trials.others == [trials.name.rpartition(" ")[0]]


def test_best_trials_are_distinct_settings(tmp_path):
    trials = trials_of(tmp_path, STUDY, wanted=12)
    while (asked := trials.next()) is not None:
        trials.complete(asked[0], float(asked[1].recipe.epochs))
    assert [trial.value for trial in trials.best(3)] == [3.0, 2.0, 1.0]


def _ask_and_die(home):
    trials_of(home).next()
    os._exit(9)


def test_a_trial_whose_worker_died_is_queued_again_with_its_settings(tmp_path):
    child = multiprocessing.get_context("spawn").Process(target=_ask_and_die, args=(tmp_path,))
    child.start()
    child.join()
    trials = trials_of(tmp_path)
    again, _ = trials.next()
    first = trials.optuna.trials[0]
    assert first.state == optuna.trial.TrialState.FAIL
    assert again.params == first.params
    assert again.user_attrs["returned_from"] == 0


def test_a_living_workers_trial_is_left_alone(tmp_path):
    one, two = trials_of(tmp_path, wanted=1), trials_of(tmp_path, wanted=1)
    with Heartbeat(one.worker):
        assert one.next() is not None
        assert two.next() is None


@pytest.mark.parametrize("cut", [1, 7, 30])
def test_half_a_line_at_the_journals_end_does_not_stop_the_study(tmp_path, cut):
    trials = trials_of(tmp_path)
    trials.complete(trials.next()[0], 50.0)
    path = trials.files.journal
    path.write_bytes(path.read_bytes()[:-cut])
    again = trials_of(tmp_path)
    asked = again.next()
    assert asked is not None
    again.complete(asked[0], 60.0)
    assert all(json.loads(line) for line in path.read_text().splitlines())


def test_a_lock_left_by_the_dead_does_not_stop_the_study(tmp_path, monkeypatch):
    monkeypatch.setattr("sweeps.journal.LOCK_SECONDS", 3)
    trials = trials_of(tmp_path)
    trials.files.journal.with_name(f"{trials.files.journal.name}.lock").touch()
    assert trials.next() is not None


def test_two_locks_left_by_the_dead_are_waited_for_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr("sweeps.journal.LOCK_SECONDS", 3)
    trials = trials_of(tmp_path)
    for ending in (".lock", ".mend.lock"):  # the second is of an earlier version
        trials.files.journal.with_name(f"{trials.files.journal.name}{ending}").touch()
    begun = time.monotonic()
    assert trials.next() is not None
    assert time.monotonic() - begun < 6


def test_failures_before_this_launch_and_those_with_a_success_between_do_not_end_the_work(tmp_path):
    trials = trials_of(tmp_path, wanted=9)
    for place in range(8):
        trials.fail(trials.next()[0], "no such file")
        if place == 3:
            trials.complete(trials.next()[0], 50.0)
    assert not trials.failed
    trials.fail(trials.next()[0], "no such file")
    assert trials.failed
    assert not trials_of(tmp_path, wanted=9).failed


def test_reasons_that_several_trials_share_are_told_once(tmp_path):
    trials = trials_of(tmp_path)
    for place, reason in enumerate(["no such file", "no such file", "out of memory"]):
        trials.fail(trials.next()[0], f"finetune-{place} failed: {reason}")
    assert trials.reasons == ["finetune-1 failed: no such file", "finetune-2 failed: out of memory"]


CHANGED = {
    "space": lambda study, scale, info: (replace(study, space={"finetune.base_lr": Times(0.5, 2)}), scale, info),
    "rungs": lambda study, scale, info: (replace(study, rungs=()), scale, info),
    "recipe": lambda study, scale, info: (
        replace(study, evaluation=replace(FINETUNE, smoothing=0.3)),
        scale,
        info,
    ),
    "images": lambda study, scale, info: (study, scale, replace(info, fingerprint="another")),
}


@pytest.mark.parametrize("change", CHANGED.values(), ids=CHANGED)
def test_a_changed_question_begins_a_new_study_in_the_same_journal(tmp_path, info, change):
    old = trials_of(tmp_path)
    old.complete(old.next()[0], 50.0)
    study, scale, other = change(WIDE, SMOKE, info)
    new = trials_of(tmp_path, study, scale=scale, info=other)
    assert new.files.journal == old.files.journal
    assert (new.counted, new.others) == (0, [old.name])
    assert new.next() is not None
    assert trials_of(tmp_path).counted == 1


def test_the_same_question_is_the_same_study_for_every_worker(tmp_path):
    assert trials_of(tmp_path).name == trials_of(tmp_path, replace(WIDE, trials=99)).name
    assert trials_of(tmp_path).name.startswith("finetune_lr (smoke, fashion_mnist) ")


def taken_for_dead(home):
    """A worker with a trial that another one has taken from it, and that other worker with the trial's copy."""
    asleep, awake = trials_of(home), trials_of(home)
    trial, _ = asleep.next()
    awake._watch.alive = lambda _: False
    return asleep, trial, awake, awake.next()[0]


@pytest.mark.parametrize(
    "wakes",
    [
        lambda trials, trial: trials.report(trial, 1.0, 1),
        lambda trials, trial: trials.complete(trial, 50.0),
        lambda trials, trial: trials.prune(trial, "bad"),
        lambda trials, trial: trials.fail(trial, "no such file"),
        lambda trials, trial: trials.give_back(trial),
    ],
    ids=["report", "complete", "prune", "fail", "give_back"],
)
def test_a_worker_that_was_taken_for_dead_and_wakes_up_changes_nothing(tmp_path, wakes):
    asleep, trial, awake, copy = taken_for_dead(tmp_path)
    before = awake.optuna.get_trials()
    assert not wakes(asleep, trial)
    assert awake.optuna.get_trials() == before
    awake.complete(copy, 60.0)
    assert [one.value for one in awake.all()] == [60.0]


@pytest.mark.parametrize("gives", ["itself", "another"])
def test_settings_outlive_a_kill_between_queueing_them_and_ending_their_trial(tmp_path, monkeypatch, gives):
    dying, living = trials_of(tmp_path), trials_of(tmp_path)
    trial, _ = dying.next()
    living._watch.alive = lambda _: False
    killed = dying if gives == "itself" else living
    with monkeypatch.context() as patch:
        patch.setattr(killed.optuna, "tell", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            dying.give_back(trial) if gives == "itself" else living.next()
    copy, _ = living.next()
    assert copy.params == trial.params
    assert [one.state.name for one in living.optuna.get_trials()] == ["FAIL", "RUNNING"]


def test_an_exhaustive_study_tries_each_point_of_its_grid_once(tmp_path):
    study = MASK_RATIO_BY_DECODER_DEPTH
    trials = trials_of(tmp_path, study, wanted=study.trials)
    while (asked := trials.next()) is not None:
        trials.complete(asked[0], 50.0)
    assert len({tuple(trial.params.values()) for trial in trials.all()}) == study.trials == 15
