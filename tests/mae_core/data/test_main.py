"""The commands that get data and look through it."""

import pytest

from mae_core.data.__main__ import main
from tests.mae_core.data.pictures import damage, paint_split


def test_fetch_says_where_the_data_came_from(tmp_path, few, nowhere, monkeypatch, capsys):
    monkeypatch.setattr("mae_core.data.fashion_mnist.INSTALLED", few)
    assert main(["fetch", "fashion_mnist", "--home", str(tmp_path)]) == 0
    line = capsys.readouterr().out
    assert line.count("\n") == 1
    assert "Debian's installed package" in line


def test_the_home_is_mae_home_unless_named(tmp_path, few, nowhere, monkeypatch):
    monkeypatch.setattr("mae_core.data.fashion_mnist.INSTALLED", few)
    monkeypatch.setenv("MAE_HOME", str(tmp_path / "mine"))
    assert main(["fetch", "fashion_mnist"]) == 0
    assert (tmp_path / "mine" / "data" / "fashion_mnist" / "train-images-idx3.npy").exists()


def test_fetch_without_a_way_ends_with_2_and_one_sentence(tmp_path, few, nowhere, capsys):
    assert main(["fetch", "fashion_mnist", "--home", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "Traceback" not in error


@pytest.mark.parametrize("words", [[], ["fetch", "nothing"], ["scan"]])
def test_bad_usage_is_one_sentence(words, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(words)
    assert capsys.readouterr().err.count("\n") == 1


def test_scan_lists_what_cannot_be_decoded(tmp_path, capsys):
    paint_split(tmp_path)
    bad = [tmp_path / "train" / "cat" / "001.png", tmp_path / "val" / "dog" / "000.png"]
    for path in bad:
        damage(path, "cut short")
    assert main(["scan", str(tmp_path)]) == 1
    captured = capsys.readouterr()
    assert captured.out.split() == [str(path) for path in bad]
    assert "2 of 12" in captured.err


def test_scan_of_whole_images_ends_with_0(tmp_path):
    assert main(["scan", str(paint_split(tmp_path))]) == 0


def test_scan_of_no_images_ends_with_2(tmp_path):
    assert main(["scan", str(tmp_path)]) == 2
