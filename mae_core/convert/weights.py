"""Weights under our names (which are the released models' and timm's), with what is known of their shape."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from mae_core.convert import beit
from mae_core.model.encoder import WeightsError, is_encoder
from mae_core.recipes import EncoderRecipe, PretrainRecipe
from mae_core.recipes.fields import Network

# published ViTs of these widths; a file of tensors does not say how many heads share a width
USUAL_HEADS: Mapping[int, int] = {192: 3, 384: 6, 768: 12, 1024: 16, 1280: 16}
USUAL_DECODER_HEADS: Mapping[int, int] = {512: 16}

_PARTS = ("norm1", "norm2", "attn.qkv", "attn.proj", "mlp.fc1", "mlp.fc2")
_IN_A_BLOCK = tuple(f"{part}.{kind}" for part in _PARTS for kind in ("weight", "bias"))
_BLOCK = rf"\d+\.({'|'.join(map(re.escape, _IN_A_BLOCK))})"
_ENCODER = rf"cls_token|pos_embed|(patch_embed\.proj|norm)\.(weight|bias)|blocks\.{_BLOCK}"
_DECODER = rf"mask_token|decoder_pos_embed|decoder_(embed|norm|pred)\.(weight|bias)|decoder_blocks\.{_BLOCK}"
_HEAD = r"(head|fc_norm)\.(weight|bias)"
_OURS = re.compile(rf"{_ENCODER}|{_DECODER}|{_HEAD}")

# what a foreign parameter means, by a part of its name: architectures that are not the paper's
_FOREIGN = (
    (r"relative_position|rel_pos", "relative position biases"),
    (r"gamma_1|gamma_2|\.ls[12]\.|lambda1|layer_scale", "layer scale"),
    (r"q_bias|v_bias", "biases on q and v alone"),
    (r"[qk]_norm", "norms of queries and keys"),
    (r"reg_token|register", "register tokens"),
    (r"dist", "a distillation token"),
    (r"norm_pre|pre_layrnorm", "a norm before the blocks"),
    (r"mlp\.w\d|fc1_g|swiglu", "gated MLPs"),
    (r"attn_pool", "attention pooling"),
)


@dataclass(frozen=True)
class Weights:
    """Tensors of an encoder, perhaps with a decoder or a head, strictly checked by `checked`.

    Attributes:
        tensors: by our names.
        num_heads: of the encoder; None: the file does not say.
        image_size: height, width; None: the file does not say.
        decoder_num_heads, norm_pix_loss: of the decoder; None: the file does not say.
        constants: mean and std by channel of the pixels it was trained on; None: the file does not say.
        remarks: sentences a user of these weights should know.
    """

    tensors: Mapping[str, Tensor]
    num_heads: int | None = None
    image_size: tuple[int, int] | None = None
    decoder_num_heads: int | None = None
    norm_pix_loss: bool | None = None
    constants: tuple[tuple[float, ...], tuple[float, ...]] | None = None
    remarks: tuple[str, ...] = ()

    @property
    def has_decoder(self) -> bool:
        """Whether patches can be reconstructed."""
        return "decoder_pred.weight" in self.tensors

    @property
    def network(self) -> Network:
        """Whose blocks they are."""
        return "beit" if beit.is_beit(self.tensors) else "vit"

    def grid(self, among: tuple[int, int] | None = None) -> tuple[int, int]:
        """Patches down and across the positions are for.

        Where the file does not say it is a square, or `among` where that has as many patches and no square has.

        Raises WeightsError where neither fits.
        """
        known = beit.positions(self.tensors) if self.network == "beit" else self.tensors["pos_embed"].shape[1] - 1
        if self.image_size is not None:
            patch_size = self.tensors["patch_embed.proj.weight"].shape[-1]
            told = self.image_size[0] // patch_size, self.image_size[1] // patch_size
            if self._positions_of(told) != known:
                raise WeightsError(f"the file says {told[0]}×{told[1]} patches and has {known} positions.")
            return told
        square = beit.square(known) if self.network == "beit" else (math.isqrt(known),) * 2
        for grid in (square, among):
            if grid is not None and self._positions_of(grid) == known:
                return grid
        raise WeightsError(
            f"the file has {known} positions, which fit no square of patches, and does not say how they lie; give the "
            f"image_size the encoder was trained at."
        )

    def _positions_of(self, grid: tuple[int, int]) -> int:
        """How many positions, absolute or relative, the patches of `grid` have."""
        return beit.positions_of(grid) if self.network == "beit" else grid[0] * grid[1]

    def encoder(self, num_heads: int | None = None, among: tuple[int, int] | None = None) -> EncoderRecipe:
        """The encoder's shape; `num_heads` and, as in `grid`, `among` where the file does not say.

        Raises WeightsError where the number of heads is not known.
        """
        projection = self.tensors["patch_embed.proj.weight"]  # [D, C, p, p]
        width, patch_size = projection.shape[0], projection.shape[-1]
        if num_heads is not None and self.num_heads not in (None, num_heads):
            raise WeightsError(f"the file says {self.num_heads} heads, not {num_heads}; leave the number out.")
        heads = self.num_heads or num_heads or USUAL_HEADS.get(width)
        if heads is None:
            raise WeightsError(f"the file does not say how many heads share a width of {width}; give the num_heads.")
        down, across = self.grid(among)
        return EncoderRecipe(
            image_size=(down * patch_size, across * patch_size),
            in_chans=projection.shape[1],
            patch_size=patch_size,
            embed_dim=width,
            depth=_depth(self.tensors, "blocks"),
            num_heads=heads,
            mlp_ratio=self.tensors["blocks.0.mlp.fc1.weight"].shape[0] / width,
        )

    def autoencoder(self, encoder: EncoderRecipe) -> PretrainRecipe:
        """The shape of the whole masked autoencoder, its encoder's being `encoder`; mask ratio and the like are usual.

        Raises WeightsError where there is no decoder, or one that no released model has.
        """
        if not self.has_decoder:
            raise WeightsError(
                "these weights are an encoder's alone; to reconstruct, give a file with the decoder, such as the "
                "released mae_visualize or _full ones."
            )
        width = self.tensors["decoder_embed.weight"].shape[0]
        pixels = encoder.patch_size**2 * encoder.in_chans
        if self.tensors["decoder_pred.weight"].shape[0] != pixels or self.tensors["mask_token"].shape[-1] != width:
            raise WeightsError(
                "this decoder predicts something other than pixels, or its mask tokens enter the encoder; no other "
                "format holds that, only the encoder can be taken out."
            )
        heads = self.decoder_num_heads or USUAL_DECODER_HEADS.get(width)
        if heads is None:
            raise WeightsError(f"the file does not say how many heads share the decoder's width of {width}.")
        return PretrainRecipe(
            image_size=encoder.image_size,
            in_chans=encoder.in_chans,
            patch_size=encoder.patch_size,
            embed_dim=encoder.embed_dim,
            depth=encoder.depth,
            num_heads=encoder.num_heads,
            mlp_ratio=encoder.mlp_ratio,
            decoder_embed_dim=width,
            decoder_depth=_depth(self.tensors, "decoder_blocks"),
            decoder_num_heads=heads,
            target="norm_pixel" if self.norm_pix_loss else "pixel",
        )


def _depth(tensors: Mapping[str, Tensor], blocks: str) -> int:
    return 1 + max(int(name.split(".")[1]) for name in tensors if name.startswith(f"{blocks}."))


def checked(tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """`tensors`, if they are those of a plain ViT with absolute positions and a class token, or of a BEiT, whole.

    Raises WeightsError, saying what is foreign or missing and what that means.
    """
    if beit.is_beit(tensors):
        tensors = beit.of_each_block(tensors)
    ours = beit.NAMES if beit.is_beit(tensors) else _OURS
    foreign = [name for name in tensors if not ours.fullmatch(name)]
    if foreign:
        meanings = (meaning for part, meaning in _FOREIGN if any(re.search(part, name) for name in foreign))
        means = next(meanings, "a part")
        raise WeightsError(
            f"the file holds {foreign[0]}: {means} that the paper's ViT does not have, so the encoder would be another "
            f"network; give weights of a plain ViT."
        )
    _refuse_incomplete(tensors)
    kernel = tuple(tensors["patch_embed.proj.weight"].shape[2:])
    if len(kernel) != 2 or kernel[0] != kernel[1]:
        raise WeightsError(f"its patches are {'×'.join(map(str, kernel))}; only square patches are supported.")
    return tensors


def _refuse_incomplete(tensors: Mapping[str, Tensor]) -> None:
    if not any(is_encoder(name) for name in tensors):
        raise WeightsError("the file holds no encoder; give the weights of a pre-training, a fine-tuning or a ViT.")
    needed = {"cls_token", "patch_embed.proj.weight", "patch_embed.proj.bias"}
    blocks_of = beit.IN_A_BLOCK if beit.is_beit(tensors) else _IN_A_BLOCK
    if not beit.is_beit(tensors):
        needed.add("pos_embed")
    if not ("fc_norm.weight" in tensors and "norm.weight" not in tensors):  # mean pooling has the norm after it
        needed |= {"norm.weight", "norm.bias"}
    for blocks in ("blocks", "decoder_blocks"):
        if blocks == "blocks" or "decoder_pred.weight" in tensors:
            depth = max((int(n.split(".")[1]) for n in tensors if n.startswith(f"{blocks}.")), default=0) + 1
            needed |= {f"{blocks}.{i}.{name}" for i in range(depth) for name in blocks_of}
    if any(name.startswith(("decoder_", "mask_token")) for name in tensors):
        needed |= {f"decoder_{part}.{kind}" for part in ("embed", "norm", "pred") for kind in ("weight", "bias")}
        needed |= {"mask_token", "decoder_pos_embed"}
    missing = sorted(needed - set(tensors))
    if missing:
        raise WeightsError(
            f"the file lacks {len(missing)} of the parameters that such a ViT has, the first of them {missing[0]}; "
            f"give whole weights of a plain ViT with class token, absolute positions and biases."
        )
