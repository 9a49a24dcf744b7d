"""The way back: a tracker alone gives the tables that the store gave."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ablations.plan import Plan
from mae_core.errors import TrackerError
from mae_core.store.run import Store
from mae_core.tracking.content.labels import write_labels
from mae_core.tracking.destination import SQLITE
from mae_core.tracking.environment import ENVIRONMENT
from mae_core.tracking.recovery.recovered import recovered
from reports.build import main
from reports.results import Results, collect, metric
from reports.tables.rows import baseline_rows, table_rows, write_cells
from tests.reports.laboratory import Laboratory


def launch(laboratory: Laboratory, seeds: int) -> None:
    """Write down what is asked for, as launches do."""
    for stage in Plan.of(laboratory.cells(seeds)).stages.values():
        Store(laboratory.home).plan(stage)
    cells = [
        {"name": c.name, "case": c.case.key, "label": c.case.label, "protocol": c.protocol, "seed": c.seed}
        | {"signature": c.stage.signature}
        for c in laboratory.cells(seeds)
        if c.stage is not None
    ]
    write_labels(laboratory.home, laboratory.ablation.name, laboratory.scale.name, "fashion_mnist", cells)


@pytest.fixture
def synced(empty_database: Path) -> Callable[[Path], str]:
    """Brings a home's database up to date; its address."""

    def sync(home: Path) -> str:
        shutil.copy(empty_database, home / "mlflow.db")
        words = ["-m", "mae_core.tracking", "sync", "--home", str(home)]
        subprocess.run([sys.executable, *words], check=True, env=os.environ | ENVIRONMENT, capture_output=True)
        return f"{SQLITE}{home / 'mlflow.db'}"

    return sync


@pytest.fixture
def busy(laboratory: Laboratory) -> Laboratory:
    """Cells that are done, failed, under way and missing, two seeds."""
    laboratory.finish_all({"75": 71.123456789012345, "10": 60.1, "20": 61.7}, seeds=2)
    stages = {key: laboratory.cell(f"/{key}/linear_probe/0").stage for key in ("30", "40", "50")}
    pretrainings = {key: stage.parents[0] for key, stage in stages.items() if stage is not None}
    laboratory.end(pretrainings["30"], "failed", reason="MemoryError: no memory")
    laboratory.end(pretrainings["40"], "diverged", reason="the loss is nan at step 3")
    laboratory.take(pretrainings["50"])
    launch(laboratory, 2)
    return laboratory


def everything(results: Results, folder: Path) -> Iterator[object]:
    """All that tables and figures are made of."""
    yield table_rows(results)
    yield baseline_rows(results)
    yield results.records
    write_cells(results, folder / "cells.csv")
    yield (folder / "cells.csv").read_text()


def logged(database: str) -> dict[tuple[str, str], float]:
    """Signature and metric → its value, as the tracker's own tables have it."""
    query = (
        "SELECT tags.value, metrics.key, metrics.value FROM latest_metrics AS metrics JOIN tags USING (run_uuid) "
        "WHERE tags.key = 'mae.signature'"
    )
    with closing(sqlite3.connect(database.removeprefix(SQLITE))) as tables:
        return {(signature, key): value for signature, key, value in tables.execute(query)}


def test_every_number_and_status_is_the_stores(busy: Laboratory, synced: Callable[[Path], str], tmp_path: Path) -> None:
    database, ours = synced(busy.home), busy.results(2)
    with recovered(database, "smoke", "fashion_mnist") as memory:
        theirs = collect(busy.ablation, busy.scale, busy.info, memory, 2)
        panels = {path.parts[-3]: path.read_bytes() for path in memory.glob("runs/*/attempt-1/panels.npz")}
    assert list(everything(theirs, tmp_path)) == list(everything(ours, tmp_path))
    metrics, done = logged(database), [result for result in ours.everything if result.value is not None]
    assert {result.cell.case.key for result in done} >= {"75", "10", "20", "raw_pixels", "untrained", "scratch"}
    for result in done:
        assert result.cell.stage is not None
        assert metrics[result.cell.stage.signature, metric(result.cell.protocol)[0]] == result.value
    assert panels == {path.parts[-3]: path.read_bytes() for path in busy.home.glob("runs/*/attempt-1/panels.npz")}


@pytest.mark.drill  # two reports, a sync and the way back: a minute; the test above holds their contents
def test_report_built_in_an_empty_home_is_the_same_to_the_byte(
    three_rows: Laboratory, synced: Callable[[Path], str], tmp_path: Path
) -> None:
    three_rows.finish_all({"75": 71.1, "10": 60.1})
    launch(three_rows, 1)
    uri, fresh = synced(three_rows.home), tmp_path / "fresh"
    words = ["mask_ratio", "--scale", "smoke"]
    assert main([*words, "--home", str(three_rows.home)]) == 0
    assert main([*words, "--home", str(fresh), "--mlflow", uri]) == 0
    ours, theirs = (home / "reports" / "mask_ratio" for home in (three_rows.home, fresh))
    timed = {"report.html", "report.ipynb"}  # a notebook says when it was executed
    names = {path.name for path in ours.iterdir()} - timed
    assert {path.name for path in theirs.iterdir()} - timed == names
    for name in names:
        assert (theirs / name).read_bytes() == (ours / name).read_bytes(), name


def test_run_whose_record_is_not_there_is_said_and_not_left_out(
    three_rows: Laboratory, synced: Callable[[Path], str]
) -> None:
    three_rows.finish_all({"75": 71.1})
    launch(three_rows, 1)
    uri = synced(three_rows.home)
    for record in three_rows.home.glob("mlartifacts/**/record.json"):
        record.unlink()
    with pytest.raises(TrackerError, match="no whole record; repeat"), recovered(uri, "smoke", "fashion_mnist"):
        pass


@pytest.mark.parametrize(
    ("uri", "said"),
    [("sqlite:///{0}/none.db", "There is no database"), ("http://127.0.0.1:9", "cannot be reached")],
)
def test_tracker_that_is_not_there_is_one_sentence_and_exit_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], uri: str, said: str
) -> None:
    assert main(["mask_ratio", "--home", str(tmp_path), "--mlflow", uri.format(tmp_path)]) == 2
    printed = capsys.readouterr().err
    assert said in printed
    assert printed.count("\n") == 1
