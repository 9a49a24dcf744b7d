"""The tracker at its worst: the pre-training step beside a writer whose server takes connections and never answers."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from benchmarks.equipment.duel import Duel
from benchmarks.equipment.peers import MINI, ours
from benchmarks.equipment.result import Line
from benchmarks.memory import fill
from mae_core.tracking.follow import Follower

RUNS = 99  # in the store, none of them sent, so that each look finds work
STEPS, ROUNDS = 150, 7  # a round outlasts the five seconds that a look waits for an answer
LOOK_SECONDS = 1.0  # a launch's writer looks every ten
SETTLE_SECONDS = 120.0


def lines() -> Iterator[Line]:
    """How many times as fast a step is beside the silent tracker as with none: 1 is within noise of no tracker."""
    step = ours(MINI, "float32")
    step()
    seconds: dict[str, list[float]] = {"silent": [], "none": []}
    with TemporaryDirectory(prefix="benchmark-") as folder, _silent() as listener:
        fill(Path(folder), RUNS)
        for turn in range(ROUNDS):
            for name in ("silent", "none") if turn % 2 else ("none", "silent"):
                beside = _following(Path(folder), listener) if name == "silent" else contextlib.nullcontext()
                with beside:
                    seconds[name].append(_steps(step))
    where = f"mini, float32, {torch.get_num_threads()} threads, {ROUNDS} rounds of {STEPS} steps"
    yield Line(
        "pre-training step beside a tracker that never answers", where, "no tracker",
        Duel(seconds).ratio("silent", "none"),
    )  # fmt: skip


def _steps(step: Callable[[], None]) -> float:
    begun = time.perf_counter()
    for _ in range(STEPS):
        step()
    return time.perf_counter() - begun


@contextlib.contextmanager
def _silent() -> Iterator[socket.socket]:
    """A port that is the tracker of whatever is started meanwhile; the system takes its connections, nobody reads."""
    usual = os.environ.pop("MLFLOW_TRACKING_URI", None)
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        os.environ["MLFLOW_TRACKING_URI"] = f"http://127.0.0.1:{listener.getsockname()[1]}"
        try:
            yield listener
        finally:
            del os.environ["MLFLOW_TRACKING_URI"]
            if usual is not None:
                os.environ["MLFLOW_TRACKING_URI"] = usual


@contextlib.contextmanager
def _following(home: Path, listener: socket.socket) -> Iterator[None]:
    """A writer that has started and waits for its first answer."""
    follower = Follower(home, LOOK_SECONDS)
    if not select.select([listener], [], [], SETTLE_SECONDS)[0]:
        raise RuntimeError(f"The writer asked for nothing within {SETTLE_SECONDS:.0f} s.")
    try:
        yield
    finally:
        follower.finish(0)
        with contextlib.suppress(
            BlockingIOError
        ):  # the connections it leaves, so that the next round waits for its own
            listener.setblocking(False)
            while True:
                listener.accept()[0].close()
