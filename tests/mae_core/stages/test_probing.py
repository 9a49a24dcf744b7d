"""Probing: accuracies in the journal that nothing else depends on, whatever interrupts or shares the training."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from mae_core.data.catalogue import describe
from mae_core.data.images import open_images
from mae_core.data.splits import heldout, pretraining
from mae_core.signature import Stage
from mae_core.stages.obtain import obtain
from mae_core.stages.pretrain import Reconstruction
from mae_core.stages.probing import Probing
from mae_core.store.attempt import Watch, take
from mae_core.store.run import Store
from mae_core.training.course import course_of
from mae_core.training.loop import train
from mae_core.training.optim import adamw, parameter_groups
from mae_core.training.workspace import Workspace
from tests.mae_core.stages.laboratory import PRETRAIN, Laboratory
from tests.mae_core.training.group import in_ranks

LONG = replace(PRETRAIN, epochs=8)
STEPS_AN_EPOCH = 4


def images():
    return open_images("digits", None, "train", PRETRAIN.image_size, 1, PRETRAIN.fingerprint)


def probed(run):
    """The journal's rows with accuracies, without their times."""
    return [{**row, "time": 0} for row in run.rows() if "ridge_top1" in row]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    return Laboratory(tmp_path_factory.mktemp("undisturbed")).done(Stage(LONG))


def test_it_looks_before_training_and_at_four_epochs_up_to_the_last(undisturbed):
    rows = probed(undisturbed)
    assert [row["epoch"] for row in rows] == [0, 2, 4, 6, 8]
    assert [row["step"] for row in rows] == [STEPS_AN_EPOCH * epoch for epoch in (0, 2, 4, 6, 8)]
    assert all(row[name] % 4 == 0 for row in rows for name in ("ridge_top1", "knn_top1"))  # of 25 images


@pytest.mark.parametrize("probes", [True, False])
def test_weights_and_draws_are_the_same_with_and_without_it(undisturbed, tmp_path, probes):
    learner = Reconstruction(LONG, images(), probing=Probing.of(LONG, images()) if probes else None)
    course = course_of(LONG, pretraining(len(images()), LONG.train_images))
    optimizer = adamw(parameter_groups(learner.module, LONG.base_lr * 32 / 256, LONG.weight_decay), LONG.betas)
    before = torch.get_rng_state()
    workspace = Workspace(tmp_path, take(tmp_path, 1))
    train(learner, optimizer, course, workspace)
    workspace.close()
    for name, tensor in load_file(undisturbed.finished.folder / "weights.safetensors").items():
        assert torch.equal(tensor, learner.module.state_dict()[name]), name
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("stop_after", [1, 8, 30])
def test_a_resumed_run_has_the_same_rows(undisturbed, tmp_path, stop_after):
    laboratory, asked = Laboratory(tmp_path), iter(range(1000))
    assert laboratory.ask(Stage(LONG), lambda: next(asked) >= stop_after).ending == "stopped"
    assert probed(laboratory.done(Stage(LONG))) == probed(undisturbed)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_of_several_ranks_one_looks(undisturbed, tmp_path):
    store = Store(tmp_path)
    signature = store.plan(Stage(LONG)).signature
    outcomes = in_ranks(2, lambda ranks: obtain(signature, Store(tmp_path), Watch(), ranks=ranks))
    assert [outcome.ending for outcome in outcomes] == ["done"] * 2
    assert [row["step"] for row in probed(store.run(signature))] == [row["step"] for row in probed(undisturbed)]


def test_the_images_are_train_images_of_which_none_is_held_out_and_the_same_for_every_row():
    looked_at = Probing.of(PRETRAIN, images())
    assert not set(looked_at.samples.tolist()) & set(heldout(len(images())).tolist())
    assert set(looked_at.labels.bincount(minlength=10).tolist()) <= {2, 3}
    assert torch.equal(Probing.of(replace(PRETRAIN, seed=1, epochs=5), images()).samples, looked_at.samples)


def test_without_labels_or_with_too_few_images_there_is_none():
    assert Probing.of(PRETRAIN, replace(images(), labels=None, num_classes=0)) is None
    assert Probing.of(replace(PRETRAIN, train_images=99), images()) is None


@pytest.mark.parametrize("sees", [True, False])
def test_images_of_13_channels_that_are_not_square_and_encoders_with_mask_tokens(tmp_path, sees):
    draw = np.random.default_rng(0)
    for split, label, number in np.ndindex(2, 2, 12):
        path = tmp_path / "data" / ("train", "val")[split] / f"class{label}" / f"{number}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, draw.normal(3.0 * label, 1.0, (16, 8, 13)).astype(np.float32))
    data = str(tmp_path / "data")
    recipe = replace(
        PRETRAIN, data=data, fingerprint=describe(data, tmp_path).fingerprint, image_size=(16, 8), in_chans=13,
        encoder_sees_mask_tokens=sees, train_images=20, batch_size=10, epochs=1,
    )  # fmt: skip
    rows = probed(Laboratory(tmp_path / "home").done(Stage(recipe)))
    assert [row["epoch"] for row in rows] == [0, 1]
    assert all(row["ridge_top1"] > 70 for row in rows)  # such classes any features tell apart


def test_an_image_is_scored_by_probes_that_never_saw_its_label():
    noise = replace(images(), labels=torch.from_numpy(np.random.default_rng(0).integers(0, 10, len(images()))))
    recipe = replace(PRETRAIN, train_images=None)
    accuracies = Probing.of(recipe, noise).look(Reconstruction(recipe, noise).module, recipe)
    assert all(accuracy < 30 for accuracy in accuracies.values())
