"""The workspace: what an attempt takes over from earlier ones, and what it says of their damage."""

import pytest

from mae_core.store.attempt import take
from mae_core.store.checkpoint_files import checkpoint_files
from mae_core.training.workspace import StoppedError, Workspace
from tests.mae_core.training.line import trained


@pytest.fixture
def stopped(run):
    """An attempt that stopped after step 6, with two checkpoints."""
    with pytest.raises(StoppedError):
        trained(run, 1, 6)
    return run / "attempt-1"


def resumed(run, earlier):
    """A new attempt's workspace, and the step it goes on from."""
    workspace = Workspace(run, take(run, 2), [earlier])
    found = workspace.resume()
    workspace.close()
    return workspace, found[0] if found else None


def test_what_a_killed_writer_left_of_a_checkpoint_is_swept(run, stopped):
    for folder in (stopped, stopped / "checkpoints"):
        (folder / ".partial-xyz").write_bytes(b"half")
    resumed(run, stopped)
    assert not list(run.rglob(".partial-*"))


def test_undamaged_it_goes_on_from_the_newest_without_a_remark(run, stopped):
    workspace, step = resumed(run, stopped)
    assert (step, workspace.remarks) == (6, [])


def test_a_damaged_checkpoint_is_remarked_on(run, stopped):
    newest, older = checkpoint_files([stopped])
    newest.path.write_bytes(newest.path.read_bytes()[:-1])
    workspace, step = resumed(run, stopped)
    assert step == older.step
    assert workspace.remarks == [f"1 damaged checkpoint of an earlier attempt: training went on from step {step}"]


def test_a_flipped_bit_in_the_journal_is_not_gone_on_from_in_silence(run, stopped):
    path = stopped / "journal.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"loss"', b'"lozs"', 1))
    workspace, step = resumed(run, stopped)
    assert step is None
    assert workspace.remarks == ["2 damaged checkpoints of an earlier attempt: training began anew"]
