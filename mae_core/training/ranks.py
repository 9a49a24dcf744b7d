"""Ranks: the processes that train one stage together, each on its share of every effective batch."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

import torch
from torch import distributed

from mae_core.training.memory import OutOfMemoryError, is_out_of_memory

T = TypeVar("T")

PATIENCE = timedelta(days=30)  # of ranks that wait for rank 0 to score and write; its death ends the wait at once


class RankLostError(Exception):
    """Another rank is gone or silent; what is left of the group can do nothing but end and begin again."""


class OtherRankError(Exception):
    """The work failed on another rank."""


@dataclass(eq=False)
class Ranks:
    """This process among those that train together; alone unless it joined a group.

    Every rank calls the same methods in the same order. Rank 0 alone writes.
    """

    rank: int = 0
    world: int = 1
    store: distributed.Store | None = None  # where rank 0 leaves word for the others
    waits: bool = field(default=False, init=False)  # for the others, at this moment
    _told: int = field(default=0, init=False)

    @property
    def first(self) -> bool:
        """Whether this is rank 0."""
        return self.rank == 0

    def agree(self, *flags: bool) -> tuple[bool, ...]:
        """Each flag, true on every rank where it is true on any. Never waits for a GPU."""
        if self.world == 1:
            return flags
        numbers = torch.tensor(flags, dtype=torch.int32)
        with self._collective():
            distributed.all_reduce(numbers, distributed.ReduceOp.MAX)
        return tuple(bool(number) for number in numbers.tolist())

    def add_up(self, tensors: Sequence[torch.Tensor]) -> None:
        """Replace each of `tensors`, all of one dtype and device, by its sum over ranks; equal bits on every rank."""
        if self.world == 1 or not tensors:
            return
        flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
        with self._collective():
            distributed.all_reduce(flat)
        for tensor, part in zip(tensors, flat.split([tensor.numel() for tensor in tensors]), strict=True):
            tensor.copy_(part.view_as(tensor))

    def of_first(self, value: T) -> T:
        """Rank 0's `value`, on every rank."""
        if self.world == 1:
            return value
        values = [value]
        with self._collective():
            distributed.broadcast_object_list(values, src=0, device=torch.device("cpu"))
        return values[0]

    def together(self, work: Callable[[], T]) -> T:
        """What `work` gives on this rank, once it is done on all; a failure on one is raised on all.

        `work` must not wait for other ranks itself.

        Raises:
            OutOfMemoryError: some rank lacks the memory.
            OtherRankError: the work failed on another rank. On the rank itself its own error is raised.
        """
        error: Exception | None = None
        result, out_of_memory = None, False
        try:
            result = work()
        except Exception as raised:
            # its traceback holds on to every tensor of the work, so one that tells of memory is not kept
            error, out_of_memory = (None, True) if is_out_of_memory(raised) else (raised, False)
        failed, lacking = self.agree(error is not None, out_of_memory)
        if failed:
            reasons = self._gather(None if error is None else f"{type(error).__name__}: {error}")
            raise error or OtherRankError(next(f"rank {rank}: {text}" for rank, text in enumerate(reasons) if text))
        if lacking:
            raise OutOfMemoryError
        return result  # type: ignore[return-value]  # set, as nothing was raised

    def _gather(self, text: str | None) -> list[str | None]:
        if self.world == 1:
            return [text]
        texts: list[str | None] = [None] * self.world
        with self._collective():
            distributed.all_gather_object(texts, text)
        return texts

    def tell(self, message: dict[str, Any]) -> None:
        """Rank 0: leave `message` for the others, to be heard in order."""
        if self.store is not None:
            self._told += 1
            self.store.set(f"message-{self._told}", json.dumps(message))

    def hear(self, wait: timedelta = PATIENCE) -> dict[str, Any]:
        """The others: wait for rank 0's next message. Raises RankLostError where it is gone, or silent too long."""
        assert self.store is not None
        self._told += 1
        name = f"message-{self._told}"
        with self._collective():
            self.store.wait([name], wait)
            message: dict[str, Any] = json.loads(self.store.get(name))
        return message

    @contextlib.contextmanager
    def _collective(self) -> Iterator[None]:
        """What all do at once; whatever a backend raises means that the group is broken."""
        self.waits = True
        try:
            yield
        except RuntimeError as error:
            raise RankLostError(f"another rank is gone or silent: {error}") from error
        finally:
            self.waits = False


ALONE = Ranks()
