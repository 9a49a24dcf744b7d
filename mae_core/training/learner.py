"""What the loop asks of whatever is trained."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import nn

from mae_core.training.course import Batch


class Learner(ABC):
    """What a stage trains."""

    module: nn.Module
    compiles = False  # whether calling `module` is most of a step, so that compiling it may pay

    @abstractmethod
    def loss(self, batch: Batch) -> torch.Tensor:
        """The mean loss over `batch.samples`, a scalar with a graph. It may be asked for again, and gives the same."""

    def ahead(self, batch: Batch) -> None:  # noqa: B027  (most learners have nothing to do here)
        """`batch` is the one after the next; what it reads may be fetched in the background."""

    def statistics(self, share: Batch) -> torch.Tensor | None:
        """Sums over `share`, this rank's part, that losses within a split effective batch rest on; None: nothing.

        Called before the losses of each effective batch that is split, and only then.
        """
        return None

    def use_statistics(self, sums: torch.Tensor) -> None:  # noqa: B027
        """Take `statistics` added up over ranks, for the losses that follow."""

    def after_step(self) -> None:  # noqa: B027
        """Called after each update, for averages of weights."""

    def observe(self, epoch: int) -> dict[str, float]:
        """Numbers for the journal at the end of `epoch`, 0 being before training; rank 0 alone is asked.

        Nothing that training depends on may change by it. Equal weights must give equal numbers.
        """
        return {}

    def more_state(self) -> dict[str, torch.Tensor]:
        """Tensors beside the module's and the optimiser's that a resumption needs."""
        return {}

    def load_more_state(self, tensors: dict[str, torch.Tensor]) -> None:  # noqa: B027
        """Take `more_state` back."""
