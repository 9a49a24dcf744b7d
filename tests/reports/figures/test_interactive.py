"""The interactive comparison: what is told apart by its name is told apart by its look."""

from pathlib import Path

import pandas as pd

from ablations.paper import ABLATIONS
from reports.figures.interactive import comparison
from reports.tables.facts import facts
from reports.tables.rows import table_rows, write_rows
from tests.reports.laboratory import Laboratory


def test_each_series_has_its_own_colour_and_symbol(tmp_path: Path) -> None:
    results = Laboratory(tmp_path, ABLATIONS["model_size"]).imagine(lambda cell: 70.0)
    write_rows(table_rows(results), tmp_path / "table.csv")
    rows = pd.read_csv(tmp_path / "table.csv", dtype={"case_key": str})
    axes = facts(results, None, {}, [])["axes"]
    ours = [trace for trace in comparison(rows, rows[:0], axes).figure.data if trace.name.endswith(", ours")]
    assert [trace.name for trace in ours] == [
        "fine-tuning, MAE, IN1K, ours",
        "fine-tuning, supervised, IN1K, ours, ours",
    ]
    assert len({trace.line.color for trace in ours}) == len({trace.marker.symbol for trace in ours}) == 2
