"""Ends: each witness is heard once, and memory is told from accidents."""

import pytest

from mae_core.store.attempt import PROGRESS, Attempt
from mae_core.store.ends import End, counted, end_of, ends_of, note, shortages
from mae_core.store.files import write_sealed


def attempt(run, *hows, step=0):
    """Another attempt, which came to `step` and whose ranks ended so."""
    folder = run / f"attempt-{len(list(run.iterdir())) + 1}"
    folder.mkdir()
    write_sealed(folder / PROGRESS, {"beat": 1, "step": step})
    for rank, how in enumerate(hows):
        note(folder, End(how, f"rank-{rank}"))
    return folder


def test_a_witness_is_believed_once(tmp_path):
    folder = attempt(tmp_path, "killed")
    note(folder, End("memory", "rank-0"))
    assert [end.how for end in ends_of(folder)] == ["killed"]
    note(folder, End("memory", "slurm"))
    assert end_of(folder) == "memory"


def test_ends_are_counted_attempt_by_attempt(tmp_path):
    folders = [attempt(tmp_path, *hows) for hows in (["time limit"], ["preempted", "killed"], [], ["time limit"])]
    assert counted(folders) == {"time limit": 2, "preempted": 1}


@pytest.mark.parametrize(
    ("ended", "found"),
    [
        ([("memory", 5)], 1),
        ([("memory", 5), ("memory", 9)], 2),
        ([("killed", 5)], 0),
        ([("killed", 5), ("killed", 9)], 0),
        ([("killed", 5), ("killed", 5)], 1),
        ([("killed", 5), ("killed", 4), ("killed", 5), ("killed", 5)], 2),
        ([("killed", 5), ("preempted", 5), ("killed", 5)], 0),
        ([("killed", 5), ("memory", 5)], 1),
    ],
)
def test_memory_ran_out_where_it_is_told_or_a_process_was_killed_twice_at_one_step(tmp_path, ended, found):
    assert shortages([attempt(tmp_path, how, step=step) for how, step in ended]) == found


def test_what_nobody_saw_is_no_end(tmp_path):
    folder = attempt(tmp_path)
    (folder / "end-rank-0.json").write_text("{")
    assert (end_of(folder), shortages([folder])) == (None, 0)
    assert Attempt(folder).number == 1
