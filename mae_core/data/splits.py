"""Splits: which train samples are learnt from and which are held out. None depends on a run's seed."""

from __future__ import annotations

import torch

from mae_core import randomness
from mae_core.errors import DataError

HELD_OUT = 10  # one train sample in ten


def _order(purpose: str, n: int) -> torch.Tensor:
    return randomness.permutation("splits", purpose, n=n)


def heldout(n_train: int) -> torch.Tensor:
    """A fixed tenth of the train samples, on which things are chosen, in rising order, int64.

    Evaluations never learn from them, save one that uses all labels and selects nothing.
    """
    return _order("heldout", n_train)[: n_train // HELD_OUT].sort().values


def labelled(labels: torch.Tensor, count: int | None, *, exclude_heldout: bool) -> torch.Tensor:
    """The train samples an evaluation learns from, in rising order, int64.

    Args:
        labels: (n,) of all train samples.
        count: how many, as equal a number of each class as there are, never held-out ones; a smaller count is part
            of a larger. None: all.
        exclude_heldout: whether None leaves the held-out samples out too.

    Raises:
        DataError: there are fewer than `count`.
    """
    free = torch.ones(len(labels), dtype=torch.bool)
    if exclude_heldout or count is not None:
        free[heldout(len(labels))] = False
    if count is None:
        return free.nonzero()[:, 0]
    order = _order("labelled", len(labels))
    order = order[free[order]]
    if count > len(order):
        raise DataError(
            f"{count} labelled images are asked for, but {len(order)} of {len(labels)} may be learnt from; ask for at "
            f"most {len(order)}."
        )
    rank = torch.empty_like(order)  # of each sample among those of its class
    for number in set(labels.tolist()):
        mine = labels[order] == number
        rank[mine] = torch.arange(int(mine.sum()))
    return order[rank.argsort(stable=True)[:count]].sort().values


def pretraining(n_train: int, count: int | None) -> torch.Tensor:
    """The train samples pre-training sees, in rising order, int64; a smaller count is part of a larger, None is all.

    Raises:
        DataError: there are fewer than `count`.
    """
    if count is None:
        return torch.arange(n_train)
    if count > n_train:
        raise DataError(f"{count} train images are asked for, but there are {n_train}; ask for at most {n_train}.")
    return _order("pretraining", n_train)[:count].sort().values
