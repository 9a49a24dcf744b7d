"""Peak memory: what the work took, not what its process held before it."""

import os
import subprocess
import sys

import pytest
import torch

from mae_core.launch.local import MALLOC
from mae_core.stages.timing import peak_memory
from mae_core.stages.timing.peak_memory import watched

MEGABYTE = 2**20
TAKEN = 64 * MEGABYTE
# a worker's heap keeps what is freed: this process begins with nothing there, or with half a gigabyte so kept
PROBE = """
import sys, torch
from mae_core.stages.timing.peak_memory import watched
if sys.argv[1] == "used":
    earlier = [torch.ones(2**18) for _ in range(512)]
    last = torch.ones(2**10)  # above them, so that the heap cannot shrink by itself
    del earlier
with watched(torch.device("cpu")) as peak:
    held = torch.ones(64 * 2**20 // 4)
    del held
print(peak.bytes)
"""


@pytest.mark.parametrize("process", ["fresh", "used"])
def test_memory_is_watched_at_its_peak_whatever_the_process_did_before(process):
    said = subprocess.run(
        [sys.executable, "-c", PROBE, process], capture_output=True, text=True, check=True, env=os.environ | MALLOC
    )
    assert TAKEN * 0.9 < int(said.stdout) < TAKEN * 1.5


def test_an_earlier_peak_of_the_process_is_forgotten():
    torch.ones(4 * TAKEN // 4)
    with watched(torch.device("cpu")) as peak:
        pass
    assert peak.bytes < 16 * MEGABYTE


def test_where_the_kernel_keeps_no_peak_it_is_sampled(monkeypatch):
    monkeypatch.setattr(peak_memory, "_begin_anew", lambda: False)
    with watched(torch.device("cpu")) as peak:
        for _ in range(20):
            torch.ones(TAKEN // 4)
    assert 0 <= peak.bytes < 4 * TAKEN
    assert peak.bytes > TAKEN / 2
