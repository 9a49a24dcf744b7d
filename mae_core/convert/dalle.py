"""DALL-E's pickled encoder, read for its tensors alone and written as safetensors."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from mae_core.data.placement import placing
from mae_core.model.targets.dalle import DalleEncoder, DalleFileError

# classes of the objects in OpenAI's encoder.pkl, a whole module; none of them is made or run
PICKLED = (
    "dall_e.encoder.Encoder",
    "dall_e.encoder.EncoderBlock",
    "dall_e.utils.Conv2d",
    "torch.nn.modules.activation.ReLU",
    "torch.nn.modules.container.Sequential",
    "torch.nn.modules.linear.Identity",
    "torch.nn.modules.pooling.MaxPool2d",
)
SPELT_OUT = {"w": "weight", "b": "bias"}


class Held:
    """What was saved of an object, in the place of the object: it has no methods to run."""


def convert(source: Path, target: Path) -> str:
    """Write the encoder in `source` to `target` and return what a user should know.

    Raises DalleFileError where `source` is not DALL-E's encoder, or could only be read by running it.
    """
    weights = read_pickled(source)
    encoder = DalleEncoder.of_shape(weights)
    encoder.take(weights)
    with placing(target) as aside:
        save_file({name: tensor.contiguous() for name, tensor in encoder.state_dict().items()}, aside)
    return f"{target} holds DALL-E's encoder of {encoder.vocabulary} tokens; name it where tokens are the target."


def read_pickled(path: Path) -> dict[str, Tensor]:
    """The encoder's tensors in `path`, a pickled module or a dictionary of tensors, by the names of `DalleEncoder`."""
    try:
        with warnings.catch_warnings(), torch.serialization.safe_globals([(Held, name) for name in PICKLED]):
            warnings.simplefilter("ignore")  # of pickles that torch did not write; they are checked all the same
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise DalleFileError(
            f"{path} is pickled with objects that DALL-E's encoder does not have and that would have to be run to be "
            f"read; get OpenAI's encoder.pkl again."
        ) from None
    except (RuntimeError, EOFError, ValueError, TypeError, OSError):
        raise DalleFileError(f"{path} cannot be read, or is damaged; get OpenAI's encoder.pkl again.") from None
    found = dict(_tensors(content) if isinstance(content, Held) else _of_dictionary(content))
    return {_spelt_out(name): tensor.detach().float() for name, tensor in found.items()}


def _tensors(module: Any, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
    """Names and parameters in a pickled module and the modules within it."""
    saved = vars(module)
    for name, tensor in (saved.get("_parameters") or {}).items():
        if isinstance(tensor, Tensor):
            yield prefix + name, tensor
    for name, part in (saved.get("_modules") or {}).items():
        if isinstance(part, Held):
            yield from _tensors(part, f"{prefix}{name}.")


def _of_dictionary(content: Any) -> Iterator[tuple[str, Tensor]]:
    """Names and tensors of a state dict, which may lie in a dictionary of its own."""
    if isinstance(content, dict):
        inner = content.get("state_dict", content)
        yield from ((name, tensor) for name, tensor in inner.items() if isinstance(tensor, Tensor))


def _spelt_out(name: str) -> str:
    module, _, parameter = name.rpartition(".")
    return f"{module}.{SPELT_OUT.get(parameter, parameter)}"
