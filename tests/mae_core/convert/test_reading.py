"""What cannot be taken in faithfully is refused, with the reason."""

import argparse
import json
import pickle

import pytest
import torch
from safetensors.torch import save_file

from mae_core.convert.__main__ import convert
from mae_core.convert.pickled import unwrapped
from mae_core.convert.reading import read
from mae_core.errors import UserError
from mae_core.model.encoder import WeightsError, is_encoder


class Payload:
    """Runs code when it is unpickled."""

    def __reduce__(self):
        return (open, ("unpickled", "w"))


def saved(tensors, path):
    torch.save({"model": dict(tensors)}, path)
    return path


def test_a_pickle_that_would_run_code_is_refused_and_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.pth").write_bytes(pickle.dumps({"model": Payload()}))
    torch.save({"model": Payload()}, tmp_path / "b.pth")
    for name in ("a.pth", "b.pth"):
        with pytest.raises(UserError, match="have to be run"):
            read(tmp_path / name)
    assert not (tmp_path / "unpickled").exists()


def test_the_arguments_a_training_script_kept_do_not_stand_in_the_way(model, tmp_path):
    content = {"model": model().state_dict(), "args": argparse.Namespace(lr=0.1), "epoch": 799, "optimizer": {}}
    torch.save(content, tmp_path / "a.pth")
    assert read(tmp_path / "a.pth").has_decoder


@pytest.mark.parametrize("name", ["a.pth", "a.safetensors"])
def test_a_damaged_file_is_refused(tmp_path, name):
    (tmp_path / name).write_bytes(b"not a checkpoint")
    with pytest.raises(UserError, match=r"get it again|have to be run"):
        read(tmp_path / name)


@pytest.mark.parametrize(
    ("settings", "meaning"),
    [
        ({"init_values": 0.1}, "layer scale"),
        ({"reg_tokens": 2}, "register tokens"),
        ({"qk_norm": True}, "norms of queries and keys"),
        ({"pre_norm": True}, "a norm before the blocks"),
        ({"class_token": False, "global_pool": "avg", "fc_norm": False}, "cls_token"),
        ({"pos_embed": "none"}, "pos_embed"),
        ({"qkv_bias": False}, r"attn\.qkv\.bias"),
        ({"no_embed_class": True}, "no square"),
    ],
)
def test_other_architectures_are_named_and_refused(vit, tmp_path, settings, meaning):
    path = saved(vit(**settings).state_dict(), tmp_path / "vit.pth")
    with pytest.raises(WeightsError, match=meaning) as refusal:
        read(path).encoder(4)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("lost", ["blocks.0.mlp.fc1.bias", "norm.weight", "decoder_norm.bias", "mask_token"])
def test_a_missing_parameter_is_named(model, tmp_path, lost):
    tensors = {name: tensor for name, tensor in model().state_dict().items() if name != lost}
    with pytest.raises(WeightsError, match=f"lacks 1 .* {lost}"):
        read(saved(tensors, tmp_path / "a.pth"))


def test_an_encoder_alone_cannot_reconstruct(model, tmp_path):
    tensors = {name: tensor for name, tensor in model().state_dict().items() if is_encoder(name)}
    weights = read(saved(tensors, tmp_path / "a.pth"))
    with pytest.raises(WeightsError, match="encoder's alone; to reconstruct, give a file with the decoder"):
        weights.autoencoder(weights.encoder(4))


def test_a_decoder_whose_target_no_file_tells_is_remarked_on(model, tmp_path):
    tensors = model(decoder_embed_dim=512, decoder_depth=1, decoder_num_heads=16).state_dict()
    said = convert(saved(tensors, tmp_path / "a.pth"), tmp_path / "hf", "hf", num_heads=4)
    assert "does not say whether its decoder predicts pixels" in said
    assert not any("its decoder" in remark for remark in read(tmp_path / "hf").remarks)  # its config says
    encoder = {name: tensor for name, tensor in tensors.items() if is_encoder(name)}
    assert read(saved(encoder, tmp_path / "b.pth")).remarks == ()


def test_a_decoder_that_does_not_predict_pixels_stays_ours(model, tmp_path):
    made = model(encoder_sees_mask_tokens=True)
    path = saved(made.state_dict(), tmp_path / "a.pth")
    for form, name in (("official", "b.pth"), ("hf", "folder")):
        with pytest.raises(WeightsError, match="only the encoder can be taken out"):
            convert(path, tmp_path / name, form, num_heads=4)
    convert(path, tmp_path / "c.pth", "official", num_heads=4, encoder_only=True)
    assert not read(tmp_path / "c.pth").has_decoder


def test_heads_are_not_guessed_for_unusual_widths(model, tmp_path):
    weights = read(saved(model().state_dict(), tmp_path / "a.pth"))
    with pytest.raises(WeightsError, match="heads share a width of 32"):
        weights.encoder()


def test_heads_that_contradict_the_file_are_refused(model, tmp_path):
    convert(
        saved(model().state_dict(), tmp_path / "a.pth"), tmp_path / "b.pth", "official", num_heads=4, encoder_only=True
    )
    with pytest.raises(WeightsError, match="4 heads, not 8"):
        read(tmp_path / "b.pth").encoder(8)


@pytest.mark.parametrize(
    ("setting", "value", "word"),
    [("hidden_act", "relu", "hidden_act"), ("model_type", "beit", "beit"), ("layer_norm_eps", 1e-3, "eps")],
)
def test_hugging_face_settings_that_are_not_ours_are_refused(model, tmp_path, setting, value, word):
    convert(saved(model().state_dict(), tmp_path / "a.pth"), tmp_path / "hf", "hf", num_heads=4, encoder_only=True)
    config = tmp_path / "hf" / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), setting: value}))
    with pytest.raises(WeightsError, match=word):
        read(tmp_path / "hf")


def test_a_lone_file_of_a_hugging_face_folder_is_sent_back_for_the_folder(model, tmp_path):
    convert(saved(model().state_dict(), tmp_path / "a.pth"), tmp_path / "hf", "hf", num_heads=4, encoder_only=True)
    with pytest.raises(UserError, match="give the folder"):
        read(tmp_path / "hf" / "model.safetensors")


def test_of_moco_v3_the_trained_encoder_is_taken(vit):
    ours = vit().state_dict()
    moving = {f"module.momentum_encoder.{name}": tensor + 1 for name, tensor in ours.items()}
    trained = {f"module.base_encoder.{name}": tensor for name, tensor in ours.items()}
    heads = {"module.base_encoder.head.0.weight": torch.zeros(1), "module.predictor.0.weight": torch.zeros(1)}
    found = unwrapped({"epoch": 1, "state_dict": {**moving, **heads, **trained}}, "a.pth")
    assert set(found) == set(ours)
    assert all(torch.equal(found[name], ours[name]) for name in ours)


def test_a_file_of_another_format_than_was_said_is_refused(model, tmp_path):
    path = saved(model().state_dict(), tmp_path / "a.pth")
    with pytest.raises(UserError, match="written as official, not as hf"):
        read(path, "hf")


def test_a_probes_weights_are_no_encoder(tmp_path):
    save_file({"norm.running_mean": torch.zeros(3)}, tmp_path / "a.safetensors")
    with pytest.raises(WeightsError):
        read(tmp_path / "a.safetensors")
