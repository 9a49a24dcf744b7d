"""The pre-training step against other code bases, and against the machine."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import torch

from benchmarks.equipment.duel import duel, spread
from benchmarks.equipment.limit import flops_of, product_rates
from benchmarks.equipment.peers import MINI, PEERS, VIT_B, Shape, feature_pass, finetuning
from benchmarks.equipment.result import Line

ROUNDS = {"mini": 15, "ViT-B/16 224": 5}
DTYPES = ("float32", "bfloat16")
SHARES = {"float32": 0.9, "bfloat16": 0.7}  # the goals


def lines() -> Iterator[Line]:
    """The ratios, size by size and dtype by dtype."""
    for shape in (MINI, VIT_B):
        for dtype in DTYPES:
            yield from _against_peers(shape, dtype)
    yield from _against_limit(VIT_B)
    for what, make in (("fine-tuning step", finetuning), ("feature pass", feature_pass)):
        yield from _shares(what, make, VIT_B)


def _against_peers(shape: Shape, dtype: str) -> Iterator[Line]:
    threads = torch.get_num_threads()
    fought = duel({name: make(shape, dtype) for name, make in PEERS.items()}, ROUNDS[shape.name], warm_up=2)
    for rival in list(PEERS)[1:]:
        goal = 1.05 if (shape, dtype) == (VIT_B, "float32") and rival != "plain timm blocks" else None
        where = f"{shape.name}, {dtype}, {threads} threads"
        yield Line("pre-training step", where, rival, fought.ratio("ours", rival), goal=goal)


def _against_limit(shape: Shape) -> Iterator[Line]:
    """bfloat16 against the best peer's float32, and the share of the matrix-product rate in both."""
    contestants = {"bfloat16": PEERS["ours"](shape, "bfloat16")}
    contestants |= {name: make(shape, "float32") for name, make in PEERS.items()}
    fought = duel(contestants, ROUNDS[shape.name], warm_up=2)
    best = min(list(PEERS)[1:], key=fought.median)
    ratio = fought.ratio("bfloat16", best)
    yield Line("pre-training step", f"{shape.name}, bfloat16", f"{best} in float32", ratio, goal=1.95)
    yield from _shares("pre-training step", PEERS["ours"], shape)


def _shares(what: str, make: Callable[[Shape, str], Callable[[], None]], shape: Shape) -> Iterator[Line]:
    """The share of the matrix-product rate that a stage's work reaches, the rate measured anew beside each round.

    The limit is the faster library's rate; where that is not `torch.mm`, the share of the latter's stands beside.
    """
    for dtype in DTYPES:
        run = make(shape, dtype)
        flops, reached, rates = flops_of(run), [], []
        for _ in range(ROUNDS[shape.name]):
            rates.append(product_rates(getattr(torch, dtype)))
            begun = time.perf_counter()
            run()
            reached.append(flops / (time.perf_counter() - begun))
        fastest = max(rates[0], key=lambda name: max(rate[name] for rate in rates))
        for name in dict.fromkeys((fastest, "torch.mm")):
            shares = [rate / limit[name] for rate, limit in zip(reached, rates, strict=True)]
            goal = SHARES[dtype] if name == fastest else None
            yield Line(f"{what}, share of {name}'s rate", f"{shape.name}, {dtype}", "", spread(shares), "share", goal)
