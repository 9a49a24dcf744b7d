"""Winners: chosen on held-out images over seeds, scored on test once, and in MLflow where their study is."""

from dataclasses import replace

import numpy as np
import pytest

from mae_core.data.catalogue import describe
from mae_core.scales import SMOKE
from mae_core.store.attempt import Attempt
from mae_core.store.run import Store
from mae_core.tracking.destination import Destination
from mae_core.tracking.survey import items
from sweeps.findings.winners import PLAIN, Candidate, Undecided, Verdict, decide
from sweeps.studies import FINETUNE_LR
from sweeps.trials import Files, Trials, register
from tests.mae_core.store.shelf import begin, end

STUDY = replace(FINETUNE_LR, sampler="quasi-random", top=2)
SEEDS = 3


@pytest.fixture
def trials(tmp_path):
    """Three trials, the last the best on its one seed."""
    files = Files(tmp_path, STUDY.name, SMOKE, describe("fashion_mnist", tmp_path))
    trials = Trials(STUDY, files, register(files), 3)
    for value in (61.0, 62.0, 63.0):
        trials.complete(trials.next()[0], value)
    return trials


@pytest.fixture
def place_of(trials):
    """Which trial a stage of any seed and split repeats; -1: the scale's own settings."""
    signatures = [trial.user_attrs["signature"] for trial in trials.all()]

    def place_of(stage):
        judged = replace(stage.recipe, seed=0, evaluate_on="heldout"), replace(stage.parents[0].recipe, seed=0)
        own = replace(stage, recipe=judged[0], parents=(replace(stage.parents[0], recipe=judged[1]),)).signature
        return signatures.index(own) if own in signatures else -1

    return place_of


@pytest.fixture
def decided(trials, place_of, tmp_path):
    """What is decided where `numbers` has the held-out top-1 of each place and seed, and `ends` what some end as."""

    def decided(numbers, ends=None, seeds=SEEDS):
        def do(stages):
            for stage in stages:
                for one in stage.with_parents():
                    if Store(tmp_path).plan(one).finished is None:
                        state, metrics = ending(one) if one is stage else ("done", {})
                        end(begin(tmp_path, one), state, **metrics)

        def ending(stage):
            place, recipe = place_of(stage), stage.recipe
            state = (ends or {}).get((place, recipe.seed, recipe.evaluate_on), "done")
            top1 = numbers[place][recipe.seed] if recipe.evaluate_on == "heldout" else 50.0 - place
            return state, {"top1": top1}

        return decide(trials, Store(tmp_path), seeds, do)

    return decided


NUMBERS = {1: (64.0, 65.0, 66.0), 2: (63.5, 64.5, 65.5), -1: (60.0, 61.0, 62.0)}


@pytest.fixture
def verdict(decided):
    """What is decided where the second trial is the best over seeds, and the first on test."""
    return decided(NUMBERS)


def test_the_winner_is_the_best_over_seeds_on_held_out_images(verdict):
    assert [candidate.name for candidate in verdict.candidates] == ["trial 1", "trial 2", PLAIN]
    assert verdict.winner.heldout == (64.0, 65.0, 66.0)
    assert verdict.winner.judged == (65.0, 66.0)  # not by the seed that chose them


def test_the_seed_that_chose_the_trials_does_not_judge_them(decided):
    """It favours what it chose, beside the scale's own settings that nobody chose."""
    numbers = {**NUMBERS, 1: (99.0, 60.0, 61.0)}
    verdict = decided(numbers)
    assert [candidate.name for candidate in verdict.candidates] == ["trial 2", PLAIN, "trial 1"]
    assert decided(numbers, seeds=2).winner.judged == (99.0, 60.0)  # two are too few to spare one


def test_on_a_tie_the_scales_own_settings_stay(decided):
    assert decided(dict.fromkeys(NUMBERS, (60.0, 61.0, 62.0))).winner.name == PLAIN


@pytest.mark.parametrize("state", ["diverged", "failed"])
def test_a_trial_that_does_not_get_through_all_seeds_is_left_out_and_named(decided, state):
    verdict = decided(NUMBERS, {(1, 2, "heldout"): state})
    assert [candidate.name for candidate in verdict.candidates] == ["trial 2", PLAIN]
    assert f"Left out: trial 1 {state} with seed 2" in verdict.sentence()


def test_a_winner_that_diverges_on_all_train_images_gives_way_to_the_next(decided):
    verdict = decided(NUMBERS, {(1, SEEDS, "test"): "diverged"})
    assert verdict.winner.name == "trial 2"
    assert f"Left out: trial 1 diverged with seed {SEEDS}" in verdict.sentence()


@pytest.mark.parametrize(("split", "seed"), [("heldout", 1), ("test", SEEDS + 1)])
def test_without_the_scales_own_settings_there_is_no_verdict(decided, split, seed):
    undecided = decided(NUMBERS, {(-1, seed, split): "failed"})
    assert isinstance(undecided, Undecided)
    assert f"No verdict: the scale's own failed with seed {seed}" in undecided.sentence()


