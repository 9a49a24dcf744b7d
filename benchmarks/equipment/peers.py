"""Pre-training steps of ours and of other code bases: same shape, batch, optimiser and arithmetic."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn.utils import get_total_norm

from mae_core.model.blocks import LayerNorm
from mae_core.model.classifier import Classifier
from mae_core.model.encoder import Encoder
from mae_core.model.mae import MaskedAutoencoder
from mae_core.model.masking import draw_masking
from mae_core.recipes import FINETUNE, PretrainRecipe
from mae_core.stages.device import autocast

LR = 1e-4


@dataclass(frozen=True)
class Shape:
    """What is trained, and how much at once."""

    name: str
    recipe: PretrainRecipe
    batch: int

    def images(self) -> Tensor:
        """(N, C, H, W) of noise: pixels do not change the time."""
        generator = torch.Generator().manual_seed(0)
        return torch.randn(self.batch, self.recipe.in_chans, *self.recipe.image_size, generator=generator)


VIT_B = Shape(
    "ViT-B/16 224",
    PretrainRecipe(embed_dim=768, depth=12, num_heads=12, dtype="float32"),
    batch=32,  # the released recipe's is 64 a device; far fewer images measure the optimiser's memory traffic
)
MINI = Shape(
    "mini",
    PretrainRecipe(
        image_size=(32, 32), in_chans=1, patch_size=4, embed_dim=64, depth=4, num_heads=4,
        decoder_embed_dim=32, decoder_depth=2, decoder_num_heads=2, dtype="float32",
    ),
    batch=32,
)  # fmt: skip


def step_of(loss: Callable[[], Tensor], model: nn.Module, dtype: str, checked: bool = False) -> Callable[[], None]:
    """One update: forward, backward, AdamW; `checked` as in the training loop, that all is finite."""
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=LR, fused=True)

    def step() -> None:
        with autocast(torch.device("cpu"), dtype):  # type: ignore[arg-type]
            value = loss()
        value.backward()
        if checked and not (get_total_norm([p.grad for p in trained if p.grad is not None]) + value).isfinite():
            raise FloatingPointError
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return step


def ours(shape: Shape, dtype: str) -> Callable[[], None]:
    """This project's model, masks drawn for each image from its key."""
    model, imgs, steps = MaskedAutoencoder(shape.recipe), shape.images(), itertools.count()

    def loss() -> Tensor:
        samples = torch.arange(shape.batch) + next(steps) * shape.batch
        value: Tensor = model(imgs, draw_masking(shape.recipe, 0, samples))
        return value

    return step_of(loss, model, dtype, checked=True)


def finetuning(shape: Shape, dtype: str) -> Callable[[], None]:
    """A fine-tuning step of this project's classifier on all patches."""
    recipe, classes = replace(FINETUNE, drop_path=0.0), 1000
    model, imgs = Classifier(shape.recipe, recipe, classes).train(), shape.images()
    labels = torch.arange(shape.batch) % classes
    return step_of(lambda: nn.functional.cross_entropy(model(imgs), labels), model, dtype, checked=True)


def feature_pass(shape: Shape, dtype: str) -> Callable[[], None]:
    """Features of whole images from this project's encoder, as probes ask for them."""
    model, imgs = Encoder(shape.recipe).eval(), shape.images()

    @torch.no_grad()
    def run() -> None:
        with autocast(torch.device("cpu"), dtype):  # type: ignore[arg-type]
            model.features(imgs)

    return run


def hugging_face(shape: Shape, dtype: str) -> Callable[[], None]:
    """transformers' ViTMAEForPreTraining as it comes, its attention chosen by itself."""
    from transformers import ViTMAEConfig, ViTMAEForPreTraining

    recipe = shape.recipe
    config = ViTMAEConfig(
        hidden_size=recipe.embed_dim,
        num_hidden_layers=recipe.depth,
        num_attention_heads=recipe.num_heads,
        intermediate_size=4 * recipe.embed_dim,
        image_size=recipe.image_size[0],
        patch_size=recipe.patch_size,
        num_channels=recipe.in_chans,
        decoder_hidden_size=recipe.decoder_embed_dim,
        decoder_num_hidden_layers=recipe.decoder_depth,
        decoder_num_attention_heads=recipe.decoder_num_heads,
        decoder_intermediate_size=4 * recipe.decoder_embed_dim,
        mask_ratio=recipe.mask_ratio,
    )
    model, imgs = ViTMAEForPreTraining(config).train(), shape.images()
    return step_of(lambda: model(pixel_values=imgs).loss, model, dtype)


