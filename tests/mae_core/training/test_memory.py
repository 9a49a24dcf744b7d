"""Memory that runs short: micro-batches halve, the update stays the same."""

from dataclasses import replace

import pytest
import torch

from mae_core.training.memory import is_out_of_memory
from mae_core.training.workspace import StoppedError
from tests.mae_core.training.line import COURSE, Line, rows, trained


class Short(Line):
    """Memory for so many images; what an allocator raises beyond them."""

    def __init__(self, limit):
        super().__init__()
        self.limit = limit

    def loss(self, batch):
        loss = super().loss(batch)
        if len(batch.samples) > self.limit:
            loss.backward()  # what the failed try leaves in the gradients must not count
            torch.empty(10**15)
        return loss


@pytest.mark.parametrize(("limit", "micro_batch"), [(7, 4), (3, 2), (1, 1)])
def test_micro_batches_halve_until_they_fit_and_the_training_is_the_same(run, undisturbed, limit, micro_batch):
    learner, folder = trained(run, 1, learner=Short(limit))
    torch.testing.assert_close(learner.module.weight, undisturbed[0].module.weight)
    found = rows(folder)
    assert found[0]["micro_batch"] == micro_batch
    assert [row["loss"] for row in found] == pytest.approx([row["loss"] for row in rows(undisturbed[1])], rel=1e-4)


def test_what_memory_allowed_is_remembered_so_that_bits_stay(run, tmp_path):
    with pytest.raises(StoppedError):
        trained(run, 1, 17, learner=Short(3))
    learner, folder = trained(run, 2)  # more memory now
    (tmp_path / "other").mkdir()
    undisturbed, expected = trained(tmp_path / "other", 1, learner=Short(3))
    assert torch.equal(learner.module.weight, undisturbed.module.weight)
    assert rows(folder) == rows(expected)


def test_a_single_image_that_does_not_fit_is_said_so(run):
    with pytest.raises(MemoryError, match="choose a smaller model"):
        trained(run, 1, learner=Short(0), course=replace(COURSE, epochs=1))


@pytest.mark.parametrize("make", [lambda: torch.empty(10**15), lambda: bytearray(1 << 62)])
def test_what_allocators_raise_is_known(make):
    with pytest.raises((RuntimeError, MemoryError)) as caught:
        make()
    assert is_out_of_memory(caught.value)


def test_other_errors_are_not_taken_for_it():
    with pytest.raises(RuntimeError) as caught:
        torch.ones(2) @ torch.ones(3)
    assert not is_out_of_memory(caught.value)


class Measured(Line):
    """Remembers its largest micro-batch."""

    largest = 0

    def loss(self, batch):
        self.largest = max(self.largest, batch.stop - batch.start)
        return super().loss(batch)


@pytest.mark.parametrize(("shortages", "micro_batch"), [(1, 4), (9, 1)])
def test_what_the_system_killed_for_memory_goes_on_in_smaller_parts(run, undisturbed, shortages, micro_batch):
    learner, folder = trained(run, 1, learner=Measured(), shortages=shortages)
    torch.testing.assert_close(learner.module.weight, undisturbed[0].module.weight)
    assert learner.largest == rows(folder)[0]["micro_batch"] == micro_batch
