"""Pickled checkpoints: read for their tensors alone, never by running what they hold."""

from __future__ import annotations

import argparse
import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mae_core.errors import UserError

# where checkpoints keep the model's tensors: the released MAE, timm, MoCo; DINO's full files keep two networks
CONTAINERS = ("model", "state_dict", "model_state_dict", "module")
# wrappers in front of the names; of MoCo v3 the network that is trained, not its moving average
PREFIXES = ("module.", "base_encoder.", "backbone.", "model.", "encoder.")
_OTHER_NETWORKS = ("momentum_encoder.", "predictor.", "base_encoder.head.")  # of MoCo v3


def load_content(path: Path) -> dict[str, Any]:
    """The dictionary in `path`, unpickled without any code of its own.

    Raises UserError where it is no such file, or holds more than tensors and plain values.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pickles torch did not write; what they hold is checked all the same
            with torch.serialization.safe_globals([argparse.Namespace]):  # training scripts keep their arguments so
                content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise UserError(
            f"{path} is pickled with objects that would have to be run to be read; if you trust it, load it yourself "
            f"and save its tensors with safetensors.torch.save_file."
        ) from None
    except (RuntimeError, EOFError, ValueError, OSError):
        raise UserError(f"{path} is damaged or no PyTorch checkpoint; get it again.") from None
    if not isinstance(content, dict):
        raise UserError(f"{path} holds a {type(content).__name__} where a dictionary of tensors is needed.")
    return content


def load_tensors(path: Path) -> dict[str, Tensor]:
    """The model's tensors in the pickled file `path`, wrappers taken off."""
    return unwrapped(load_content(path), path)


def unwrapped(content: Mapping[str, Any], path: Path) -> dict[str, Tensor]:
    """The model's tensors in `content`, by names without the prefixes of wrappers."""
    for container in CONTAINERS:
        if isinstance(content.get(container), dict):
            content = content[container]
            break
    tensors = {name: value for name, value in content.items() if isinstance(value, Tensor)}
    if not tensors:
        raise UserError(f"{path} holds no tensors under any name a model's are kept under: {', '.join(CONTAINERS)}.")
    return without_prefixes(tensors)


def without_prefixes(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """`tensors` without what wrappers put before all names, or before those of the network that was trained."""
    found = dict(tensors)
    while True:
        found = {name: tensor for name, tensor in found.items() if not name.startswith(_OTHER_NETWORKS)}
        prefix = next((p for p in PREFIXES if found and all(name.startswith(p) for name in found)), None)
        if prefix is None:
            return found
        found = {name.removeprefix(prefix): tensor for name, tensor in found.items()}