def test_why_a_candidate_failed_is_told(decided, monkeypatch):
    written = Attempt.record.fget
    told = {"reason": "its weights are not here; import them."}
    monkeypatch.setattr(Attempt, "record", property(lambda attempt: (found := written(attempt)) and found | told))
    told = decided(NUMBERS, {(-1, 1, "heldout"): "failed"}).sentence()
    assert told.endswith(": its weights are not here; import them).")


def test_test_images_are_scored_for_the_winner_and_the_scales_own_settings_alone(verdict, tmp_path):
    scored = [run for run in Store(tmp_path).runs() if run.document["recipe"].get("evaluate_on") == "test"]
    assert len(scored) == 2 * SEEDS
    assert {run.document["recipe"]["seed"] for run in scored} == {*range(SEEDS, 2 * SEEDS)}  # none that chose
    assert (verdict.tuned, verdict.plain) == ((49.0,) * SEEDS, (51.0,) * SEEDS)


def test_repeated_trials_land_in_mlflow_where_their_study_is(verdict, tmp_path):
    found = {item.run.signature: item.description for item in items(Destination.of(tmp_path))}
    assert len(found) == 2 * SEEDS + 3 * SEEDS + 2 * SEEDS  # pre-trainings, candidates held out, two of them on test
    assert {told.experiment for told in found.values()} == {"mae-smoke-fashion_mnist"}
    names = {told.name.partition(" +")[0] for told in found.values()}
    assert {f"sweep-finetune_lr/trial-1/finetune/{seed}" for seed in range(SEEDS)} <= names
    assert {f"sweep-finetune_lr/own/finetune_test/{seed}" for seed in range(SEEDS, 2 * SEEDS)} <= names


@pytest.mark.parametrize(
    ("tuned", "said"),
    [
        ((61.0, 62.0, 63.0), "paired 95 % interval -0.2 to +2.2: within seed noise"),
        ((71.0, 72.5, 73.0), "paired 95 % interval +10.4 to +11.9: beyond seed noise"),
        ((61.0, 62.0), "2 seeds cannot tell whether that is noise"),
    ],
)
def test_no_more_is_said_than_the_seeds_allow(tuned, said):
    winner = Candidate("trial 0", {}, tuned, {})
    assert said in Verdict(STUDY, (winner,), winner, tuned, (60.0, 61.5, 61.5)[: len(tuned)]).sentence()


@pytest.mark.parametrize(
    ("others", "seeds", "said"),
    [
        (2, 3, "None of the best 2 trials was better on held-out images than the scale's own settings, over 2 seeds."),
        (1, 1, "The best trial was not better on held-out images than the scale's own settings, over 1 seed, which ca"),
        (0, 3, "No trial got through all seeds; the scale's own settings stay."),
    ],
)
def test_where_nothing_was_better_that_is_said_of_what_was_compared(others, seeds, said):
    own = Candidate(PLAIN, {}, (60.0,) * seeds, {})
    worse = [Candidate(f"trial {number}", {}, (50.0,) * seeds, {}) for number in range(others)]
    assert said in Verdict(STUDY, (own, *worse), own, (60.0,) * seeds, (60.0,) * seeds).sentence()


def test_an_earlier_look_at_test_images_for_another_trial_is_told(decided):
    assert decided({**NUMBERS, 2: (99.0, 99.0, 99.0)}, seeds=2).winner.name == "trial 2"
    later = decided({place: (*numbers, numbers[-1]) for place, numbers in NUMBERS.items()}, seeds=2)
    assert later.winner.name == "trial 2"  # what was measured stays
    assert "Test images were scored before" not in later.sentence()
    later = decided({1: (0, 0, 99.0), 2: (0, 0, 60.0), -1: (60.0, 61.0, 62.0)}, seeds=3)
    assert later.winner.name == "trial 1"
    assert "Test images were scored before for trial 2, when there were fewer trials or seeds." in later.sentence()


def test_tuning_that_changes_nothing_gains_nothing_on_average_and_is_seldom_said_to_help(
    trials, place_of, tmp_path, monkeypatch
):
    """All settings are equally good; a seed is as kind to one on test images as it was on held-out ones."""
    rng, gains, sure = np.random.default_rng(0), [], 0
    for _ in range(300):
        luck = rng.normal(size=(3, 2 * SEEDS))  # of the three candidates, by seed

        def numbers(repeats, name, split, luck=luck):
            place = {"trial 1": 0, "trial 2": 1, PLAIN: 2}[name]
            return tuple(luck[place][stage.recipe.seed] for stage in repeats.stages(name, split))

        monkeypatch.setattr("sweeps.findings.winners._Repeats.numbers", numbers)
        monkeypatch.setattr("sweeps.findings.winners._Repeats.do", lambda *_: {})
        verdict = decide(trials, Store(tmp_path), SEEDS, lambda _: None)
        if verdict.winner.name != PLAIN:
            gains += verdict.differences
            sure += "beyond seed noise" in verdict.sentence() and sum(verdict.differences) > 0
    assert len(gains) > 100 * SEEDS
    assert abs(np.mean(gains)) < 0.2  # of a seed's standard deviation
    assert sure * SEEDS / len(gains) < 0.06  # 0.025 but for chance
