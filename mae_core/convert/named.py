"""Models that timm knows by name, with the weights it fetches for them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import timm
import torch
from timm.models.beit import Beit
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor

from mae_core import randomness
from mae_core.convert.weights import Weights, checked
from mae_core.errors import UserError
from mae_core.model.encoder import Encoder, WeightsError

TOLERANCE = 1e-3  # between timm's features and ours, of unit scale; a different network is far beyond


@dataclass(frozen=True)
class Named:
    """A model made by timm, and its weights under our names."""

    model: VisionTransformer | Beit
    weights: Weights

    @property
    def sha256(self) -> str:
        """Of names and numbers: what the name stood for when it was fetched."""
        digest = hashlib.sha256()
        for name, tensor in sorted(self.weights.tensors.items()):
            digest.update(name.encode() + tensor.float().contiguous().numpy().tobytes())
        return digest.hexdigest()


def fetch(name: str) -> Named:
    """timm's model `name` with its pretrained weights, from timm's cache or the network.

    Raises UserError where there is no such model, it cannot be fetched, or its network, told by the names of its
    parameters and by its features, is not ours.
    """
    if name.split(".")[0] not in timm.list_models():
        raise UserError(f"There is no file and timm has no model {name}; `timm.list_pretrained('vit*')` lists its own.")
    try:
        model = timm.create_model(name, pretrained=True, num_classes=0)
    except (RuntimeError, OSError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise UserError(
            f"The weights of {name} could not be fetched ({reason}); try again with a network, or give a file."
        ) from None
    found = named(model)
    if found.weights.network == "vit" and "norm.weight" in found.weights.tensors:
        encoder = Encoder(found.weights.encoder())
        encoder.load_encoder(found.weights.tensors)
        compare(encoder, found.model)
    return found


def named(model: torch.nn.Module) -> Named:
    """`model`, made by timm, with its weights under our names. Raises WeightsError where its network is not ours."""
    if not isinstance(model, VisionTransformer | Beit):
        raise WeightsError(f"{type(model).__name__} is neither a ViT nor a BEiT, so our encoder cannot take it in.")
    block = cast(Any, model.blocks[0])
    constants = cast(Mapping[str, Any], getattr(model, "pretrained_cfg", None) or {})
    weights = Weights(
        checked(model.state_dict()),
        num_heads=block.attn.num_heads,
        image_size=cast(tuple[int, int], model.patch_embed.img_size),
        constants=(tuple(constants["mean"]), tuple(constants["std"])) if "mean" in constants else None,
    )
    return Named(model, weights)


@torch.no_grad()
def compare(encoder: Encoder, model: VisionTransformer | Beit) -> None:
    """Refuse, by WeightsError, an `encoder` whose features of random images are not those of timm's `model`.

    It is the last word: an activation, a norm or a place of the class token that no tensor's name tells.
    """
    recipe = encoder.recipe
    generator = randomness.generator("compare")
    imgs = torch.randn(2, recipe.in_chans, *recipe.image_size, generator=generator)
    theirs: Tensor = cast(Any, model.eval()).forward_features(imgs)
    ours = encoder.eval()(imgs)
    worst = float((ours - theirs).abs().max()) / max(float(theirs.abs().max()), 1.0)
    if worst > TOLERANCE:
        raise WeightsError(
            f"with equal weights our encoder's features differ from timm's by {worst:.2g} of their scale: its network "
            f"computes something the paper's ViT does not, so it cannot be taken in."
        )
