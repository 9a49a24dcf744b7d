"""Rungs: trials are looked at where they differ, by what tells which is better, and ended or continued there."""

from dataclasses import replace

import pytest

from ablations.paper import ABLATIONS
from mae_core.data.catalogue import describe
from mae_core.recipes import BASELINE
from mae_core.scales import MINI, SMOKE
from mae_core.store.attempt import take
from mae_core.store.journal import NAME, Journal
from mae_core.store.run import Store
from sweeps.rungs import Rung, rungs_of, searched, trained_epochs
from sweeps.space import OneOf
from sweeps.studies import FINETUNE_LR, LINEAR_PROBE_LR, MASK_RATIO_BY_DECODER_DEPTH, PRETRAIN_LR, STUDIES, tune_rows
from sweeps.trials import Files, Trials, register


@pytest.fixture
def info(tmp_path):
    return describe("fashion_mnist", tmp_path)


@pytest.fixture
def run(tmp_path):
    """A run whose journal has a row for each third of two epochs, the accuracy at their ends."""
    run = Store(tmp_path).run("linear_probe-0")
    run.folder.mkdir(parents=True)
    journal = Journal(take(run.folder, 1).folder / NAME)
    for step in range(1, 7):
        more = {"heldout_top1": 70.0 + step} if step % 3 == 0 else {}
        journal.append({"step": step, "epoch": step / 3, "loss": 6.0 / step, **more})
    journal.close()
    return run


RANDOM = replace(PRETRAIN_LR, sampler="quasi-random")


def trials_of(home, info, wanted, study=RANDOM):
    files = Files(home, study.name, MINI, info)
    return Trials(study, files, register(files), wanted)


@pytest.mark.parametrize("scale", [SMOKE, MINI])
def test_trials_are_looked_at_in_a_stage_that_the_study_searches(info, scale):
    kinds = [searched(study.stage({}, scale, info), study.space).kind for study in STUDIES.values()]
    assert kinds == ["pretrain", "finetune", "linear_probe", "pretrain"]


def test_rungs_lie_within_the_schedule_and_are_numbered(info):
    study = replace(PRETRAIN_LR, pretraining=replace(BASELINE, epochs=90), space={"pretrain.epochs": OneOf((90,))})
    assert [(rung.epoch, rung.resource) for rung in rungs_of(study, MINI, info)] == [(10, 1), (30, 2)]


@pytest.mark.parametrize("epochs", [(90, 27, 60), (27, 60, 90)])
def test_trials_of_any_schedule_are_compared_at_the_epochs_of_the_shortest(info, epochs):
    study = replace(LINEAR_PROBE_LR, space={"linear_probe.epochs": OneOf(epochs)})
    assert [rung.epoch for rung in rungs_of(study, MINI, info)] == [3, 9]


def test_trials_whose_losses_say_nothing_are_never_ended_early(info):
    for study in (MASK_RATIO_BY_DECODER_DEPTH, FINETUNE_LR, *tune_rows(ABLATIONS["mask_ratio"])):
        assert rungs_of(study, MINI, info) == []


def test_losses_are_better_when_lower_and_accuracies_when_higher(run):
    assert Rung(1, 1, "loss").value(run) == -2.0
    assert Rung(1, 1, "heldout_top1").value(run) == 73.0
    assert Rung(3, 1, "loss").value(run) is None


def test_probes_are_compared_by_accuracy_and_pretraining_by_loss(info):
    metrics = [{rung.metric for rung in rungs_of(study, MINI, info)} for study in (PRETRAIN_LR, LINEAR_PROBE_LR)]
    assert metrics == [{"loss"}, {"heldout_top1"}]


def test_epochs_are_told_to_the_rung_that_ended_a_trial_and_none_for_a_repeat(tmp_path, info):
    study = replace(PRETRAIN_LR, sampler="quasi-random")
    trials = trials_of(tmp_path, info, 3, study)
    complete, stage = trials.next()
    trials.complete(complete, 60.0)
    pruned, _ = trials.next()
    for resource in (1, 2):
        pruned.report(-0.7, resource)
    trials.prune(pruned, "after 3 epochs of pretrain")
    repeat, _ = trials.next()
    repeat.set_user_attr("repeat_of", 0)
    trials.complete(repeat, 60.0)
    long = searched(stage, study.space)
    epochs = [trained_epochs(trial, long, rungs_of(study, MINI, info), Store(tmp_path)) for trial in trials.all()]
    assert epochs == [long.recipe.epochs, 3, 0]
