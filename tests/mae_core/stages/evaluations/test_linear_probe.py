"""Linear probing: heads side by side learn as if alone, on features normalised without learnt scale or shift."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file

from mae_core.data.images import View
from mae_core.signature import Stage
from mae_core.stages.evaluations.features import frozen_encoder
from mae_core.stages.evaluations.linear_probe import Heads, Probe, sums_of
from mae_core.stages.images import images_of
from mae_core.stages.weights import WEIGHTS
from tests.mae_core.stages.laboratory import PRETRAIN, PROBE

PARENTS = (Stage(PRETRAIN),)
RATES = (0.3, 1.0, 30.0)


def weights(run):
    return load_file(run.finished.folder / WEIGHTS)


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_parallel_heads_equal_separate_runs(laboratory, decay):
    probe = replace(PROBE, weight_decay=decay, momentum=0.5, evaluate_on="heldout")
    together = weights(laboratory.done(Stage(replace(probe, base_lrs=RATES), PARENTS)))
    for number, rate in enumerate(RATES):
        alone = weights(laboratory.done(Stage(replace(probe, base_lrs=(rate,)), PARENTS)))
        for name in ("weights", "biases"):
            torch.testing.assert_close(together[f"{name}.{number}"], alone[f"{name}.0"], rtol=1e-4, atol=1e-6)


def test_a_learning_rate_that_diverges_does_not_touch_the_others(laboratory):
    beside = laboratory.done(Stage(replace(PROBE, base_lrs=(1.0, 1e30)), PARENTS))
    alone = weights(laboratory.done(Stage(replace(PROBE, base_lrs=(1.0,), evaluate_on="heldout"), PARENTS)))
    torch.testing.assert_close(weights(beside)["weights.0"], alone["weights.0"], rtol=1e-4, atol=1e-6)
    assert beside.metrics["best_base_lr"] == 1.0
    assert laboratory.ask(Stage(replace(PROBE, base_lrs=(1e30, 1e31)), PARENTS)).ending == "diverged"


def test_the_head_is_chosen_on_held_out_train_images_not_on_test(laboratory):
    metrics = laboratory.metrics(Stage(replace(PROBE, base_lrs=RATES), PARENTS))
    heldout = replace(PROBE, scored_images=None, evaluate_on="heldout")
    alone = [laboratory.metrics(Stage(replace(heldout, base_lrs=(rate,)), PARENTS)) for rate in RATES]
    accuracies = [run["top1"] for run in alone]
    assert metrics["heldout_top1"] == pytest.approx(max(accuracies))
    assert metrics["best_base_lr"] == RATES[accuracies.index(max(accuracies))]


def test_a_run_judged_on_held_out_images_tells_the_best_head_of_each_epoch_and_learns_the_same(laboratory):
    judged = laboratory.done(Stage(replace(PROBE, base_lrs=RATES, evaluate_on="heldout"), PARENTS))
    tested = laboratory.done(Stage(replace(PROBE, base_lrs=RATES), PARENTS))
    told = [row["heldout_top1"] for row in judged.rows() if "heldout_top1" in row]
    assert len(told) == PROBE.epochs
    assert told[-1] == judged.metrics["heldout_top1"]
    assert not any("heldout_top1" in row for row in tested.rows())
    for name, weight in weights(judged).items():
        torch.testing.assert_close(weight, weights(tested)[name], rtol=0, atol=0)


def test_features_are_normalised_over_the_batch_without_scale_or_shift():
    heads = Heads(4, 3, 2, seed=0)
    seen = 5 + 3 * torch.randn(32, 4)
    centred = (seen - seen.mean(0)) / (seen.var(0, correction=0) + 1e-6).sqrt()
    expected = torch.stack([centred @ weight.T for weight in heads.weights], dim=1)
    torch.testing.assert_close(heads(seen), expected)
    assert {name.split(".")[0] for name, _ in heads.named_parameters()} == {"weights", "biases"}


@given(n=st.integers(2, 40), cuts=st.sets(st.integers(1, 39), max_size=6), shift=st.floats(-50, 50))
def test_parts_of_any_sizes_are_normalised_and_remembered_as_the_whole_batch(n, cuts, shift):
    whole, split = (Heads(4, 3, 2, seed=0) for _ in range(2))
    seen = shift + 3 * torch.randn(n, 4, generator=torch.Generator().manual_seed(n))
    parts = seen.tensor_split(sorted(cut for cut in cuts if cut < n))
    moments = split.observe(torch.stack([sums_of(part) for part in parts]).sum(dim=0))
    logits = torch.cat([split(part, moments) for part in parts])
    torch.testing.assert_close(logits, whole(seen), rtol=1e-4, atol=1e-4)
    for name, remembered in split.norm.named_buffers():
        torch.testing.assert_close(remembered, whole.norm.get_buffer(name), rtol=1e-4, atol=1e-4)


def test_random_crops_are_clipped_to_the_image(laboratory):
    stage, samples = Stage(replace(PROBE, augmentation="random_crop"), PARENTS), torch.arange(40)
    images = images_of(stage.recipe, PRETRAIN, laboratory.store, "train")
    probe = Probe(stage.recipe, frozen_encoder(stage, laboratory.store), images)
    probe.fix_views(samples)
    clipped, tried = (View("random_crop", (0.08, 1.0), 0, 0, clipped) for clipped in (True, False))
    assert torch.equal(probe.table[:, 0], probe.encode(images, samples, clipped))
    assert not torch.equal(probe.table[:, 0], probe.encode(images, samples, tried))


def test_the_encoder_is_frozen_and_evaluated(laboratory):
    laboratory.done(PARENTS[0])
    encoder = frozen_encoder(Stage(PROBE, PARENTS), laboratory.store)
    assert not any(module.training for module in encoder.modules())
    assert not any(parameter.requires_grad for parameter in encoder.parameters())
