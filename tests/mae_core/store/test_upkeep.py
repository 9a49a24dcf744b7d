"""The store's upkeep: what lies there is named, what is damaged is found, and what goes was not needed."""

import errno
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mae_core.errors import StoreError
from mae_core.store.__main__ import main
from mae_core.store.files import read_sealed
from mae_core.store.run import Store
from mae_core.store.upkeep.damage import damages
from mae_core.store.upkeep.inventory import inventory, words
from mae_core.store.upkeep.retention import removals, remove
from tests.mae_core.store.shelf import FINETUNED, PRETRAIN, begin, checkpoint, end, label, other


def test_whatever_lies_in_the_store_is_named(tmp_path):
    end(begin(tmp_path, PRETRAIN), loss=0.5)
    runs = Store(tmp_path).folder
    (runs / "pretrain-0123456789abcdef").mkdir()
    (runs / "my-notes").mkdir()
    (runs / "file.txt").touch()
    (runs / ".partial-x").mkdir()
    shutil.copytree(runs / PRETRAIN.signature, runs / "pretrain-ffffffffffffffff", symlinks=True)
    cut = Store(tmp_path).plan(other(1)).folder / "recipe.json"
    cut.write_bytes(cut.read_bytes()[:40])
    found = {entry.path.name: entry.finding for entry in inventory(Store(tmp_path))}
    assert found == {
        PRETRAIN.signature: "run",
        "pretrain-0123456789abcdef": "half-written",
        "my-notes": "foreign",
        "file.txt": "foreign",
        ".partial-x": "half-written",
        "pretrain-ffffffffffffffff": "foreign",
        other(1).signature: "unreadable",
    }


def test_a_damaged_recipe_is_written_anew_by_planning_again(tmp_path):
    run = Store(tmp_path).plan(PRETRAIN)
    (run.folder / "recipe.json").write_bytes(b"cut")
    assert Store(tmp_path).run(run.signature).document is None
    assert Store(tmp_path).plan(PRETRAIN).document == PRETRAIN.document()


def test_a_folder_where_a_recipe_should_be_is_one_sentence(tmp_path):
    (Store(tmp_path).folder / PRETRAIN.signature / "recipe.json").mkdir(parents=True)
    with pytest.raises(StoreError, match=r"recipe\.json is in the way of a run; move it away"):
        Store(tmp_path).plan(PRETRAIN)


def test_a_copy_of_a_run_under_another_name_is_no_second_run(tmp_path):
    folder = end(begin(tmp_path, PRETRAIN), loss=0.5).folder
    shutil.copytree(folder, folder.with_name(f"{folder.name}-copy"), symlinks=True)
    assert [run.signature for run in Store(tmp_path).runs() if run.document] == [PRETRAIN.signature]


def test_a_name_that_is_no_text_is_told_with_its_bytes(tmp_path):
    (Path(os.fsdecode(os.fsencode(Store(tmp_path).folder) + b"/my-\xffnotes"))).mkdir(parents=True)
    command = [sys.executable, "-m", "mae_core.store", "show", "--home", str(tmp_path)]
    said = subprocess.run(
        command, capture_output=True, text=True, env=os.environ | {"PYTHONIOENCODING": "utf-8:strict"}
    )
    assert (said.returncode, said.stderr) == (0, "")
    assert "foreign: my-\\xffnotes" in said.stdout


def test_a_damaged_plan_is_found(tmp_path, capsys):
    label(tmp_path, FINETUNED)
    (plan,) = (tmp_path / "plans").iterdir()
    plan.write_bytes(plan.read_bytes().replace(b"75", b"76", 1))
    assert main(["verify", "--home", str(tmp_path)]) == 1
    assert f"plans/{plan.name}: cut short or altered" in capsys.readouterr().out


