"""Ranks: the same training to rounding however many take part, and no rank acts, or waits, alone."""

import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mae_core.errors import RecipeError
from mae_core.training.course import Course
from mae_core.training.ranks import OtherRankError, RankLostError
from mae_core.training.workspace import DivergedError, StoppedError
from tests.mae_core.training.group import in_ranks
from tests.mae_core.training.line import COURSE, Line, rows, trained

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


@given(
    n=st.integers(1, 60), batch=st.integers(1, 60), world=st.integers(1, 7), micro=st.none() | st.integers(1, 20),
    step=st.integers(0, 9),
)  # fmt: skip
def test_shares_and_micro_batches_divide_the_effective_batch(n, batch, world, micro, step):
    course = Course(torch.arange(n), 10, batch, 3, lambda _: 1.0)
    step %= course.steps
    parts = [part for rank in range(world) for part in course.batches(step, rank, world, micro)]
    assert torch.equal(torch.cat([part.samples for part in parts]), course.effective(step))
    assert len({part.part for part in parts}) == len(parts)
    assert max(len(part.samples) for part in parts) <= (micro or n)
    shares = [len(course.share(step, rank, world).samples) for rank in range(world)]
    assert max(shares) - min(shares) <= 1


def weights(run, learner=Line, **how):
    """Work for ranks: train in `run`, answer the weights."""
    return lambda ranks: trained(run, learner=learner(), ranks=ranks, **{"number": 1, **how})[0].module.weight.detach()


def losses(run, number=1):
    return [row["loss"] for row in rows(run / f"attempt-{number}")]


@pytest.mark.parametrize("world", [1, 2, 4])
@pytest.mark.parametrize("micro_batch", [None, 1])
def test_any_number_of_ranks_is_one_large_batch(run, undisturbed, world, micro_batch):
    found = in_ranks(world, weights(run, course=replace(COURSE, micro_batch=micro_batch)))
    for weight in found:
        torch.testing.assert_close(weight, undisturbed[0].module.weight.detach())
        assert torch.equal(weight, found[0])
    assert losses(run) == pytest.approx([row["loss"] for row in rows(undisturbed[1])], rel=1e-4)


def test_a_batch_that_ranks_cannot_share_evenly_counts_each_image_once(run, tmp_path):
    course = replace(COURSE, batch_size=7)
    (tmp_path / "alone").mkdir()
    alone, _ = trained(tmp_path / "alone", 1, course=course)
    for weight in in_ranks(3, weights(run, course=course)):
        torch.testing.assert_close(weight, alone.module.weight.detach())


def test_a_stop_asked_of_one_rank_stops_all_and_another_number_goes_on(run, undisturbed):
    def stopped(ranks):
        return trained(run, 1, 11 if ranks.rank == 1 else None, ranks=ranks)

    assert [type(answer) for answer in in_ranks(2, stopped)] == [StoppedError] * 2
    assert losses(run) == pytest.approx([row["loss"] for row in rows(undisturbed[1])][:11], rel=1e-4)
    for weight in in_ranks(4, weights(run, number=2)):
        torch.testing.assert_close(weight, undisturbed[0].module.weight.detach())
    assert losses(run, 2) == pytest.approx([row["loss"] for row in rows(undisturbed[1])], rel=1e-4)


class NotFinite(Line):
    """The loss of sample 7 alone is not finite, from step 11 on: one rank sees it, each epoch once."""

    def loss(self, batch):
        poisoned = batch.step >= 11 and 7 in batch.samples.tolist()
        return super().loss(batch) * (float("inf") if poisoned else 1.0)


def test_an_update_that_is_not_finite_on_one_rank_is_skipped_on_all(run, undisturbed):
    found = in_ranks(2, weights(run, NotFinite))
    assert found[0].isfinite().all()
    assert torch.equal(found[0], found[1])
    assert sum(row.get("skipped", 0) for row in rows(run / "attempt-1")) in (3, 4)


def test_all_ranks_agree_that_training_diverged(run):
    answers = in_ranks(2, weights(run, lambda: Line(poison=range(11, 30))))
    assert [type(answer) for answer in answers] == [DivergedError] * 2


class Short(Line):
    """Rank 1 has memory for two images."""

    def __init__(self, rank, limit=2):
        super().__init__()
        self.limit = limit if rank == 1 else 99

    def loss(self, batch):
        if len(batch.samples) > self.limit:
            raise torch.OutOfMemoryError("no more")
        return super().loss(batch)


def test_memory_short_on_one_rank_halves_micro_batches_on_all(run, undisturbed):
    def work(ranks):
        return trained(run, 1, learner=Short(ranks.rank), ranks=ranks)[0].module.weight.detach()

    for weight in in_ranks(2, work):
        torch.testing.assert_close(weight, undisturbed[0].module.weight.detach())
    assert rows(run / "attempt-1")[0]["micro_batch"] == 2


class Failing(Line):
    def __init__(self, rank, error):
        super().__init__()
        self.fails, self.error = rank == 1, error

    def loss(self, batch):
        if self.fails and batch.step == 3:
            self.error()
        return super().loss(batch)


def fails():
    raise ValueError("a bad image")


def test_what_fails_on_one_rank_is_named_on_all(run):
    answers = in_ranks(3, lambda ranks: trained(run, 1, learner=Failing(ranks.rank, fails), ranks=ranks))
    assert [type(answer) for answer in answers] == [OtherRankError, ValueError, OtherRankError]
    assert str(answers[0]) == "rank 1: ValueError: a bad image"


def test_a_full_disk_under_rank_0_ends_all(run, monkeypatch):
    def full(descriptor):
        if "checkpoints" in str(Path(f"/proc/self/fd/{descriptor}").readlink()):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    answers = in_ranks(2, weights(run))
    assert [type(answer) for answer in answers] == [OSError, OtherRankError]


def test_ranks_do_not_wait_for_one_that_died(run):
    def dies():
        os.kill(os.getpid(), signal.SIGKILL)

    answers = in_ranks(3, lambda ranks: trained(run, 1, learner=Failing(ranks.rank, dies), ranks=ranks), dying={1})
    assert [type(answer) for answer in answers] == [RankLostError, type(None), RankLostError]


def test_more_ranks_than_images_are_refused(run):
    answers = in_ranks(2, weights(run, course=replace(COURSE, batch_size=1)))
    assert all(isinstance(answer, RecipeError) and "start at most 1" in str(answer) for answer in answers)


def test_word_of_rank_0_is_heard_in_order():
    def work(ranks):
        if ranks.first:
            for number in range(3):
                ranks.tell({"number": number})
            return ranks.agree()
        heard = [ranks.hear()["number"] for _ in range(3)]
        ranks.agree()
        return heard

    assert in_ranks(2, work)[1] == [0, 1, 2]
