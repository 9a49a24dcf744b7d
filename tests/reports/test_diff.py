"""Comparing two result sets: seeds in pairs, and what differs besides the numbers is said."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ablations.plan import Plan
from mae_core.store.__main__ import main as store
from mae_core.tracking.content.labels import write_labels
from reports.diff import compare, main
from tests.reports.laboratory import PROVENANCE, Laboratory

ROW = ("mask_ratio", "smoke", "fashion_mnist", "75", "linear_probe")


@pytest.fixture
def pair(three_rows: Laboratory, tmp_path: Path) -> tuple[Laboratory, Laboratory]:
    """Two homes, empty."""
    return replace(three_rows, home=tmp_path / "a"), replace(three_rows, home=tmp_path / "b")


def measured(laboratory: Laboratory, values: list[float], provenance: Mapping[str, Any] = PROVENANCE) -> Path:
    """The linear probes of row 75, a value for each seed; the home."""
    for seed, value in enumerate(values):
        cell = laboratory.cell(f"/75/linear_probe/{seed}")
        for stage in Plan.of([cell]).stages.values():
            laboratory.end(stage, metrics={"top1": value, "loss": value}, provenance=provenance)
        told = {"name": cell.name, "case": "75", "label": "75 %", "protocol": "linear_probe", "seed": seed}
        assert cell.stage is not None
        signature = {"signature": cell.stage.signature}
        write_labels(laboratory.home, "mask_ratio", "smoke", "fashion_mnist", [told | signature])
    return laboratory.home


@pytest.mark.parametrize(
    ("ours", "theirs", "verdict"),
    [
        ([70.0, 71.0], [70.0, 71.0], "equal"),
        ([70.0], [70.5], "differs (one seed)"),
        ([70.0, 71.0, 72.0], [75.0, 76.1, 77.0], "differs beyond seeds"),
        ([70.0, 71.0, 72.0], [71.0, 70.5, 72.4], "differs within seeds"),
        ([70.0], [], "only in A"),
    ],
)
def test_verdict_follows_the_paired_interval(
    pair: tuple[Laboratory, Laboratory], ours: list[float], theirs: list[float], verdict: str
) -> None:
    a, b = (measured(*side) for side in zip(pair, (ours, theirs), strict=True))
    (one,) = compare(a, b)
    assert (one.key, one.verdict) == (ROW, verdict)


def test_other_code_and_device_are_said(pair: tuple[Laboratory, Laboratory]) -> None:
    a = measured(pair[0], [70.0])
    b = measured(pair[1], [70.0], {**PROVENANCE, "commit": "f" * 16, "device": "cuda"})
    assert [one.verdict for one in compare(a, b)] == ["equal, code differs, device differs"]


def test_one_run_for_all_seeds_is_one_number_without_a_spread(pair: tuple[Laboratory, Laboratory]) -> None:
    for laboratory, value in zip(pair, (80.0, 81.0), strict=True):
        stage = laboratory.cell("/raw_pixels/logistic_regression/0").stage
        assert stage is not None
        laboratory.end(stage, metrics={"top1": value})
        told = {"case": "raw_pixels", "label": "raw pixels", "protocol": "logistic_regression"}
        cells = [told | {"name": f"{n}", "seed": n, "signature": stage.signature} for n in range(3)]
        write_labels(laboratory.home, "mask_ratio", "smoke", "fashion_mnist", cells)
    (one,) = compare(pair[0].home, pair[1].home)
    assert (one.difference.n, one.verdict) == (1, "differs (one seed)")


def test_home_and_its_bundle_are_equal(
    pair: tuple[Laboratory, Laboratory], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home, bundle = measured(pair[0], [70.0, 71.0]), tmp_path / "results.tar.gz"
    store(["export", str(bundle), "--home", str(home)])
    assert main([str(home), str(bundle)]) == 0
    assert "1 of 1 rows and columns in both: 1 equal" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["{a}", "nowhere"], ["{a}", "{a}", "decoder_depth"]])
def test_nothing_to_compare_is_one_sentence_and_exit_2(
    pair: tuple[Laboratory, Laboratory], capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    home = measured(pair[0], [70.0])
    assert main([word.format(a=home) for word in words]) == 2
    assert capsys.readouterr().err.count("\n") == 1
