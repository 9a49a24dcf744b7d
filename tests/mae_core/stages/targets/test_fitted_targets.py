"""What is fitted before pre-training, really fitted on digits, and what pre-training makes of it."""

import hashlib
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from sklearn.decomposition import PCA

from mae_core.data import splits
from mae_core.data.images import View
from mae_core.model.patches import patchify
from mae_core.model.targets.dalle import DalleEncoder
from mae_core.recipes import DalleRecipe, PcaRecipe, TokenizerRecipe
from mae_core.signature import Stage
from mae_core.stages.pretrain import PANELS
from mae_core.stages.targets.fitted_targets import patch_images
from mae_core.stages.weights import WEIGHTS
from mae_core.store import journal
from tests.mae_core.stages.laboratory import DIGITS, PRETRAIN

PATCHES = {**DIGITS, "device": "cpu", "threads": 1, "image_size": 16, "in_chans": 1, "patch_size": 4}
COMPONENTS = PcaRecipe(**PATCHES, train_images=128, fit_images=100, share=0.25)
TOKENS = TokenizerRecipe(
    **PATCHES, train_images=512, vocabulary=16, hidden_dim=16, epochs=8, warmup_epochs=1.0, batch_size=64, base_lr=0.1
)


def weights(run):
    return load_file(run.finished.folder / WEIGHTS)


def losses(run):
    return [row["loss"] for row in journal.rows(run.finished.folder / journal.NAME) if "loss" in row]


def test_components_are_those_of_the_images_that_pretraining_sees(laboratory):
    run = laboratory.done(Stage(replace(COMPONENTS, fit_images=128)))
    images = patch_images(COMPONENTS, laboratory.store)
    seen = images.batch(splits.pretraining(len(images), 128), View("eval"))
    oracle = PCA(4, svd_solver="full").fit(patchify(seen, 4).flatten(0, 1).double().numpy())
    metrics = run.record["metrics"]
    assert metrics["explained_variance"] == pytest.approx(100 * oracle.explained_variance_ratio_.sum(), rel=1e-4)
    assert (metrics["components"], metrics["images"]) == (4, 128)
    overlap = weights(run)["components"].numpy() @ oracle.components_.T
    assert np.abs(overlap) == pytest.approx(np.eye(4), abs=1e-3)


def test_another_seed_fits_other_images(laboratory):
    means = [weights(laboratory.done(Stage(replace(COMPONENTS, seed=seed))))["mean"] for seed in (0, 1)]
    assert not torch.equal(*means)


def test_a_fit_stops_where_it_is_asked_to(laboratory):
    assert laboratory.ask(Stage(COMPONENTS), lambda: True).ending == "stopped"
    assert laboratory.ask(Stage(COMPONENTS)).ending == "done"


def test_the_codebook_does_not_collapse_and_beats_grey_patches(laboratory):
    metrics = laboratory.metrics(Stage(TOKENS))
    assert metrics["codebook_used"] > 75
    assert metrics["perplexity"] > 6
    assert metrics["reconstruction_error"] < 0.8 * metrics["patch_mean_error"]


def test_an_interrupted_tokenizer_ends_with_the_same_bits(laboratory, tmp_path):
    stage = Stage(TOKENS)
    asked = iter(range(1000))
    assert laboratory.ask(stage, lambda: next(asked) == 20).ending == "stopped"
    resumed = weights(laboratory.done(stage))
    whole = weights(replace(laboratory, home=_fresh(tmp_path, laboratory)).done(stage))
    assert all(torch.equal(whole[name], tensor) for name, tensor in resumed.items())


def test_micro_batches_train_the_same_tokenizer_to_rounding(laboratory, tmp_path):
    short = replace(TOKENS, epochs=1)
    whole = weights(laboratory.done(Stage(short)))
    split = replace(laboratory, home=_fresh(tmp_path, laboratory)).done(Stage(replace(short, micro_batch=24)))
    for name, tensor in weights(split).items():
        torch.testing.assert_close(tensor, whole[name], rtol=1e-3, atol=1e-4)


def _fresh(tmp_path, laboratory):
    """Another home with the same data."""
    home = tmp_path / "fresh"
    home.mkdir()
    if (laboratory.home / "data").exists():
        (home / "data").symlink_to(laboratory.home / "data")
    return home


@pytest.mark.parametrize(("target", "fitted"), [("pca", COMPONENTS), ("token", TOKENS)])
def test_pretraining_learns_what_its_parent_fitted(laboratory, target, fitted):
    stage = Stage(replace(PRETRAIN, target=target, epochs=6, base_lr=2e-2), (Stage(fitted),))
    run = laboratory.done(stage)
    curve = losses(run)
    assert np.mean(curve[-4:]) < 0.9 * np.mean(curve[:4])
    with np.load(run.finished.folder / PANELS) as panels:
        shown = panels["reconstructed"].astype(np.float32)
    assert shown.shape == (8, 1, 16, 16)
    assert shown.std() > 0.05
    assert not any(name.startswith("target") for name in weights(run))  # what was fitted stays with its own run


def test_a_head_of_as_many_logits_as_tokens_knows_nothing_at_first(laboratory):
    run = laboratory.done(Stage(replace(PRETRAIN, target="token"), (Stage(TOKENS),)))
    assert weights(run)["decoder_pred.weight"].shape == (16, 8)
    assert losses(run)[0] == pytest.approx(math.log(16), abs=0.5)


@pytest.mark.parametrize(
    ("parents", "sentence"),
    [
        ((), "nothing was fitted"),
        ((Stage(TOKENS),), "nothing was fitted"),
        ((Stage(replace(COMPONENTS, patch_size=8)),), "other patches"),
    ],
)
def test_a_target_without_its_fit_is_refused(laboratory, parents, sentence):
    outcome = laboratory.ask(Stage(replace(PRETRAIN, target="pca"), parents))
    assert outcome.ending == "failed"
    assert sentence in outcome.reason


def test_dalles_encoder_of_the_true_size_tokenizes_our_images(laboratory, tmp_path):
    torch.manual_seed(0)
    path = tmp_path / "encoder.safetensors"
    save_file(DalleEncoder().state_dict(), path)
    pixels = {**PATCHES, "patch_size": 8}  # a grid of 2×2: the encoder reads 16×16
    recipe = DalleRecipe(**pixels, file=str(path), sha256=_sha256(path), train_images=32, fit_images=2)
    run = laboratory.done(Stage(recipe))
    assert run.record["metrics"]["perplexity"] >= 1
    assert weights(run)["patch_pictures"].shape == (8192, 64)
    learner = replace(PRETRAIN, target="token", patch_size=8, train_images=8, batch_size=8)
    assert math.isfinite(laboratory.metrics(Stage(learner, (Stage(recipe),)))["loss"])


@pytest.mark.parametrize(("content", "sentence"), [(None, "is not there"), (b"other", "changed since")])
def test_dalle_from_another_file_is_refused(laboratory, tmp_path, content, sentence):
    path = tmp_path / "encoder.safetensors"
    if content is not None:
        path.write_bytes(content)
    outcome = laboratory.ask(Stage(DalleRecipe(**PATCHES, file=str(path), sha256="0" * 64)))
    assert outcome.ending == "failed"
    assert sentence in outcome.reason


def _sha256(path):
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
