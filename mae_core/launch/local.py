"""The local pool: persistent workers on this machine, each on its own cores, fed with stages whose parents are done."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from mae_core.costs import cost
from mae_core.signature import Stage
from mae_core.store.run import Store

WORKER_BYTES = 1.5e9  # of memory: torch, timm and a small stage's images and activations
LOOK_AGAIN_SECONDS = 2.0  # at stages that others are busy with
TRIES = 3  # of a stage whose worker dies under it
STOP_SECONDS = 60.0  # for workers to save what they are at
# glibc would return a step's activations to the kernel and fault them in again at the next one; keeping them saves
# 13-16 % of a small step. Other C libraries ignore the names.
MALLOC = {
    "MALLOC_MMAP_THRESHOLD_": str(2**30),
    "MALLOC_TRIM_THRESHOLD_": str(2**31 - 1),
    "MALLOC_TOP_PAD_": str(2**26),
}


@dataclass
class Board:
    """Where every stage of the plan stands, for whoever draws it."""

    stages: dict[str, Stage]
    endings: dict[str, str] = field(default_factory=dict)  # signature → done, failed, diverged, blocked
    reasons: dict[str, str] = field(default_factory=dict)
    running: set[str] = field(default_factory=set)  # by this pool
    elsewhere: set[str] = field(default_factory=set)  # by another launcher

    @property
    def open(self) -> bool:
        """Whether anything is left to do."""
        return len(self.endings) < len(self.stages)

    def end(self, signature: str, ending: str, reason: str = "") -> None:
        """Note how a stage ended; what rests on a failed stage is blocked."""
        self.endings[signature] = ending
        self.reasons[signature] = reason
        self.running.discard(signature)
        self.elsewhere.discard(signature)
        if ending == "done":
            return
        for child in self.stages.values():
            if child.signature not in self.endings and any(p.signature == signature for p in child.parents):
                self.end(child.signature, "blocked", f"its {self.stages[signature].kind} {ending}: {reason}")


def processes_for(threads: int | None, stages: int) -> int:
    """How many workers of `threads` threads fit this machine's cores and free memory, and have something to do."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    by_memory = int(psutil.virtual_memory().available // WORKER_BYTES)
    return max(1, min(cores // (threads or cores), by_memory, stages))


def environment_for(threads: int | None) -> dict[str, str]:
    """The environment of a process that trains with so many threads."""
    environment = MALLOC | os.environ
    if threads is not None:
        environment |= dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(threads))
    return environment


def startable(ready: Sequence[Stage], busy: Sequence[Stage]) -> Sequence[Stage]:
    """Those of the `ready` stages that may begin while others are `busy`, in their order.

    A stage that measures time comes last, begins when nothing is busy, and none begins beside it.
    """
    if any(stage.recipe.ALONE for stage in busy):
        return ()
    shared = [stage for stage in ready if not stage.recipe.ALONE]
    return shared if shared or busy else ready[:1]


class _Worker:
    """A worker process and the stage it is at."""

    def __init__(self, home: Path, threads: int | None, answers: queue.Queue[tuple[_Worker, str | None]]) -> None:
        self.at: str | None = None
        self.ready = False  # has imported what it needs
        self.errors = home / "workers.log"
        with self.errors.open("ab") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "mae_core.launch.worker", "--home", str(home)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment_for(threads),
                start_new_session=True,  # Ctrl-C is the launcher's affair; workers save and stop when told
            )  # fmt: skip
        self.listening = threading.Thread(target=self._listen, args=(answers,), daemon=True)
        self.listening.start()

    def _listen(self, answers: queue.Queue[tuple[_Worker, str | None]]) -> None:
        assert self.process.stdout is not None
        with self.process.stdout:
            for line in self.process.stdout:
                answers.put((self, line))
        answers.put((self, None))

    def order(self, signature: str) -> None:
        assert self.process.stdin is not None
        self.at = signature
        with contextlib.suppress(BrokenPipeError):  # its death is noticed where answers are read
            self.process.stdin.write(json.dumps({"signature": signature}) + "\n")
            self.process.stdin.flush()

    def dismiss(self) -> None:
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):
            self.process.stdin.close()


