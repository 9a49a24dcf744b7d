"""Weights go out and come back, and the libraries that own the formats compute our numbers from them."""

import pytest
import timm
import torch

from mae_core.convert.__main__ import convert
from mae_core.convert.reading import read
from mae_core.model.masking import random_masking
from mae_core.signature import Stage
from mae_core.stages.weights import WEIGHTS, save_weights

ENDINGS = {"official": ".pth", "timm": ".safetensors", "hf": "", "ours": ".safetensors"}


@pytest.fixture
def ours(tmp_path, model):
    """The weights file of a finished pre-training, and its model."""

    def make(**settings):
        made = model(**settings)
        save_weights(tmp_path, made, Stage(made.recipe))
        return tmp_path / WEIGHTS, made

    return make


def images(recipe, n=2):
    return torch.randn(n, recipe.in_chans, *recipe.image_size, generator=torch.Generator().manual_seed(1))


def assert_equal(one, other):
    assert set(one) == set(other)
    assert [name for name in one if not torch.equal(one[name], other[name])] == []


@pytest.mark.parametrize("form", ["official", "hf", "ours"])
@pytest.mark.parametrize("target", ["pixel", "norm_pixel"])
def test_a_whole_model_survives_the_way_there_and_back(ours, tmp_path, form, target):
    path, made = ours(target=target)
    there = tmp_path / f"there{ENDINGS[form]}"
    convert(path, there, form)
    convert(there, tmp_path / "back.safetensors", "ours")
    back = read(tmp_path / "back.safetensors")
    assert_equal(back.tensors, made.state_dict())
    assert (back.encoder().num_heads, back.decoder_num_heads, back.norm_pix_loss) == (4, 2, target == "norm_pixel")


@pytest.mark.parametrize("there", ["ours", "hf"])
def test_a_released_checkpoint_comes_back_with_the_same_keys_and_tensors(model, tmp_path, there):
    released = {"model": model(decoder_embed_dim=512, decoder_depth=1, decoder_num_heads=16).state_dict()}
    torch.save(released, tmp_path / "released.pth")
    convert(tmp_path / "released.pth", tmp_path / f"there{ENDINGS[there]}", there, num_heads=4)
    convert(tmp_path / f"there{ENDINGS[there]}", tmp_path / "back.pth", "official")
    back = torch.load(tmp_path / "back.pth", weights_only=True)
    assert_equal(back["model"], released["model"])


@pytest.mark.parametrize("settings", [{}, {"in_chans": 1}, {"image_size": (24, 40)}, {"mlp_ratio": 2.0}])
@pytest.mark.parametrize("ending", [".safetensors", ".pth"])
def test_timm_computes_our_features_after_the_call_that_is_printed(ours, tmp_path, settings, ending):
    path, made = ours(**settings)
    call = convert(path, tmp_path / f"vit{ending}", "timm")
    vit = eval(call, {"timm": timm}).eval()
    imgs = images(made.recipe)
    torch.testing.assert_close(vit.forward_features(imgs), made.transform(made.embed(imgs)), rtol=0, atol=1e-5)


@pytest.mark.parametrize("target", ["pixel", "norm_pixel"])
def test_hugging_face_computes_our_loss_and_gradients_from_the_folder(ours, tmp_path, target):
    from transformers import ViTMAEForPreTraining

    path, made = ours(target=target)
    convert(path, tmp_path / "folder", "hf")
    twin, loading = ViTMAEForPreTraining.from_pretrained(tmp_path / "folder", output_loading_info=True)
    assert not any(loading.values()), loading
    imgs, noise = images(made.recipe), torch.rand(2, 9, generator=torch.Generator().manual_seed(2))
    loss = made(imgs, random_masking(noise, made.recipe.visible_tokens))
    theirs = twin.train()(imgs, noise=noise).loss
    torch.testing.assert_close(loss, theirs, rtol=0, atol=1e-5)
    (one,) = torch.autograd.grad(loss, [made.blocks[0].mlp.fc1.weight])
    (other,) = torch.autograd.grad(theirs, [twin.vit.layers[0].mlp.fc1.weight])
    torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-7)


def test_what_hugging_face_writes_itself_is_read(ours, tmp_path):
    from transformers import ViTMAEForPreTraining

    path, made = ours()
    convert(path, tmp_path / "folder", "hf")
    ViTMAEForPreTraining.from_pretrained(tmp_path / "folder").save_pretrained(tmp_path / "theirs")
    assert_equal(read(tmp_path / "theirs").tensors, made.state_dict())


def test_an_encoder_alone_is_hugging_faces_plain_vit(ours, tmp_path):
    from transformers import ViTModel

    path, made = ours()
    convert(path, tmp_path / "folder", "hf", encoder_only=True)
    vit = ViTModel.from_pretrained(tmp_path / "folder", add_pooling_layer=False).eval()
    imgs = images(made.recipe)
    expected = made.transform(made.embed(imgs))
    torch.testing.assert_close(vit(imgs).last_hidden_state, expected, rtol=0, atol=1e-5)


def test_a_fine_tuned_classifier_keeps_its_head_in_timm(tmp_path, model):
    from mae_core.model.classifier import Classifier
    from mae_core.recipes import FinetuneRecipe

    pretraining, recipe = Stage(model().recipe), FinetuneRecipe(pooling="mean")
    classifier = Classifier(model().recipe, recipe, num_classes=5).eval()
    torch.nn.init.normal_(classifier.head.weight, generator=torch.Generator().manual_seed(0))
    save_weights(tmp_path, classifier, Stage(recipe, (pretraining,)))
    vit = eval(convert(tmp_path / WEIGHTS, tmp_path / "vit.pth", "timm"), {"timm": timm}).eval()
    imgs = images(model().recipe)
    torch.testing.assert_close(vit(imgs), classifier(imgs), rtol=0, atol=1e-5)
