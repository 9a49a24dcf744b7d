"""Placing files whole, and remembering that they were checked."""

import os

import pytest

from mae_core.data.placement import RECORD, is_checked, origin_of, placing, remember_checked


def test_a_failed_block_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def half():
        with placing(path) as temporary:
            temporary.write_text("half")
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        half()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_is_placed_under_its_own_name(tmp_path):
    with placing(tmp_path / "new" / "a.txt") as temporary:
        temporary.write_text("whole")
        assert not (tmp_path / "new" / "a.txt").exists()
    assert (tmp_path / "new" / "a.txt").read_text() == "whole"


@pytest.fixture
def checked(tmp_path):
    (tmp_path / "a").write_text("one")
    remember_checked(tmp_path, ["a"], "here")
    return tmp_path


def test_checked_files_stay_checked(checked):
    assert is_checked(checked)
    assert origin_of(checked) == "here"


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "a").write_text("longer"),
        lambda folder: os.utime(folder / "a", ns=(1, 1)),
        lambda folder: (folder / "a").unlink(),
        lambda folder: (folder / RECORD).write_text('{"origin": "h'),
        lambda folder: (folder / RECORD).write_text("[]"),
        lambda folder: (folder / RECORD).unlink(),
    ],
    ids=["longer", "touched", "gone", "record cut short", "record of another kind", "no record"],
)
def test_a_change_ends_the_trust(checked, change):
    change(checked)
    assert not is_checked(checked)
