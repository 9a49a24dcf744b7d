"""Reading ahead: the next batch's images are decoded in the background while this one is learnt from."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor

import torch

Read = Callable[[], torch.Tensor]


class ReadingAhead:
    """One thread, and at most one batch that it reads. What is read does not depend on which thread reads it."""

    def __init__(self) -> None:
        self._pool: ThreadPoolExecutor | None = None
        self._begun: tuple[Hashable, Future[torch.Tensor]] | None = None

    def begin(self, what: Hashable, read: Read) -> None:
        """Begin to `read` what will be taken as `what`."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1, thread_name_prefix="reading-ahead")
        self._begun = what, self._pool.submit(read)

    def take(self, what: Hashable, read: Read) -> torch.Tensor:
        """What `read` gives, from the background where that was begun; errors are those of `read`."""
        begun = self._begun
        if begun is None or begun[0] != what:
            return read()
        self._begun = None
        return begun[1].result()
