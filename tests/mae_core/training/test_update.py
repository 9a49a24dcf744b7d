"""One update: on a device that can skip by itself, nothing in it waits for that device."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from mae_core.training.optim import adamw, parameter_groups
from mae_core.training.ranks import ALONE
from mae_core.training.row import Row
from mae_core.training.update import Updates
from tests.mae_core.training.line import COURSE, Line


class Reads(TorchDispatchMode):
    """Counts the values that the host reads: each would make it wait for a GPU."""

    count = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.count += function is torch.ops.aten._local_scalar_dense.default
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize(("on_device", "reads"), [(True, 0), (False, 1)])
def test_an_update_waits_for_no_device(on_device, reads):
    learner = Line()
    updates = Updates(learner, adamw(parameter_groups(learner.module, 0.1, 0.05), (0.9, 0.95)), COURSE, ALONE)
    updates.skips_on_device = on_device  # True on a GPU
    row = Row(updates.device)
    with Reads() as found:
        row.add(*updates.update(0))
    assert found.count == reads
