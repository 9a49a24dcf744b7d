"""Files are whole or absent; sealed ones notice every changed byte; a journal ends before its first torn line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mae_core.store import journal
from mae_core.store.files import read_sealed, replacing, sweep, write_sealed
from mae_core.store.journal import Journal


def _write_until_full(file):
    file.write(b"new")
    raise OSError("disk full")


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(OSError, match="full"), replacing(path) as file:
        _write_until_full(file)
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("file", "old")]


def test_sweeping_removes_what_a_killed_writer_left(tmp_path):
    (tmp_path / ".partial-xyz").write_text("half")
    sweep(tmp_path)
    assert list(tmp_path.iterdir()) == []


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_no_flipped_byte_passes_a_seal(tmp_path_factory, place, change):
    path = tmp_path_factory.mktemp("sealed") / "record.json"
    write_sealed(path, {"metrics": {"top1": 84.9}, "reason": "ö"}, durable=False)
    data = bytearray(path.read_bytes())
    data[place % len(data)] ^= change
    path.write_bytes(data)
    assert read_sealed(path) in (None, {"metrics": {"top1": 84.9}, "reason": "ö"})


def written(path, rows):
    writer = Journal(path)
    for row in rows:
        writer.append(row)
    size = writer.commit()
    writer.close()
    return size


ROWS = [{"step": step, "loss": 1 / (step + 1)} for step in range(5)]


def test_a_journal_gives_back_what_was_written(tmp_path):
    size = written(tmp_path / "j", ROWS)
    assert list(journal.rows(tmp_path / "j")) == ROWS
    assert size == (tmp_path / "j").stat().st_size


@given(cut=st.integers(0, 400))
def test_a_cut_journal_gives_its_whole_rows(tmp_path_factory, cut):
    path = tmp_path_factory.mktemp("journal") / "j"
    written(path, ROWS)
    data = path.read_bytes()[:cut]
    path.write_bytes(data)
    assert list(journal.rows(path)) == ROWS[: data.count(b"\n")]


def test_a_flipped_bit_ends_the_journal_before_it_and_spoils_the_prefix(tmp_path):
    path = tmp_path / "j"
    size = written(path, ROWS)
    data = bytearray(path.read_bytes())
    data[data.index(b"\n") + 10] ^= 1
    path.write_bytes(data)
    assert list(journal.rows(path)) == ROWS[:1]
    assert journal.prefix(path, size) is None


def test_a_resumed_journal_starts_with_the_inherited_rows(tmp_path):
    size = written(tmp_path / "one", ROWS[:3])
    writer = Journal(tmp_path / "two", inherited=journal.prefix(tmp_path / "one", size))
    writer.append(ROWS[3])
    writer.close()
    assert list(journal.rows(tmp_path / "two")) == ROWS[:4]