class Lightly(nn.Module):
    """An MAE put together from lightly's modules, as its documentation shows."""

    def __init__(self, recipe: PretrainRecipe) -> None:
        from lightly.models.modules import MaskedVisionTransformerDecoderTIMM, MaskedVisionTransformerTIMM
        from timm.models.vision_transformer import VisionTransformer

        super().__init__()
        vit = VisionTransformer(
            img_size=recipe.image_size, patch_size=recipe.patch_size, in_chans=recipe.in_chans, num_classes=0,
            embed_dim=recipe.embed_dim, depth=recipe.depth, num_heads=recipe.num_heads,
        )  # fmt: skip
        self.recipe = recipe
        self.backbone = MaskedVisionTransformerTIMM(vit=vit)
        self.embed = nn.Linear(recipe.embed_dim, recipe.decoder_embed_dim)
        self.decoder = MaskedVisionTransformerDecoderTIMM(
            num_patches=recipe.num_patches, embed_dim=recipe.decoder_embed_dim,
            depth=recipe.decoder_depth, num_heads=recipe.decoder_num_heads,
        )  # fmt: skip
        self.head = nn.Linear(recipe.decoder_embed_dim, recipe.patch_size**2 * recipe.in_chans)

    def forward(self, images: Tensor) -> Tensor:
        """The loss."""
        from lightly.models import utils

        size = (len(images), self.backbone.sequence_length)
        idx_keep, idx_mask = utils.random_token_mask(size, mask_ratio=self.recipe.mask_ratio, device=images.device)
        encoded = self.embed(self.backbone.encode(images=images, idx_keep=idx_keep))
        tokens = utils.repeat_token(self.decoder.mask_token, size)
        tokens = utils.set_at_index(tokens, idx_keep, encoded.type_as(tokens))
        decoded = self.decoder(tokens)
        predicted = self.head(utils.get_at_index(decoded, idx_mask))
        target = utils.get_at_index(utils.patchify(images, self.recipe.patch_size), idx_mask - 1)
        return nn.functional.mse_loss(predicted, target)


def lightly(shape: Shape, dtype: str) -> Callable[[], None]:
    """lightly's modules on timm's ViT."""
    model, imgs = Lightly(shape.recipe).train(), shape.images()
    return step_of(lambda: model(imgs), model, dtype)


class Plain(nn.Module):
    """timm's blocks in the plainest MAE one would write: shuffle, encode, unshuffle, decode, loss on all, mask it."""

    def __init__(self, recipe: PretrainRecipe) -> None:
        from timm.layers import PatchEmbed
        from timm.models.vision_transformer import Block

        super().__init__()
        norm = LayerNorm
        self.recipe = recipe
        dim, width, patches = recipe.embed_dim, recipe.decoder_embed_dim, recipe.num_patches
        self.patch_embed = PatchEmbed(recipe.image_size, recipe.patch_size, recipe.in_chans, dim)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.pos = nn.Parameter(torch.randn(1, patches + 1, dim), requires_grad=False)
        self.encoder = nn.Sequential(
            *(Block(dim, recipe.num_heads, qkv_bias=True, norm_layer=norm) for _ in range(recipe.depth)), norm(dim)
        )
        self.to_decoder = nn.Linear(dim, width)
        self.mask_token = nn.Parameter(torch.zeros(1, 1, width))
        self.decoder_pos = nn.Parameter(torch.randn(1, patches + 1, width), requires_grad=False)
        heads, depth = recipe.decoder_num_heads, recipe.decoder_depth
        self.decoder = nn.Sequential(
            *(Block(width, heads, qkv_bias=True, norm_layer=norm) for _ in range(depth)), norm(width)
        )
        self.head = nn.Linear(width, recipe.patch_size**2 * recipe.in_chans)

    def forward(self, images: Tensor) -> Tensor:
        """The loss."""
        n, patches = len(images), self.recipe.num_patches
        noise = torch.rand(n, patches)
        order = noise.argsort(dim=1)
        back = order.argsort(dim=1)
        x = self.patch_embed(images) + self.pos[:, 1:]
        x = torch.gather(x, 1, order[:, : self.recipe.visible_tokens, None].expand(-1, -1, x.shape[2]))
        x = torch.cat([(self.cls_token + self.pos[:, :1]).expand(n, -1, -1), x], dim=1)
        x = self.to_decoder(self.encoder(x))
        tokens = torch.cat([x[:, 1:], self.mask_token.expand(n, patches + 1 - x.shape[1], -1)], dim=1)
        tokens = torch.gather(tokens, 1, back[:, :, None].expand(-1, -1, tokens.shape[2]))
        pred = self.head(self.decoder(torch.cat([x[:, :1], tokens], dim=1) + self.decoder_pos))[:, 1:]
        size = self.recipe.patch_size
        down, across = self.recipe.grid
        target = images.reshape(n, -1, down, size, across, size).permute(0, 2, 4, 3, 5, 1).reshape(n, patches, -1)
        mask = (back >= self.recipe.visible_tokens).float()
        loss: Tensor = (((pred - target) ** 2).mean(dim=-1) * mask).sum() / mask.sum()
        return loss


def plain(shape: Shape, dtype: str) -> Callable[[], None]:
    """timm's blocks in a plain loop."""
    model, imgs = Plain(shape.recipe).train(), shape.images()
    return step_of(lambda: model(imgs), model, dtype)


PEERS = {"ours": ours, "Hugging Face": hugging_face, "lightly": lightly, "plain timm blocks": plain}
