"""Features of a few images, computed with numpy from saved weights: how many directions they use."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from mae_core.recipes import EncoderRecipe, PretrainRecipe
from reports.doctor.patient import WEIGHTS, Patient
from reports.measures.predictors import patches

Array = npt.NDArray[np.float64]
Weights = Mapping[str, Array]
LARGEST = 50_000_000  # parameters; a larger encoder would keep a report waiting


def effective_rank(patient: Patient) -> float | None:
    """The effective rank (Roy and Vetterli, 2007) of what a pre-trained encoder's patch features say of the image.

    The exponential of the entropy of the singular values' shares, of features less their mean over the panels' images
    at each place, as the place alone makes them differ, too. None where the run is no pre-training of ours, its weights
    or panels are gone, or the encoder is too large for this.
    """
    panels, recipe = patient.panels, patient.recipe
    if patient.folder is None or panels is None or panels.mean is None or panels.std is None:
        return None
    if type(recipe) is not PretrainRecipe or parameters(recipe) > LARGEST:
        return None
    if not {"patch_embed.proj.weight", "norm.weight"} <= set(patient.tensors or ()):  # absent, or no encoder's
        return None
    weights = _read(patient.folder / WEIGHTS)
    mean, std = (values.astype(np.float64)[:, None, None] for values in (panels.mean, panels.std))
    with threadpool_limits(1):  # threads of so small products wait for one another on a machine that is at work
        return rank_of(encode(weights, recipe, (panels.originals.astype(np.float64) - mean) / std))


def rank_of(features: Array) -> float:
    """The effective rank of features (N, L, D) less their mean over N; 0 where images do not differ."""
    less = (features - features.mean(axis=0)).reshape(-1, features.shape[-1])
    values = np.linalg.svd(less, compute_uv=False)
    if np.abs(less).sum() <= 1e-6 * np.abs(features).sum():
        return 0.0
    shares = values / values.sum()
    return float(np.exp(-(shares * np.log(shares + 1e-30)).sum()))


def encode(weights: Weights, recipe: EncoderRecipe, images: Array) -> Array:
    """The final features (N, L, embed_dim) of all patches of normalised `images` (N, C, H, W), nothing hidden."""
    n = len(images)
    kernel = weights["patch_embed.proj.weight"].reshape(recipe.embed_dim, -1)  # (D, C·size²)
    cut = patches(images, recipe.patch_size).reshape(n, recipe.num_patches, -1)
    tokens = cut @ kernel.T + weights["patch_embed.proj.bias"] + weights["pos_embed"].reshape(-1, recipe.embed_dim)[1:]
    start = weights["cls_token"].reshape(1, 1, -1) + weights["pos_embed"].reshape(-1, recipe.embed_dim)[0]
    x = np.concatenate([np.broadcast_to(start, (n, 1, recipe.embed_dim)), tokens], axis=1)
    for block in range(recipe.depth):
        at = f"blocks.{block}"
        x = x + _attention(weights, f"{at}.attn", _layer_norm(weights, f"{at}.norm1", x), recipe.num_heads)
        hidden = _gelu(_linear(weights, f"{at}.mlp.fc1", _layer_norm(weights, f"{at}.norm2", x)))
        x = x + _linear(weights, f"{at}.mlp.fc2", hidden)
    return _layer_norm(weights, "norm", x)[:, 1:]


def _attention(weights: Weights, name: str, x: Array, heads: int) -> Array:
    n, length, width = x.shape
    parts = _linear(weights, f"{name}.qkv", x).reshape(n, length, 3, heads, width // heads).transpose(2, 0, 3, 1, 4)
    query, key, value = parts
    scores = query @ key.swapaxes(-1, -2) / math.sqrt(width // heads)
    scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
    mixed = (scores / scores.sum(axis=-1, keepdims=True)) @ value
    return _linear(weights, f"{name}.proj", mixed.transpose(0, 2, 1, 3).reshape(n, length, width))


def _linear(weights: Weights, name: str, x: Array) -> Array:
    return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def _layer_norm(weights: Weights, name: str, x: Array) -> Array:
    less = x - x.mean(axis=-1, keepdims=True)
    normal: Array = less / np.sqrt((less**2).mean(axis=-1, keepdims=True) + 1e-6)
    return normal * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def _gelu(x: Array) -> Array:
    from scipy.special import erf

    activated: Array = 0.5 * x * (1 + erf(x / math.sqrt(2)))
    return activated


def parameters(recipe: EncoderRecipe) -> float:
    """About how many its blocks have."""
    return recipe.depth * recipe.embed_dim**2 * (4 + 2 * recipe.mlp_ratio)


def _read(path: Path) -> dict[str, Array]:
    """The encoder's weights in double precision; half-precision ones included."""
    from safetensors.numpy import load_file

    return {name: values.astype(np.float64) for name, values in load_file(path).items() if "decoder" not in name}