def test_a_place_that_takes_no_bundle_is_one_sentence(tmp_path, capsys):
    end(begin(tmp_path, PRETRAIN), loss=0.5)
    (tmp_path / "file").touch()
    assert main(["export", str(tmp_path / "file" / "bundle"), "--home", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_disk_too_full_for_a_bundle_is_one_sentence_and_leaves_nothing(tmp_path, capsys, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device", str(tmp_path / "bundle"))

    end(begin(tmp_path, PRETRAIN), loss=0.5)
    with monkeypatch.context() as patch:
        patch.setattr("shutil.copy", full)
        assert main(["export", str(tmp_path / "bundle"), "--home", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith("disk: no space is left")
    assert {path.name for path in tmp_path.iterdir()} == {"runs"}


@pytest.mark.parametrize("folder", ["plans", "tracking/0123", "runs/.", "runs/pretrain-0123456789abcdef/attempt-1"])
def test_what_killed_writers_left_long_ago_goes(tmp_path, folder):
    left = tmp_path / folder / ".partial-x"
    left.parent.mkdir(parents=True)
    left.touch()
    assert list(removals(Store(tmp_path))) == []
    os.utime(left, (0, 0))
    assert [removal.path for removal in removals(Store(tmp_path))] == [left]


def test_show_lists_runs_with_their_cells_and_says_what_is_none(tmp_path, capsys):
    end(begin(tmp_path, PRETRAIN), loss=0.5)
    end(begin(tmp_path, FINETUNED), top1=80.0)
    label(tmp_path, FINETUNED)
    (tmp_path / "runs" / "my-notes").mkdir()
    assert main(["show", "--home", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert said.count("mask_ratio/75/finetune/0") == 2
    assert "foreign: my-notes" in said
    assert "2 runs" in said


def whole_home(home):
    """One finished run and one under way with two checkpoints."""
    end(begin(home, PRETRAIN), loss=0.5)
    under_way = begin(home, other(1))
    for step in (1, 2):
        checkpoint(under_way, step)
    return home


@given(st.integers(0, 9), st.integers(0, 10**6), st.integers(1, 255))
@settings(max_examples=60)
def test_every_changed_byte_of_recipes_records_journals_weights_and_checkpoints_is_found(
    tmp_path_factory, which, place, change
):
    home = whole_home(tmp_path_factory.mktemp("home"))
    files = sorted(path for path in home.rglob("*") if path.is_file() and path.name != "owner.json")
    path = files[which % len(files)]
    before, data = read_sealed(path), bytearray(path.read_bytes())
    data[place % len(data)] ^= change
    path.write_bytes(data)
    same = before is not None and read_sealed(path) == before  # another spelling of the same JSON
    assert same or list(damages(Store(home))), path


@pytest.mark.parametrize("name", ["weights.safetensors", "panels.npz", "journal.jsonl", "record.json"])
def test_verify_names_what_is_cut_short_and_exits_1(tmp_path, capsys, name):
    folder = end(begin(tmp_path, PRETRAIN), loss=0.5).finished.folder
    assert main(["verify", "--home", str(tmp_path)]) == 0
    (folder / name).write_bytes((folder / name).read_bytes()[:-3])
    assert main(["verify", "--home", str(tmp_path)]) == 1
    assert name in capsys.readouterr().out


def test_half_a_row_at_the_end_of_a_journal_under_way_is_no_damage(tmp_path):
    attempt = begin(tmp_path, PRETRAIN)
    checkpoint(attempt, 1)
    with (attempt.folder / "journal.jsonl").open("ab") as journal:
        journal.write(b'{"step": 4, "lo')
    assert list(damages(Store(tmp_path))) == []


def test_of_a_finished_run_prune_keeps_the_finishing_attempt_and_the_history(tmp_path):
    for state in ("failed", "stopped"):
        checkpoint(begin(tmp_path, PRETRAIN), 1)
        end(Store(tmp_path).run(PRETRAIN.signature).attempts[-1], state)
    last = begin(tmp_path, PRETRAIN)
    checkpoint(last, 2)
    end(last, loss=0.5)
    (last.folder / ".reserve").touch()
    for removal in list(removals(Store(tmp_path))):
        remove(removal)
    run = Store(tmp_path).run(PRETRAIN.signature)
    assert [sorted(path.name for path in attempt.folder.iterdir()) for attempt in run.attempts] == [
        ["owner.json", "record.json"],
        ["owner.json", "record.json"],
        ["journal.jsonl", "owner.json", "panels.npz", "record.json", "weights.safetensors"],
    ]
    assert list(damages(Store(tmp_path))) == list(removals(Store(tmp_path))) == []


def test_of_an_unfinished_run_the_two_newest_whole_checkpoints_stay(tmp_path):
    attempt = begin(tmp_path, PRETRAIN)
    paths = [checkpoint(attempt, step) for step in range(1, 6)]
    paths[4].write_bytes(b"damaged")
    end(attempt, "stopped")
    for removal in list(removals(Store(tmp_path))):
        remove(removal)
    assert [path.exists() for path in paths] == [False, False, True, True, False]


def test_a_run_under_way_and_fresh_leavings_are_left_alone(tmp_path):
    attempt = begin(tmp_path, PRETRAIN)
    for step in range(1, 6):
        checkpoint(attempt, step)
    (attempt.folder / ".partial-new").touch()
    assert list(removals(Store(tmp_path))) == []
    old = attempt.folder / ".partial-old"
    old.touch()
    os.utime(old, (time.time() - 7200,) * 2)
    assert [removal.path for removal in removals(Store(tmp_path))] == [old]


def test_a_dry_run_says_the_bytes_and_removes_nothing(tmp_path, capsys):
    attempt = begin(tmp_path, PRETRAIN)
    checkpoint(attempt, 1)
    end(attempt, loss=0.5)
    assert main(["prune", "--dry-run", "--home", str(tmp_path)]) == 0
    assert "100 B would be freed." in capsys.readouterr().out
    assert main(["prune", "--home", str(tmp_path)]) == 0
    assert main(["prune", "--home", str(tmp_path)]) == 0
    assert capsys.readouterr().out.endswith("100 B freed.\n0 B freed.\n")


@pytest.mark.parametrize(("count", "said"), [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (21_500_000, "21.5 MB")])
def test_bytes_are_said_as_people_read_them(count, said):
    assert words(count) == said
