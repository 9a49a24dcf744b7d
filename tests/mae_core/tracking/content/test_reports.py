"""Reports reach the tracker with the run of the default row, each build once."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mae_core.recipes import BASELINE, FINETUNE
from mae_core.signature import Stage
from mae_core.tracking.content.labels import write_labels
from mae_core.tracking.recovery.recover import recover
from mae_core.tracking.survey import nothing_to_do

DEFAULT, OTHER = (Stage(replace(FINETUNE, seed=seed), (Stage(BASELINE),)) for seed in (0, 1))
Sync = Callable[[], None]


def report(home: Path, text: str, **more: str) -> None:
    """What reports leave in a home."""
    folder = home / "reports" / "by-scale" / "mini-fashion_mnist" / "mask_ratio"
    folder.mkdir(parents=True, exist_ok=True)
    facts = {"ablation": "mask_ratio", "scale": "mini", "data": "fashion_mnist", "default": "75"} | more
    (folder / "report.json").write_text(json.dumps(facts))
    (folder / "report.html").write_text(text)
    (folder / "report.ipynb").write_text(text)


@pytest.fixture
def home(trainer: Any, tables: Any, tmp_path: Path) -> Path:
    """Two finished rows of an ablation, and its report."""
    cells = [
        {"name": f"mask_ratio/{case}/finetune/0", "case": case, "label": case, "protocol": "finetune", "seed": 0}
        | {"signature": stage.signature}
        for case, stage in (("10", OTHER), ("75", DEFAULT))
    ]
    write_labels(tmp_path, "mask_ratio", "mini", "fashion_mnist", cells)
    trainer.run(OTHER)
    trainer.run(DEFAULT)
    report(tmp_path, "first")
    return tmp_path


def sent(home: Path) -> list[tuple[str, str, str]]:
    """(run, file, content) of the reports at the destination."""
    found = sorted(home.glob("mlartifacts/*/*/artifacts/report/mask_ratio/*.*"))
    return [(path.parts[-5], path.name, path.read_text()) for path in found if path.name != "report.json"]


def test_a_report_lies_with_the_run_of_the_default_row(home: Path, tables: Any, sync: Sync) -> None:
    sync()
    run = tables.run(DEFAULT.signature)[0]
    assert sent(home) == [(run, "report.html", "first")]
    ((note,),) = tables.rows("SELECT value FROM experiment_tags WHERE key = 'mlflow.note.content'")
    assert f"/runs/{run}/artifacts/report/mask_ratio/report.html" in note


def test_a_report_of_other_data_of_the_same_name_goes_with_no_run_of_these(home: Path, tables: Any, sync: Sync) -> None:
    report(home, "second", fingerprint="another folder of that name")
    sync()
    assert sent(home) == []
    report(home, "third", fingerprint=BASELINE.fingerprint)
    sync()
    assert [text for *_, text in sent(home)] == ["third"]


def test_another_build_takes_its_place_and_the_same_is_not_sent_again(home: Path, tables: Any, sync: Sync) -> None:
    sync()
    assert nothing_to_do(home)
    report(home, "second build")
    assert not nothing_to_do(home)
    sync()
    assert [text for _, _, text in sent(home)] == ["second build"]


def test_a_report_of_an_ablation_without_a_run_is_nothing_to_do(tmp_path: Path) -> None:
    report(tmp_path, "first")
    assert nothing_to_do(tmp_path)


def test_a_torn_report_holds_up_no_run(home: Path, tables: Any, sync: Sync) -> None:
    (home / "reports/by-scale/mini-fashion_mnist/mask_ratio/report.json").write_text("{")
    sync()
    assert tables.run(DEFAULT.signature)[1] == "FINISHED"


def test_what_is_recovered_has_no_report(home: Path, tables: Any, sync: Sync, tmp_path_factory: Any) -> None:
    sync()
    fresh = tmp_path_factory.mktemp("fresh")
    assert recover(f"sqlite:///{tables.database}", fresh, "mini", "fashion_mnist") == 2
    names = {path.name for path in fresh.rglob("attempt-1/*")}
    assert names == {"owner.json", "record.json", "journal.jsonl"}
