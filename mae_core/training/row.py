"""The journal's next row, as it is counted on the device."""

from __future__ import annotations

import torch


class Row:
    """Losses and skipped updates since the last row."""

    def __init__(self, device: torch.device) -> None:
        self.steps = 0
        self.loss_sum = torch.zeros((), dtype=torch.float64, device=device)  # of the steps that were not skipped
        self.skipped = torch.zeros((), dtype=torch.int64, device=device)
        self.longest = torch.zeros((), dtype=torch.int64, device=device)  # run of skipped steps
        self.streak = torch.zeros((), dtype=torch.int64, device=device)  # the run under way; it may span rows

    def add(self, loss: torch.Tensor, bad: torch.Tensor) -> None:
        """One more step, its update skipped where `bad`."""
        self.steps += 1
        self.loss_sum += loss.masked_fill(bad, 0.0)
        self.skipped += bad
        self.streak.add_(1).mul_(bad)
        torch.maximum(self.longest, self.streak, out=self.longest)

    def read(self) -> tuple[float, int, int]:
        """Mean loss, skipped steps, longest run of them; in one transfer."""
        loss_sum, skipped, longest = torch.stack([self.loss_sum, self.skipped, self.longest]).tolist()
        return loss_sum / max(self.steps - int(skipped), 1), int(skipped), int(longest)

    def tensors(self) -> dict[str, torch.Tensor]:
        """What a checkpoint needs; it is never taken within a run of skipped steps."""
        return {"loss_sum": self.loss_sum, "skipped": self.skipped, "longest": self.longest}

    def load(self, steps: int, tensors: dict[str, torch.Tensor]) -> None:
        """Take `tensors` back."""
        self.steps = steps
        self.streak.zero_()
        for name, tensor in self.tensors().items():
            tensor.copy_(tensors[name])

    def clear(self) -> None:
        """Begin a new row."""
        self.steps = 0
        for tensor in self.tensors().values():
            tensor.zero_()
