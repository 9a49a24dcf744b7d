"""Successive halving: who stops at a rung, who is taken up again, and what counts meanwhile."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mae_core.data.catalogue import describe
from mae_core.scales import MINI
from mae_core.tracking.studies.record import read_studies
from sweeps.halving import FEWEST, GOES_ON
from sweeps.record import Recorder
from sweeps.studies import PRETRAIN_LR
from sweeps.trials import Files, Trials, register

STUDY = replace(PRETRAIN_LR, sampler="quasi-random")
RUNGS = 2


@pytest.fixture
def trials_of(tmp_path):
    def made(wanted, name="study"):
        files = Files(tmp_path, name, MINI, describe("fashion_mnist", tmp_path))
        return Trials(STUDY, files, register(files), wanted)

    return made


def climb(trials, trial, value):
    """Take the trial from rung to rung, where it always has `value`, as a worker does."""
    for rung in range(1, RUNGS + 1):
        trials.report(trial, value, rung)
        if trial.should_prune():
            trials.prune(trial, f"after rung {rung}")
            return
    trials.complete(trial, value)


def search(trials, values, of=None):
    """A search by one worker: the next setting that was not tried has the next of `values`, those in `of` their own."""
    of, left = {} if of is None else of, iter(values)
    while not trials.ended:
        trial, stage = trials.next()
        if stage.signature not in of:
            of[stage.signature] = next(left)
        climb(trials, trial, of[stage.signature])
    return sorted(trial.value for trial in trials.all() if trial.state.name == "COMPLETE")


def test_half_goes_on_from_each_rung(trials_of):
    assert search(trials_of(16), [float(-place) for place in range(16)]) == [-3.0, -2.0, -1.0, 0.0]


def test_the_best_complete_even_where_each_is_better_than_all_before(trials_of):
    assert search(trials_of(12), [float(place) for place in range(12)])[-3:] == [9.0, 10.0, 11.0]


def test_a_trial_stops_where_few_have_been_and_goes_on_when_it_turns_out_to_be_good(trials_of):
    trials = trials_of(8)
    for value in (9.0, 1.0, 2.0):
        climb(trials, trials.next()[0], value)
    assert [trial.state.name for trial in trials.all()] == ["PRUNED"] * 3
    climb(trials, trials.next()[0], 3.0)
    again, stage = trials.next()
    assert again.user_attrs[GOES_ON] == 0
    assert stage.signature == trials.optuna.trials[0].user_attrs["signature"]


def test_who_went_on_passes_the_same_rung_however_many_better_ones_came_meanwhile(trials_of):
    trials, others = trials_of(20), trials_of(20)
    for value in (9.0, 1.0, 2.0, 3.0):
        climb(trials, trials.next()[0], value)
    again, _ = trials.next()
    for _ in range(6):
        climb(others, others.next()[0], 20.0)
    trials.report(again, 9.0, 1)
    assert not again.should_prune()
    trials.report(again, 9.0, 2)
    assert again.should_prune()


def test_a_trial_that_went_on_counts_once_and_its_end_counts(trials_of, tmp_path):
    trials = trials_of(FEWEST)
    assert search(trials, [4.0, 1.0, 2.0, 3.0])[-1] == 4.0
    assert trials.counted == FEWEST
    assert len({trial.user_attrs["signature"] for trial in trials.all()}) == FEWEST
    assert len(trials.optuna.trials) > FEWEST
    Recorder(trials).write()
    (study,) = read_studies(tmp_path)
    assert len(study.counted) == FEWEST
    assert {one.reason for one in study.trials if one.number == 0} == {"stopped after rung 1, went on as trial 4"}


def test_who_dies_after_it_went_on_goes_on_as_the_same(trials_of):
    trials, other = trials_of(FEWEST), trials_of(FEWEST)
    for value in (9.0, 1.0, 2.0, 3.0):
        climb(trials, trials.next()[0], value)
    trials.give_back(trials.next()[0])
    third, _ = other.next()
    assert third.user_attrs[GOES_ON] == 0
    climb(other, third, 9.0)
    assert (
        search(other, [], {one.user_attrs["signature"]: one.intermediate_values[1] for one in other.all()})[-1] == 9.0
    )
    assert other.counted == FEWEST


def test_a_trial_that_diverged_never_goes_on(trials_of):
    trials = trials_of(FEWEST)
    diverged, _ = trials.next()
    trials.report(diverged, 9.0, 1)
    trials.prune(diverged, "diverged: a loss of nan")
    assert search(trials, [1.0, 2.0, 3.0])[-1] == 3.0


def test_more_trials_later_take_up_who_was_stopped_before(trials_of):
    first, of = trials_of(8), {}
    assert -3.0 not in search(first, [float(-place) for place in range(8)], of)
    more = trials_of(16)
    assert -3.0 in search(more, [-9.0] * 8, of)
    assert more.counted == 16


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 5), min_size=1, max_size=12))
def test_every_search_ends_at_its_number_with_its_best_complete(tmp_path_factory, values):
    home = tmp_path_factory.mktemp("home")
    files = Files(home, "study", MINI, describe("fashion_mnist", home))
    trials = Trials(STUDY, files, register(files), len(values))
    complete = search(trials, [float(value) for value in values])
    assert trials.counted == len(values)
    assert complete[-1] == max(values)
