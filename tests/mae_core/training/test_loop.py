"""The loop: interrupted anywhere it ends with the same bits; accumulation changes rounding only."""

import itertools
from dataclasses import replace

import pytest
import torch

from mae_core.store import journal
from mae_core.training.workspace import DivergedError, StoppedError
from tests.mae_core.training.line import COURSE, Line, rows, trained


@pytest.mark.parametrize("stop_after", [1, 4, 5, 17, 29])
def test_a_stopped_and_resumed_training_ends_with_the_same_bits(run, undisturbed, stop_after):
    with pytest.raises(StoppedError):
        trained(run, 1, stop_after)
    learner, folder = trained(run, 2)
    assert torch.equal(learner.module.weight, undisturbed[0].module.weight)
    assert rows(folder) == rows(undisturbed[1])


def test_it_goes_on_from_its_step_and_does_not_start_over(run):
    with pytest.raises(StoppedError):
        trained(run, 1, 17)
    with pytest.raises(StoppedError):
        trained(run, 2, 1)
    _, folder = trained(run, 3)
    times = [row["time"] for row in journal.rows(folder / journal.NAME)]
    inherited = [row["time"] for row in journal.rows(run / "attempt-1" / journal.NAME)]
    assert times[: len(inherited)] == inherited


def test_a_damaged_checkpoint_costs_a_generation_not_the_run(run, undisturbed):
    with pytest.raises(StoppedError):
        trained(run, 1, 17)
    newest = max((run / "attempt-1" / "checkpoints").iterdir())
    newest.write_bytes(newest.read_bytes()[:-1])
    learner, folder = trained(run, 2)
    assert torch.equal(learner.module.weight, undisturbed[0].module.weight)
    assert rows(folder) == rows(undisturbed[1])


def test_accumulation_is_the_same_training_to_rounding(run, undisturbed):
    learner, folder = trained(run, 1, course=replace(COURSE, micro_batch=3))
    torch.testing.assert_close(learner.module.weight, undisturbed[0].module.weight)
    losses = [row["loss"] for row in rows(folder)]
    assert losses == pytest.approx([row["loss"] for row in rows(undisturbed[1])], rel=1e-4)


def test_a_loss_that_stays_not_finite_ends_the_run_and_is_never_saved(run):
    with pytest.raises(DivergedError, match="step 16, after a roll-back"):
        trained(run, 1, learner=Line(poison=range(11, 30)))
    assert all(path.name < "step-000000012" for path in (run / "attempt-1" / "checkpoints").iterdir())


def test_a_single_loss_that_is_not_finite_costs_its_update_alone(run):
    learner, folder = trained(run, 1, learner=Line(poison={11}))
    assert [row["step"] for row in rows(folder)] == [step for step in range(1, 31) if step != 12]
    assert [row["skipped"] for row in rows(folder) if "skipped" in row] == [1]
    assert learner.module.weight.isfinite().all()


class Glitch(Line):
    """Weights are damaged once, as by a fault of the machine."""

    at = 11

    def loss(self, batch):
        if batch.step == self.at:
            self.at = None
            with torch.no_grad():
                self.module.weight.fill_(float("nan"))
        return super().loss(batch)


def test_damaged_weights_are_rolled_back_to_the_same_bits(run, undisturbed):
    learner, folder = trained(run, 1, learner=Glitch())
    assert torch.equal(learner.module.weight, undisturbed[0].module.weight)
    assert [{**row, "rolled_back": 0} for row in rows(folder)] == [
        {**row, "rolled_back": 0} for row in rows(undisturbed[1])
    ]
    assert sum(row.get("rolled_back", 0) for row in rows(folder)) == 1


def test_fewer_images_than_a_batch_are_one_batch():
    small = replace(COURSE, samples=torch.arange(5))
    assert (small.steps_per_epoch, small.size, small.steps) == (1, 5, 6)


def test_every_epoch_has_its_own_order_and_leaves_out_others():
    course = replace(COURSE, samples=torch.arange(11))
    seen = [torch.cat([course.effective(step)]).tolist() for step in range(course.steps)]
    assert len({tuple(order) for order in seen}) == len(seen)
    assert set(itertools.chain.from_iterable(seen)) == set(range(11))
