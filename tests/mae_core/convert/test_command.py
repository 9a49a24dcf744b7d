"""The command: what it takes and how it refuses."""

import pytest
import timm
import torch

from mae_core.convert.__main__ import main
from mae_core.convert.reading import read
from mae_core.signature import Stage
from mae_core.stages.weights import save_weights
from mae_core.store.attempt import RECORD, finish, take
from mae_core.store.files import write_sealed
from mae_core.store.run import Store


@pytest.fixture
def checkpoint(tmp_path, model):
    path = tmp_path / "in.pth"
    torch.save({"model": model().state_dict()}, path)
    return str(path)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["absent.pth", "out.pth", "--to", "official"], "There is no absent.pth"),
        (["vit_enormous", "out.pth", "--to", "official"], "timm has no model vit_enormous"),
        (["vit_tiny_patch16_224.augreg_in21k", "out.pth", "--to", "official"], "could not be fetched"),
        (["{in}", "{in}", "--to", "official"], "name another OUT"),
        (["{in}", "out.pth", "--to", "ours", "--num-heads", "4"], "ends in .safetensors"),
        (["{in}", "out.pth", "--to", "official"], "give the num_heads"),
        (["pretrain-0123456789abcdef", "out.pth", "--to", "official", "--home", "{home}"], "not a finished run"),
    ],
)
def test_what_a_user_can_mend_is_one_sentence_and_exit_2(
    checkpoint, tmp_path, monkeypatch, capsys, arguments, sentence
):
    monkeypatch.chdir(tmp_path)
    assert main([text.format(**{"in": checkpoint, "home": tmp_path / "home"}) for text in arguments]) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert said.count("\n") == 1


def test_a_model_that_timm_names_is_fetched_once_and_then_a_file_that_says_all(fetchable, tmp_path):
    name, theirs = fetchable
    path = tmp_path / "weights.safetensors"
    assert main([name, str(path), "--to", "ours", "--num-heads", "2"]) == 0
    weights = read(path)
    assert all(torch.equal(weights.tensors[name], tensor) for name, tensor in theirs.items())
    assert (weights.num_heads, weights.image_size) == (2, (160, 160))
    assert weights.constants == ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


def test_a_finished_run_is_named_by_its_signature(tmp_path, model):
    made = model()
    stage = Stage(made.recipe)
    attempt = take(Store(tmp_path).plan(stage).folder, 1)
    save_weights(attempt.folder, made, stage)
    write_sealed(attempt.folder / RECORD, {"state": "done", "metrics": {}})
    finish(attempt)
    assert main([stage.signature, str(tmp_path / "out.pth"), "--to", "official", "--home", str(tmp_path)]) == 0
    assert read(tmp_path / "out.pth").num_heads == 4


def test_a_model_that_timm_computes_otherwise_is_not_written(fetchable, tmp_path, monkeypatch, capsys):
    name, _ = fetchable
    made = timm.create_model
    monkeypatch.setattr(timm, "create_model", lambda name, **settings: made(name, act_layer="relu", **settings))
    assert main([name, str(tmp_path / "weights.safetensors"), "--to", "ours"]) == 2
    assert "computes something the paper's ViT does not" in capsys.readouterr().err
