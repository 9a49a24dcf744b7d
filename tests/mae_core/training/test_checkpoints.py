"""Checkpoints: the newest whole generation is always found, whatever happened to the others."""

import os
import random
import signal
import time

import pytest
import torch

from mae_core.training import checkpoints


def saved(attempt, step):
    return checkpoints.save(attempt, step, {"w": torch.full((64,), float(step))}, {"step": step}, 7)


def newest_whole(*attempts):
    return next(c for c in checkpoints.newest_first(attempts) if c.whole())


def test_what_is_saved_is_loaded(tmp_path):
    tensors, values = saved(tmp_path, 3).load()
    assert values == {"step": 3}
    assert torch.equal(tensors["w"], torch.full((64,), 3.0))


def test_two_generations_are_kept(tmp_path):
    for step in (1, 2, 3):
        saved(tmp_path, step)
    assert [c.step for c in checkpoints.checkpoints(tmp_path)] == [3, 2]


@pytest.mark.parametrize("damage", [lambda data: data[:-5], lambda data: data[:90] + b"?" + data[91:], lambda _: b""])
def test_a_damaged_newest_is_noticed_and_the_one_before_is_whole(tmp_path, damage):
    saved(tmp_path, 1)
    newest = saved(tmp_path, 2)
    newest.path.write_bytes(damage(newest.path.read_bytes()))
    assert not newest.whole()
    assert newest_whole(tmp_path).step == 1


def test_a_write_that_fails_leaves_the_old_one(tmp_path, monkeypatch):
    saved(tmp_path, 1)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="space"):
        saved(tmp_path, 2)
    assert [path.name[:14] for path in (tmp_path / checkpoints.FOLDER).iterdir()] == ["step-000000001"]


def kill_while_saving(attempt, seconds):
    """Fork a process that saves without end, kill it -9 after a moment."""
    pid = os.fork()
    if pid == 0:
        step = 0
        while True:
            step += 1
            saved(attempt, step)
    time.sleep(seconds)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def kills(tmp_path, times):
    for number in range(times):
        attempt = tmp_path / str(number)
        attempt.mkdir()
        saved(attempt, 0)
        kill_while_saving(attempt, random.Random(number).uniform(0.001, 0.08))
        tensors, values = newest_whole(attempt).load()
        assert torch.equal(tensors["w"], torch.full((64,), float(values["step"])))


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_killed_writer_always_leaves_a_whole_checkpoint(tmp_path):
    kills(tmp_path, 20)


@pytest.mark.drill
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_two_hundred_killed_writers_always_leave_a_whole_checkpoint(tmp_path):
    kills(tmp_path, 200)
