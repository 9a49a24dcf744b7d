"""The smallest learner: a line through keyed points, trained in attempts of a run folder."""

import contextlib
import itertools

import torch

from mae_core.store import journal
from mae_core.store.attempt import take
from mae_core.training.course import Course
from mae_core.training.loop import Learner, train
from mae_core.training.optim import adamw, parameter_groups
from mae_core.training.ranks import ALONE
from mae_core.training.workspace import ReleasedError, Workspace


class Line(Learner):
    """Fit a line through keyed points."""

    def __init__(self, poison=()):
        torch.manual_seed(0)
        self.module = torch.nn.Linear(3, 1)
        self.poison = poison  # steps whose loss is not finite

    def loss(self, batch):
        x = torch.stack([batch.samples.float(), batch.samples.sin(), torch.ones(len(batch.samples))], dim=1)
        y = self.module(x / 10).squeeze(1) - batch.samples.cos()
        return y.square().mean() * (float("nan") if batch.step in self.poison else 1.0)


COURSE = Course(torch.arange(40), epochs=6, batch_size=8, seed=0, multiplier=lambda epoch: 1 / (1 + epoch))


def trained(run, number, stop_after=None, course=COURSE, learner=None, ranks=ALONE, shortages=0):
    """Train in a new attempt, asked to stop after so many steps; the learner and the attempt's folder."""
    learner = learner or Line()
    attempt = ranks.of_first(take(run, number) if ranks.first else None)
    earlier = [run / f"attempt-{k}" for k in range(1, number)]
    asked = itertools.count(1)
    workspace = Workspace(
        run, attempt, earlier, lambda: stop_after is not None and next(asked) >= stop_after,
        checkpoint_seconds=0.0, ranks=ranks, shortages=shortages,
    )  # fmt: skip
    optimizer = adamw(parameter_groups(learner.module, 0.1, 0.05), (0.9, 0.95))
    try:
        with contextlib.suppress(ReleasedError):
            train(learner, optimizer, course, workspace)
    finally:
        workspace.close()
    return learner, workspace.folder


def rows(folder):
    return [{k: v for k, v in row.items() if k != "time"} for row in journal.rows(folder / journal.NAME)]
