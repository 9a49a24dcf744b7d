"""Benchmarks compare within rounds, and their contestants compute the same thing."""

import json
import time
from dataclasses import replace

import pytest
import torch

from ablations.spec import cells
from benchmarks import growth
from benchmarks.__main__ import main
from benchmarks.equipment.duel import Ratio, duel
from benchmarks.equipment.limit import flops_of, product_rates
from benchmarks.equipment.packed import Packed
from benchmarks.equipment.page import record
from benchmarks.equipment.peers import MINI, PEERS
from benchmarks.equipment.result import Line
from mae_core.model.mae import MaskedAutoencoder


def test_a_ratio_is_of_times_within_the_same_round():
    fought = duel({"ours": lambda: time.sleep(0.01), "rival": lambda: time.sleep(0.03)}, rounds=3)
    ratio = fought.ratio("ours", "rival")
    assert 1.5 < ratio.low <= ratio.median <= ratio.high < 6


def test_every_round_begins_with_another_contestant():
    begun = []
    duel({name: (lambda name=name: begun.append(name)) for name in "abc"}, rounds=3, warm_up=0)
    assert begun[0::3] == ["a", "b", "c"]


@pytest.mark.parametrize("name", [name for name in PEERS if name != "ours"])
def test_contestants_train_as_many_weights_as_we_do(name, monkeypatch):
    pytest.importorskip("lightly" if name == "lightly" else "torch")
    kept = {}
    monkeypatch.setattr(
        "benchmarks.equipment.peers.step_of", lambda loss, model, dtype: kept.update(model=model, loss=loss)
    )
    PEERS[name](MINI, "float32")
    trained = sum(p.numel() for p in kept["model"].parameters() if p.requires_grad)
    ours = sum(p.numel() for p in MaskedAutoencoder(MINI.recipe).parameters() if p.requires_grad)
    assert trained == pytest.approx(ours, rel=0.02)
    assert torch.isfinite(kept["loss"]())


def test_an_unknown_benchmark_is_one_sentence(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["stepz"])
    assert "invalid choice: 'stepz'" in capsys.readouterr().err


def test_a_recorded_benchmark_takes_its_own_place_on_the_page_and_leaves_the_others(tmp_path):
    line = Line("step", "mini", "a rival", Ratio(1.5, 1.2, 2.0))
    record("steps", [line, "a sentence"], tmp_path)
    record("growth", [replace(line, unit="slope")], tmp_path)
    record("steps", [replace(line, ratio=Ratio(3.0, 3.0, 3.0))], tmp_path)
    page, kept = (tmp_path / "benchmarks.md").read_text(), json.loads((tmp_path / "benchmarks.json").read_text())
    assert [part["lines"][0]["median"] for part in (kept["growth"], kept["steps"])] == [1.5, 3.0]
    assert "| step | mini | a rival | 3 × |  |" in page
    assert "1.5 (1.2 – 2)" in page
    assert "a sentence" not in page
    assert (tmp_path / "benchmarks.png").stat().st_size > 1000


def test_a_goal_stands_beside_its_number(tmp_path):
    line = Line("step", "mini", "a rival", Ratio(0.84, 0.8, 0.9), "share", goal=0.9)
    record("steps", [line], tmp_path)
    assert "| 84 % (80 – 90) | 90 % |" in (tmp_path / "benchmarks.md").read_text()


def test_flops_are_those_of_the_products_forward_and_backward():
    layer = torch.nn.Linear(8, 16)
    x = torch.randn(4, 8, requires_grad=True)
    # forward, and backward once for the input and once for the weight
    assert flops_of(lambda: layer(x).sum().backward()) == 3 * 2 * 4 * 8 * 16


def test_the_limit_is_measured_by_every_library_there_is():
    rates = product_rates(torch.float32, seconds=0.2)
    assert "torch.mm" in rates
    assert min(rates.values()) > 1e8


def test_planning_is_timed_without_what_an_earlier_plan_remembers(monkeypatch):
    monkeypatch.setattr(growth, "REPEATS", 2)
    remembered = []

    def plan():
        remembered.append(cells._stage.cache_info().currsize)
        made()

    made = growth._planning(20)
    growth._best(plan)
    assert remembered == [0, 0]
    assert cells._stage.cache_info().currsize > 0


def test_packed_workers_take_their_steps_and_leave():
    packed = Packed(steps=1)
    packed()
    packed.close()
    assert all(worker.returncode == 0 for worker in packed.workers)
