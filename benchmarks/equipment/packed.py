"""The pool's way with small models: as many processes of one thread as there are cores, each with a model of its own.

python -m benchmarks.equipment.packed STEPS    one such process: STEPS steps for each line it reads
"""

from __future__ import annotations

import os
import subprocess
import sys

import torch

from benchmarks.equipment.peers import MINI, PEERS
from mae_core.launch.local import environment_for


class Packed:
    """Workers that do `steps` steps of mini's size each, side by side, whenever it is called."""

    def __init__(self, steps: int) -> None:
        self.workers = [
            subprocess.Popen(
                [sys.executable, "-m", "benchmarks.equipment.packed", str(steps)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment_for(1),
            )
            for _ in range(os.cpu_count() or 1)
        ]  # fmt: skip
        self._wait()

    def __call__(self) -> None:
        """Have every worker do its steps."""
        for worker in self.workers:
            assert worker.stdin is not None
            worker.stdin.write("go\n")
            worker.stdin.flush()
        self._wait()

    def _wait(self) -> None:
        for worker in self.workers:
            assert worker.stdout is not None
            if not worker.stdout.readline():
                raise RuntimeError("a packed worker died")

    def close(self) -> None:
        """Let the workers go."""
        for worker in self.workers:
            worker.communicate()


def main(steps: int) -> None:
    """Say `done` when ready, and after each round."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)  # as `benchmarks` does for all
    step = PEERS["ours"](MINI, "float32")
    step()
    print("done", flush=True)
    for _ in sys.stdin:
        for _ in range(steps):
            step()
        print("done", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
