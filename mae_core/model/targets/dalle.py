"""DALL-E's released encoder as a tokenizer (Ramesh et al. 2021, appendix A), as BEiT uses it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mae_core.errors import UserError

DOWNSAMPLING = 8  # pixels of the tokenizer's input for each token, down and across
WIDTH, VOCABULARY = 256, 8192
GROUPS, BLOCKS = 4, 2  # of blocks; each group but the first doubles the width, each but the last halves the image
GAIN = 1 / (GROUPS * BLOCKS) ** 2  # of a residual path
PIXELS = (0.8, 0.1)  # slope and offset: pixels in [0, 1] are mapped away from the ends, as in training


class DalleFileError(UserError):
    """A file that does not hold DALL-E's encoder, or not the one that was planned."""


def _convolution(n_in: int, n_out: int, size: int) -> nn.Conv2d:
    return nn.Conv2d(n_in, n_out, size, padding=size // 2)


class Bottleneck(nn.Module):
    """Three 3×3 convolutions at a quarter of the width and one 1×1 back to it, beside an identity path."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        widths = [n_in, *[n_out // 4] * 3, n_out]
        path = OrderedDict[str, nn.Module]()
        for i, size in enumerate((3, 3, 3, 1)):
            path[f"relu_{i + 1}"] = nn.ReLU()
            path[f"conv_{i + 1}"] = _convolution(widths[i], widths[i + 1], size)
        self.id_path = nn.Identity() if n_in == n_out else _convolution(n_in, n_out, 1)
        self.res_path = nn.Sequential(path)

    def forward(self, x: Tensor) -> Tensor:
        """(N, n_in, h, w) to (N, n_out, h, w)."""
        made: Tensor = self.id_path(x) + GAIN * self.res_path(x)
        return made


class DalleEncoder(nn.Module):
    """Logits of tokens from pixels; parameters are named as in the released file, `w` and `b` spelt out."""

    def __init__(self, width: int = WIDTH, vocabulary: int = VOCABULARY) -> None:
        super().__init__()
        self.vocabulary = vocabulary
        blocks = OrderedDict[str, nn.Module](input=_convolution(3, width, 7))
        n_in = width
        for group in range(GROUPS):
            n_out, members = width * 2**group, OrderedDict[str, nn.Module]()
            for block in range(BLOCKS):
                members[f"block_{block + 1}"] = Bottleneck(n_in, n_out)
                n_in = n_out
            if group < GROUPS - 1:
                members["pool"] = nn.MaxPool2d(2)
            blocks[f"group_{group + 1}"] = nn.Sequential(members)
        output = OrderedDict[str, nn.Module](relu=nn.ReLU(), conv=_convolution(n_in, vocabulary, 1))
        blocks["output"] = nn.Sequential(output)
        self.blocks = nn.Sequential(blocks)

    @classmethod
    def of_shape(cls, weights: Mapping[str, Tensor]) -> DalleEncoder:
        """An encoder as wide as `weights`, without them. Raises DalleFileError where they are no encoder's."""
        try:
            return cls(len(weights["blocks.input.weight"]), len(weights["blocks.output.conv.weight"]))
        except KeyError as error:
            raise DalleFileError(f"there is no {error} among these weights; give DALL-E's encoder.pkl.") from None

    def take(self, weights: Mapping[str, Tensor]) -> None:
        """Load `weights`, all of them and no others. Raises DalleFileError, naming the first that does not fit."""
        own = {name: tensor.shape for name, tensor in self.state_dict().items()}
        given = {name: tensor.shape for name, tensor in weights.items()}
        for name in sorted(own.keys() | given.keys()):
            if own.get(name) != given.get(name):
                have, want = given.get(name, "nothing"), own.get(name, "nothing")
                raise DalleFileError(
                    f"{name} holds {have} where DALL-E's encoder has {want}; give OpenAI's encoder.pkl."
                )
        self.load_state_dict(dict(weights), assign=True)

    def forward(self, pixels: Tensor) -> Tensor:
        """Logits (N, vocabulary, H/8, W/8) of mapped pixels (N, 3, H, W)."""
        logits: Tensor = self.blocks(pixels)
        return logits


class DalleTokenizer(nn.Module):
    """The encoder on our images, with a picture for each token: the mean of the patches that carry it.

    DALL-E's own decoder is not needed: pictures are for panels alone.

    Args:
        encoder: the tokens' giver.
        patch_size: of our images, in pixels.
        mean, std: by which our images were normalised, one of each channel.
    """

    patch_pictures: Tensor

    def __init__(self, encoder: DalleEncoder, patch_size: int, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        super().__init__()
        self.encoder, self.patch_size, self.vocabulary = encoder, patch_size, encoder.vocabulary
        self.mean, self.std = mean, std
        values = patch_size**2 * len(mean)
        self.register_buffer("patch_pictures", torch.zeros(self.vocabulary, values))

    def reads(self, imgs: Tensor) -> Tensor:
        """What the encoder reads of normalised images (N, C, H, W): (N, 3, 8 × patches down, 8 × patches across)."""
        mean, std = (torch.tensor(values, device=imgs.device)[:, None, None] for values in (self.mean, self.std))
        size = [DOWNSAMPLING * (side // self.patch_size) for side in imgs.shape[2:]]
        pixels = F.interpolate(imgs * std + mean, size, mode="bicubic", antialias=True).clamp(0, 1)
        return (pixels * PIXELS[0] + PIXELS[1]).expand(-1, 3, -1, -1)

    def tokens(self, imgs: Tensor) -> Tensor:
        """The likeliest tokens (N, L) of normalised images."""
        logits: Tensor = self.encoder(self.reads(imgs))
        return logits.argmax(dim=1).flatten(1)

    def pictures(self, tokens: Tensor) -> Tensor:
        """The mean patch of each of `tokens` (N, L), normalised: (N, L, patch_size²·C)."""
        return self.patch_pictures[tokens]
