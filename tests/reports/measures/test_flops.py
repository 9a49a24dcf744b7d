"""FLOPs from the shapes against PyTorch's counter."""

from dataclasses import replace

import pytest
import torch

from ablations.paper.models import PARAMETERS, SHAPES
from mae_core.model.encoder import Encoder
from mae_core.model.mae import MaskedAutoencoder
from mae_core.model.masking import draw_masking
from mae_core.recipes import BASELINE, PcaRecipe, PretrainRecipe
from mae_core.signature import Stage
from mae_core.stages.timing import wall_clock
from reports.measures.flops import encoder_parameters, forward_flops

SMALL = PretrainRecipe(
    image_size=(32, 64), in_chans=1, patch_size=4, embed_dim=32, depth=3, num_heads=2, mlp_ratio=2.0,
    decoder_embed_dim=24, decoder_depth=2, decoder_num_heads=2, dtype="float32",
)  # fmt: skip


def test_parameters_are_those_of_the_encoder_and_the_papers() -> None:
    assert encoder_parameters(SMALL) == sum(weights.numel() for weights in Encoder(SMALL).parameters())
    ours = [encoder_parameters(replace(BASELINE, **SHAPES[size])) / 1e6 for size in "BLH"]
    assert ours == pytest.approx([PARAMETERS[size] for size in "BLH"], rel=0.005)


@pytest.mark.parametrize(
    "recipe",
    [
        SMALL,
        replace(SMALL, encoder_sees_mask_tokens=True),
        replace(SMALL, mask_ratio=0.4, loss_on="all", in_chans=3),
        replace(SMALL, target="norm_pixel", decoder_depth=1),
    ],
)
def test_flops_are_those_that_pytorch_counts(recipe: PretrainRecipe) -> None:
    model = MaskedAutoencoder(recipe).to("meta")
    imgs = torch.empty(1, recipe.in_chans, *recipe.image_size, device="meta")
    masking = draw_masking(recipe, 0, torch.arange(1)).to("meta")
    assert forward_flops(Stage(recipe)) == wall_clock.forward_flops(model, imgs, masking)


def test_mask_tokens_in_the_encoder_of_vit_l_cost_what_the_paper_says() -> None:
    dear, cheap = (forward_flops(Stage(replace(BASELINE, encoder_sees_mask_tokens=sees))) for sees in (True, False))
    assert dear / cheap == pytest.approx(3.25, abs=0.1)  # the paper prints 3.3


def test_narrower_target_saves_its_share_of_the_prediction() -> None:
    pca = PcaRecipe(image_size=SMALL.image_size, in_chans=1, patch_size=4)
    saved = forward_flops(Stage(SMALL)) - forward_flops(Stage(replace(SMALL, target="pca"), (Stage(pca),)))
    assert saved == 2 * 96 * 24 * (16 - pca.components)
