"""What the released code does where the paper says nothing: each entry of the facts file, read off what ours does."""

import math
from functools import cache
from pathlib import Path

import pytest
import torch
import yaml

import ablations.paper
from mae_core.data import images
from mae_core.data.images import View
from mae_core.data.transforms import randaugment, views
from mae_core.data.transforms.erasing import erased
from mae_core.model.classifier import Classifier
from mae_core.model.mae import MaskedAutoencoder
from mae_core.recipes import BASELINE, FINETUNE_NORM_PIXEL, LINEAR_PROBE, EncoderRecipe, PretrainRecipe
from mae_core.stages.evaluations.finetune import Classification, _mixup
from mae_core.stages.evaluations.linear_probe import Heads, Probe
from mae_core.training.course import Batch
from mae_core.training.optim import lars, layer_decay_groups, parameter_groups
from mae_core.training.schedule import warmup_cosine

CODE = yaml.safe_load((Path(ablations.paper.__file__).parent / "facts.yaml").read_text())["released_code"]
RECIPES = {"pre-training": BASELINE, "fine-tuning": FINETUNE_NORM_PIXEL["H"], "linear probing": LINEAR_PROBE}
SHAPE = {"image_size": 64, "patch_size": 8, "embed_dim": 64, "depth": 4, "num_heads": 2}


@cache
def model(part):
    if part == "pre-training":
        return MaskedAutoencoder(PretrainRecipe(**SHAPE, decoder_embed_dim=32, decoder_depth=1, decoder_num_heads=2))
    if part == "linear probing":
        return Heads(64, 1000, heads=1, seed=0)
    return Classifier(EncoderRecipe(**SHAPE), RECIPES[part], num_classes=1000)


def named(part, groups, key):
    """Names of the parameters and what `key` is in their groups."""
    of = {id(parameter): group[key] for group in groups for parameter in group["params"]}
    return {name: of[id(parameter)] for name, parameter in model(part).named_parameters() if id(parameter) in of}


def groups(part, layer_decay=1.0):
    if part == "pre-training":
        return parameter_groups(model(part), 1.0, 0.05)
    return layer_decay_groups(model(part), 1.0, layer_decay, 0.05)


def decayed(part, *, vectors):
    decays = {name for name, decay in named(part, groups(part), "weight_decay").items() if decay}
    kinds = {name: parameter.ndim <= 1 for name, parameter in model(part).named_parameters()}
    tokens = ("cls_token", "mask_token", "pos_embed")
    return sorted(name for name in decays if (kinds[name] if vectors else name in tokens))


def layers(part):
    rates = named(part, groups(part, 0.5), "lr")
    starts = CODE[part]["layers_from_the_head"]
    return {
        start: {-math.log2(lr) for name, lr in rates.items() if name == start or name.startswith(f"{start}.")}.pop()
        for start in starts
    }


def bounds(part):
    """Which way the weights were drawn: uniform ones fill the interval that their sizes give."""
    found = {}
    for name in CODE[part]["weights"]:
        weight = model(part).get_parameter(f"{name}.weight").flatten(1)
        bound = math.sqrt(6 / sum(weight.shape))
        assert abs(float(weight.detach().var()) * 3 / bound**2 - 1) < 0.1
        found[name] = "xavier_uniform" if 0.95 * bound < weight.abs().max() <= bound else "another"
    return found


def std(weight):
    return round(float(weight.detach().std()), 2 - math.ceil(math.log10(float(weight.detach().std()))))


def view(part):
    """The view in which the stage sees an image."""
    batch = Batch(0, 0, 0, torch.arange(4), 0, 4)
    learner = object.__new__({"fine-tuning": Classification, "linear probing": Probe}[part])
    learner.recipe, learner.mixup = RECIPES[part], None
    return learner.view(0) if part == "linear probing" else learner.asked(batch)[1]


def mixing(part):
    mixup = _mixup(RECIPES[part], 10)
    return {"probability": mixup.mix_prob, "switch": mixup.switch_prob, "mode": mixup.mode}


def erasing(part):
    """Erased pixels differ from each other only where each is drawn."""
    made = erased(torch.zeros(1, 3, 32, 32), torch.arange(1), 1.0, 0, 0)
    drawn = made[made != 0]
    return {"probability": RECIPES[part].reprob, "mode": "pixel" if len(drawn.unique()) == len(drawn) else "another"}


def adapted(part):
    optimizer = lars([{"params": list(model(part).parameters()), "lr": 1.0}])
    return [name for name, adapts in named(part, optimizer.param_groups, "always_adapt").items() if adapts]


READ = {
    "weights": bounds,
    "token_std": lambda part: std(torch.cat([model(part).cls_token.flatten(), model(part).mask_token.flatten()])),
    "norm_eps": lambda part: model(part).norm.eps,
    "decayed_tokens": lambda part: decayed(part, vectors=False),
    "decayed_vectors": lambda part: decayed(part, vectors=True),
    "warmup_from": lambda part: warmup_cosine(0.0, RECIPES[part].epochs, RECIPES[part].warmup_epochs),
    "min_lr": lambda part: getattr(RECIPES[part], "min_lr", warmup_cosine(90.0, 90, 10.0)),
    "flipped": lambda part: round(
        float(views.Draws.of(View(RECIPES[part].augmentation), torch.arange(9999)).flips.float().mean()), 1
    ),
    "crop_scale": lambda part: list(RECIPES[part].crop_scale),
    "crop_tries": lambda part: 1 if view(part).clipped else views.TRIES,
    "jitter": lambda part: "jitter" in RECIPES[part].augmentation,
    "drop_paths": lambda part: [getattr(block.drop_path1, "drop_prob", 0.0) for block in model(part).blocks],
    "pooling": lambda part: RECIPES[part].pooling,
    "norms": lambda part: {name: type(model(part).get_submodule(name)).__name__ for name in ("norm", "fc_norm")},
    "head_std": lambda part: std(model(part).weights[0] if part == "linear probing" else model(part).head.weight),
    "layers_from_the_head": layers,
    "mixing": mixing,
    "randaugment": lambda part: randaugment.POLICY,
    "erasing": erasing,
    "batchnorm": lambda part: {name: getattr(model(part).norm, name) for name in ("affine", "eps")},
    "label_smoothing": lambda part: getattr(RECIPES[part], "smoothing", 0.0),
    "lars_trust": lambda part: lars([{"params": list(model(part).parameters()), "lr": 1.0}]).defaults["trust_coeff"],
    "lars_adapts": adapted,
    "shorter_side": lambda part: {
        size: round(size * views.MARGIN) if size <= images.LARGEST_WITH_MARGIN else size
        for size in CODE[part]["shorter_side"]
    },
}


@pytest.mark.parametrize(("part", "name"), [(part, name) for part, entries in CODE.items() for name in entries])
def test_every_detail_of_the_released_code_is_ours(part, name):
    assert READ[name](part) == pytest.approx(CODE[part][name])
