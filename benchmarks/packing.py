"""Small steps on the whole machine: processes of one thread, as the pool packs them, against one with all threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from benchmarks.equipment.duel import Run, duel
from benchmarks.equipment.packed import Packed
from benchmarks.equipment.peers import MINI, PEERS
from benchmarks.equipment.result import Line

STEPS = 20  # of each process in a round
ROUNDS = 40  # minutes: threads that wait for each other feel what else the host does, and that comes and goes


def lines() -> Iterator[Line]:
    """As many images by the pool's processes as by one process of a rival's."""
    packed = Packed(STEPS)
    contestants: dict[str, Run] = {"packed": packed}
    for name, make in PEERS.items():
        contestants[name] = _repeated(make(MINI, "float32"), STEPS * len(packed.workers))
    try:
        fought = duel(contestants, ROUNDS, warm_up=2)
    finally:
        packed.close()
    for name in PEERS:
        rival = "the same in one process" if name == "ours" else name
        goal = 2.0 if name == "Hugging Face" else None
        yield Line("pre-training steps, whole machine", "mini, float32", rival, fought.ratio("packed", name), goal=goal)


def _repeated(step: Callable[[], None], times: int) -> Run:
    def run() -> None:
        for _ in range(times):
            step()

    return run
