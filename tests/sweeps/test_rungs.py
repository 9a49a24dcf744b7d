"""Rungs: trials are looked at where they differ, by what tells which is better, and ended or continued there."""

from dataclasses import replace

import pytest

from mae_core.data.catalogue import describe
from mae_core.scales import MINI, SMOKE
from mae_core.store.attempt import take
from mae_core.store.journal import NAME, Journal
from mae_core.store.run import Store
from sweeps.rungs import Rung, rungs_of, searched, trained_epochs
from sweeps.studies import FINETUNE_LR, LINEAR_PROBE_LR, MASK_RATIO_BY_DECODER_DEPTH, PRETRAIN_LR, STUDIES
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


@pytest.mark.parametrize("scale", [SMOKE, MINI])
def test_trials_are_looked_at_in_a_stage_that_the_study_searches(info, scale):
    kinds = [searched(study.stage({}, scale, info), study.space).kind for study in STUDIES.values()]
    assert kinds == ["pretrain", "finetune", "linear_probe", "pretrain"]


def test_rungs_lie_within_the_schedule_and_the_resource_triples(info):
    probe = LINEAR_PROBE_LR.stage({"linear_probe.epochs": 90}, MINI, info)
    found = rungs_of(probe, LINEAR_PROBE_LR.rungs)
    assert [(rung.epoch, rung.resource) for rung in found] == [(10, 1), (30, 3)]


def test_trials_whose_losses_say_nothing_are_never_ended_early(info):
    stage = MASK_RATIO_BY_DECODER_DEPTH.stage({}, MINI, info)
    assert rungs_of(searched(stage, MASK_RATIO_BY_DECODER_DEPTH.space), MASK_RATIO_BY_DECODER_DEPTH.rungs) == []


def test_losses_are_better_when_lower_and_accuracies_when_higher(run):
    assert Rung(1, 1, "loss").value(run) == -2.0
    assert Rung(1, 1, "heldout_top1").value(run) == 73.0
    assert Rung(3, 1, "loss").value(run) is None


def test_probes_are_compared_by_accuracy_and_other_stages_by_loss(info):
    metrics = {}
    for study in (PRETRAIN_LR, FINETUNE_LR, LINEAR_PROBE_LR):
        stage = searched(study.stage({}, MINI, info), study.space)
        metrics[stage.kind] = {rung.metric for rung in rungs_of(stage, study.rungs)}
    assert metrics == {"pretrain": {"loss"}, "finetune": {"loss"}, "linear_probe": {"heldout_top1"}}


def test_epochs_are_told_to_the_rung_that_ended_a_trial_and_none_for_a_repeat(tmp_path, info):
    study = replace(PRETRAIN_LR, sampler="quasi-random")
    files = Files(tmp_path, study.name, "mini", "fashion_mnist")
    trials = Trials(study, files, register(files), 3)
    complete, stage = trials.next(lambda found: study.stage(found, MINI, info))
    trials.complete(complete, 60.0)
    pruned, _ = trials.next(lambda found: study.stage(found, MINI, info))
    for resource in (1, 3):
        pruned.report(-0.7, resource)
    trials.prune(pruned, "after 3 epochs of pretrain")
    repeat, _ = trials.next(lambda found: study.stage(found, MINI, info))
    repeat.set_user_attr("repeat_of", 0)
    trials.complete(repeat, 60.0)
    long = searched(stage, study.space)
    epochs = [trained_epochs(trial, long, study.rungs, Store(tmp_path)) for trial in trials.all()]
    assert epochs == [long.recipe.epochs, 3, 0]