class Pool:
    """Runs a plan's stages and keeps its board."""

    def __init__(self, store: Store, stages: Iterable[Stage], threads: int | None) -> None:
        self.store, self.threads = store, threads
        self.board = Board({stage.signature: stage for stage in stages})
        self._answers: queue.Queue[tuple[_Worker, str | None]] = queue.Queue()
        self._workers: list[_Worker] = []
        self._tries: dict[str, int] = {}
        self._not_before: dict[str, float] = {}
        self._order = sorted(self.board.stages.values(), key=cost, reverse=True)  # long stages first: no late straggler

    def run(self, tick: Callable[[Board], None]) -> Board:
        """Do everything; `tick` is called about twice a second. On an interruption workers save before it is raised."""
        for signature in self.board.stages:
            if self.store.run(signature).finished is not None:
                self.board.end(signature, "done")
        try:
            while self.board.open:
                self._hire()
                self._assign()
                tick(self.board)
                self._listen()
            tick(self.board)
        finally:
            self._dismiss()
        return self.board

    @property
    def _busy(self) -> list[Stage]:
        """What runs here, and what another launcher, on this machine perhaps, has in hand of what may share it."""
        elsewhere = (self.board.stages[signature] for signature in self.board.elsewhere)
        here = [self.board.stages[signature] for signature in self.board.running]
        return here + [stage for stage in elsewhere if not stage.recipe.ALONE]

    def _hire(self) -> None:
        if any(stage.recipe.ALONE for stage in self._busy):
            return
        wanted = processes_for(self.threads, len(self.board.stages) - len(self.board.endings))
        while len(self._workers) < wanted:
            self._workers.append(_Worker(self.store.home, self.threads, self._answers))

    def _ready(self) -> Iterable[Stage]:
        now = time.monotonic()
        for stage in self._order:
            signature = stage.signature
            if signature in self.board.endings or signature in self.board.running:
                continue
            if self._not_before.get(signature, 0.0) > now:
                continue
            if all(self.board.endings.get(parent.signature) == "done" for parent in stage.parents):
                yield stage

    def _assign(self) -> None:
        chosen = startable(list(self._ready()), self._busy)
        if any(stage.recipe.ALONE for stage in chosen) and not all(worker.ready for worker in self._workers):
            return  # a worker that begins keeps a core busy for seconds
        ready = iter(chosen)
        for worker in self._workers:
            if worker.at is None and (stage := next(ready, None)) is not None:
                self.board.running.add(stage.signature)
                self.board.elsewhere.discard(stage.signature)
                worker.order(stage.signature)

    def _listen(self) -> None:
        try:
            worker, line = self._answers.get(timeout=0.5)
        except queue.Empty:
            return
        if line is None:
            self._died(worker)
            return
        answer = json.loads(line)
        signature = answer.get("signature")
        if signature is None:
            worker.ready = True
            return
        worker.at = None
        self.board.running.discard(signature)
        ending = answer["ending"]
        if ending in ("busy", "waiting", "stopped"):
            self.board.elsewhere.add(signature)
            self._not_before[signature] = time.monotonic() + LOOK_AGAIN_SECONDS
        else:
            self.board.end(signature, ending, answer["reason"])

    def _died(self, worker: _Worker) -> None:
        """Replace a dead worker; its stage is tried again from its checkpoint, a few times."""
        self._workers.remove(worker)
        code, signature = worker.process.wait(), worker.at
        if signature is None:
            if not self._tries.get("", 0) < TRIES:
                raise RuntimeError(f"workers do not start; see {worker.errors}")
            self._tries[""] = self._tries.get("", 0) + 1
            return
        self.board.running.discard(signature)
        self._tries[signature] = self._tries.get(signature, 0) + 1
        if self._tries[signature] >= TRIES:
            how = f"signal {-code}" if code < 0 else f"exit status {code}"
            self.board.end(signature, "failed", f"its worker died {TRIES} times, last by {how}; see {worker.errors}")

    def _dismiss(self) -> None:
        for worker in self._workers:
            worker.dismiss()
        deadline = time.monotonic() + STOP_SECONDS
        for worker in self._workers:
            try:
                worker.process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                worker.process.kill()  # nothing is lost: it goes on from its last checkpoint
                worker.process.wait()
            worker.listening.join(1.0)
