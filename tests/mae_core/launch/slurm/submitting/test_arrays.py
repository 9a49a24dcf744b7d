"""Arrays as files: what was written is read again, and damage is absence."""

from hypothesis import given
from hypothesis import strategies as st

from mae_core.launch.slurm.submitting.arrays import Arrays, JobArray, tasks_of


def expanded(text):
    """The numbers that sbatch understands by an array's indices."""
    parts = [part.split("-") for part in text.split(",")]
    return [number for part in parts for number in range(int(part[0]), int(part[-1]) + 1)]


@given(st.sets(st.integers(0, 60), min_size=1))
def test_indices_mean_the_tasks_there_are(numbers):
    array = JobArray("mae-a", "pretrain", dict.fromkeys(numbers, ("pretrain-1",)))
    assert expanded(array.indices) == sorted(numbers)


def test_what_was_written_is_read_again(tmp_path):
    array = JobArray(
        "mae-a", "pretrain", {0: ("pretrain-1", "pretrain-2"), 7: ("pretrain-3",)}, after="mae-b", threads=1
    )
    arrays = Arrays(tmp_path)
    arrays.write(array)
    arrays.note_job("mae-a", "12")
    (found,) = arrays.all()
    assert (found.array, found.job) == (array, "12")
    assert tasks_of([found])["pretrain-3"] == [("mae-a", 7)]


def test_an_array_whose_submission_was_not_noted_has_no_job(tmp_path):
    Arrays(tmp_path).write(JobArray("mae-a", "pretrain", {0: ("pretrain-1",)}))
    assert Arrays(tmp_path).read("mae-a").job is None


def test_a_damaged_file_counts_as_absent(tmp_path):
    arrays = Arrays(tmp_path)
    arrays.write(JobArray("mae-a", "pretrain", {0: ("pretrain-1",)}))
    path = arrays.folder / "mae-a.json"
    path.write_text(path.read_text().replace("pretrain-1", "pretrain-2"))
    assert arrays.all() == []
