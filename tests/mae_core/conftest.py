"""What tests of reading weights and of stages share: a model that timm fetches without a network."""

from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file

from mae_core.model.encoder import is_encoder

NAME = "test_vit.r160_in1k"  # timm's smallest ViT: 64 wide, 6 blocks, 160 px


@pytest.fixture
def fetchable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, dict[str, torch.Tensor]]:
    """The name of a model whose weights, drawn at random, lie in the hub's cache; and its encoder's weights."""
    torch.manual_seed(0)
    model = timm.create_model(NAME)
    folder = tmp_path / "hub" / f"models--timm--{NAME}"
    (folder / "snapshots" / "0").mkdir(parents=True)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text("0")
    save_file(model.state_dict(), folder / "snapshots" / "0" / "model.safetensors")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return NAME, {name: tensor for name, tensor in model.state_dict().items() if is_encoder(name)}
