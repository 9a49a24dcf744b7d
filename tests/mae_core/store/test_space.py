"""A full disk: nothing torn, nothing lost, said in one sentence, gone on from once there is space again."""

import errno
import resource
import subprocess
from contextlib import contextmanager

import pytest

from mae_core.data.catalogue import describe
from mae_core.recipes import BASELINE
from mae_core.scales import SCALES
from mae_core.signature import Stage
from mae_core.stages.obtain import obtain
from mae_core.store import journal
from mae_core.store.attempt import Watch
from mae_core.store.checkpoint_files import checkpoint_files
from mae_core.store.journal import Journal
from mae_core.store.run import Store
from mae_core.store.space import disk_full, full_sentence


@contextmanager
def files_up_to(size):
    """The kernel refuses every byte of a file beyond `size`, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def fill(writer):
    for step in range(1000):
        writer.append({"step": step})


@pytest.mark.parametrize("limit", range(1000, 1030, 3))
def test_a_journal_that_meets_a_full_disk_keeps_whole_rows_and_goes_on(tmp_path, limit):
    writer = Journal(tmp_path / "j")
    with files_up_to(limit), pytest.raises(OSError, match="large"):
        fill(writer)
    kept = list(journal.rows(tmp_path / "j"))
    assert [row["step"] for row in kept] == list(range(len(kept)))
    writer.append({"step": -1})
    assert [*journal.rows(tmp_path / "j")] == [*kept, {"step": -1}]
    assert writer.commit() == (tmp_path / "j").stat().st_size
    writer.close()


@pytest.fixture
def pretraining(home):
    """The signature of a planned pre-training at the smallest scale."""
    return Store(home).plan(Stage(SCALES["smoke"].apply(BASELINE, describe("fashion_mnist", home)))).signature


def test_a_disk_that_is_full_for_checkpoints_blocks_the_run_until_there_is_space(home, pretraining, monkeypatch):
    monkeypatch.setattr("mae_core.training.workspace.Workspace.checkpoint_seconds", 0.0)
    store, asked = Store(home), iter([False] * 3 + [True] * 99)
    obtain(pretraining, store, Watch(), lambda: next(asked))  # stopped, with checkpoints
    before = [file.path.read_bytes() for file in checkpoint_files([store.run(pretraining).attempts[0].folder])]
    with files_up_to(20_000):
        outcome = obtain(pretraining, store, Watch())
    run = store.run(pretraining)
    assert (outcome.ending, outcome.reason) == ("blocked", full_sentence(home))
    assert (run.status, run.record["reason"]) == ("blocked", full_sentence(home))
    assert [file.path.read_bytes() for file in checkpoint_files([run.attempts[0].folder])] == before
    assert obtain(pretraining, store, Watch()).ending == "done"
    assert "going on from step 4" in (store.run(pretraining).finished.folder / "log.txt").read_text()


def test_a_disk_without_room_even_for_the_record_of_it_blocks_too(home, pretraining, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("mae_core.store.attempt.write_sealed", full)
        assert obtain(pretraining, Store(home), Watch()).ending == "blocked"
    assert Store(home).run(pretraining).status == "planned"


@pytest.mark.parametrize(
    ("error", "is_full"),
    [
        (OSError(errno.ENOSPC, "x"), True),
        (OSError(errno.EIO, "x"), False),
        (RuntimeError("I/O error: No space left on device (os error 28)"), True),
        (RuntimeError("the loss is not finite"), False),
    ],
)
def test_a_full_disk_is_told_from_other_failures(error, is_full):
    assert disk_full(error) is is_full


@pytest.mark.drill
def test_on_a_small_file_system_a_run_blocks_and_goes_on(home, pretraining, tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(small)], check=False)
    if mounted.returncode:
        pytest.skip("mounting a small file system needs to be root")
    try:
        (home / "runs" / pretraining).rename(home / "aside")
        (home / "runs").rmdir()
        (home / "runs").symlink_to(small)
        subprocess.run(["cp", "-r", home / "aside", small / pretraining], check=True)
        assert obtain(pretraining, Store(home), Watch()).ending == "blocked"
        assert Store(home).run(pretraining).status == "blocked"
        subprocess.run(["mount", "-o", "remount,size=20m", str(small)], check=True)
        assert obtain(pretraining, Store(home), Watch()).ending == "done"
    finally:
        subprocess.run(["umount", str(small)], check=True)
