"""OpenAI's pickled encoder becomes safetensors, and nothing in a file is ever run."""

import os
import sys
import types
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from mae_core.dalle import main
from mae_core.model.targets.dalle import DalleEncoder

NARROW = {"width": 8, "vocabulary": 32}


class Conv2d(torch.nn.Module):
    """A convolution with its parameters named as in the released file, and settings beside them."""

    def __init__(self, weight, bias):
        super().__init__()
        self.kw, self.device = weight.shape[-1], torch.device("cpu")
        self.w, self.b = torch.nn.Parameter(weight), torch.nn.Parameter(bias)


class Encoder(torch.nn.Module):
    """Stands in for the class of the whole, and of its blocks."""


class EncoderBlock(Encoder):
    pass


CLASSES = {"dall_e": [], "dall_e.utils": [Conv2d], "dall_e.encoder": [Encoder, EncoderBlock]}  # by module


@pytest.fixture
def encoder():
    torch.manual_seed(0)
    return DalleEncoder(**NARROW)


@pytest.fixture
def released(encoder, monkeypatch, tmp_path) -> Path:
    """`encoder` pickled whole, with the classes' names that OpenAI's file has."""
    for name, made in CLASSES.items():
        module = types.ModuleType(name)
        for cls in made:
            monkeypatch.setattr(cls, "__module__", name)
            setattr(module, cls.__name__, cls)
        monkeypatch.setitem(sys.modules, name, module)
    whole = renamed(encoder, Encoder())
    torch.save(whole, tmp_path / "encoder.pkl")
    return tmp_path / "encoder.pkl"


def renamed(module, into):
    """`module`'s parts under the released names, in `into`."""
    for name, part in module.named_children():
        if isinstance(part, torch.nn.Conv2d):
            made = Conv2d(part.weight.detach(), part.bias.detach())
        elif type(part).__module__.startswith("torch"):
            made = renamed(part, type(part)(2) if isinstance(part, torch.nn.MaxPool2d) else type(part)())
        else:
            made = renamed(part, EncoderBlock())
        into.add_module(name, made)
    return into


def test_the_released_file_gives_the_encoders_weights(encoder, released, tmp_path):
    assert main(["convert", str(released), str(tmp_path / "out.safetensors")]) == 0
    written = load_file(tmp_path / "out.safetensors")
    assert written.keys() == encoder.state_dict().keys()
    assert all(torch.equal(written[name], tensor) for name, tensor in encoder.state_dict().items())


def test_its_classes_need_not_be_installed(released, tmp_path, monkeypatch):
    for name in CLASSES:
        monkeypatch.delitem(sys.modules, name)
    assert main(["convert", str(released), str(tmp_path / "out.safetensors")]) == 0


def test_a_dictionary_of_its_tensors_will_do(encoder, tmp_path):
    short = {name.replace("weight", "w").replace("bias", "b"): t for name, t in encoder.state_dict().items()}
    torch.save({"state_dict": short}, tmp_path / "encoder.pth")
    assert main(["convert", str(tmp_path / "encoder.pth"), str(tmp_path / "out.safetensors")]) == 0
    again = DalleEncoder.of_shape(load_file(tmp_path / "out.safetensors"))
    again.take(load_file(tmp_path / "out.safetensors"))


class Harm:
    """What a hostile file would do."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_a_file_that_would_have_to_be_run_is_refused_and_not_run(encoder, tmp_path, capsys):
    harm = tmp_path / "harm"
    torch.save({**encoder.state_dict(), "more": Harm(harm)}, tmp_path / "encoder.pkl")
    assert main(["convert", str(tmp_path / "encoder.pkl"), str(tmp_path / "out.safetensors")]) == 2
    assert "run" in capsys.readouterr().err
    assert not harm.exists()
    assert not (tmp_path / "out.safetensors").exists()


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"\x80\x02}."])
def test_what_is_no_encoder_is_refused_in_one_sentence(tmp_path, capsys, content):
    (tmp_path / "encoder.pkl").write_bytes(content)
    assert main(["convert", str(tmp_path / "encoder.pkl"), str(tmp_path / "out.safetensors")]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "encoder.pkl" in said


def test_an_absent_file_is_said_to_be_absent(tmp_path, capsys):
    assert main(["convert", str(tmp_path / "nothing.pkl"), str(tmp_path / "out.safetensors")]) == 2
    assert "nothing.pkl" in capsys.readouterr().err
