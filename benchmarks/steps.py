"""The pre-training step against other code bases, and against the machine."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from benchmarks.duel import duel, spread
from benchmarks.limit import product_rate, step_flops
from benchmarks.packed import Packed
from benchmarks.peers import MINI, PEERS, VIT_B, Shape
from benchmarks.result import Line

ROUNDS = {"mini": 15, "ViT-B/16 224": 5}
STEPS = 20  # of each process in a round


def lines() -> Iterator[Line]:
    """The ratios, size by size and dtype by dtype."""
    for shape in (MINI, VIT_B):
        yield from _against_peers(shape, "float32")
    yield _whole_machine()
    yield from _against_limit(VIT_B)


def _against_peers(shape: Shape, dtype: str) -> Iterator[Line]:
    threads = torch.get_num_threads()
    fought = duel({name: make(shape, dtype) for name, make in PEERS.items()}, ROUNDS[shape.name], warm_up=2)
    for rival in list(PEERS)[1:]:
        yield Line(
            "pre-training step", f"{shape.name}, {dtype}, {threads} threads", f"{rival}", fought.ratio("ours", rival)
        )


def _whole_machine() -> Line:
    """As many images by the pool's processes of one thread each as by one process that has all threads."""
    packed, theirs = Packed(STEPS), PEERS["Hugging Face"](MINI, "float32")

    def as_much() -> None:
        for _ in range(STEPS * len(packed.workers)):
            theirs()

    try:
        fought = duel({"ours": packed, "theirs": as_much}, ROUNDS["mini"], warm_up=2)
    finally:
        packed.close()
    return Line("pre-training steps, whole machine", "mini, float32", "Hugging Face", fought.ratio("ours", "theirs"))


def _against_limit(shape: Shape) -> Iterator[Line]:
    """bfloat16 against the best peer's float32, and the share of the matrix-product rate in both."""
    contestants = {"bfloat16": PEERS["ours"](shape, "bfloat16")}
    contestants |= {name: make(shape, "float32") for name, make in PEERS.items()}
    fought = duel(contestants, ROUNDS[shape.name], warm_up=2)
    best = min(list(PEERS)[1:], key=fought.median)
    yield Line("pre-training step", f"{shape.name}, bfloat16", f"{best} in float32", fought.ratio("bfloat16", best))
    flops = step_flops(shape)
    for name, dtype in (("ours", torch.float32), ("bfloat16", torch.bfloat16)):
        rate = product_rate(dtype)
        shares = [flops / seconds / rate for seconds in fought.seconds[name]]
        where = f"{shape.name}, {dtype}".replace("torch.", "")
        yield Line("share of the matrix-product rate", where, "", spread(shares), "share")
