"""What shows several reports at once follows them, whichever command built them."""

from collections.abc import Sequence
from pathlib import Path

import pytest

import ablations.run
import reports.several
from ablations.launch.launch import Launch
from ablations.paper import ABLATIONS
from ablations.selection import Selected
from reports.pages import joint, sheet
from tests.reports.laboratory import Laboratory

PARTS = [part.name for part in sheet.parts()]


@pytest.fixture
def depth(tmp_path: Path) -> Laboratory:
    """A store with one number of Table 1a, for two seeds."""
    laboratory = Laboratory(tmp_path / "home", ABLATIONS["decoder_depth"])
    for seed in range(2):
        laboratory.finish(laboratory.cell(f"/8/linear_probe/{seed}"), 71.25)
    (laboratory.home / "reports").mkdir()  # where the reports are that came before
    return laboratory


def renewed(laboratory: Laboratory, asked: Sequence[str], seeds: int | None = None) -> Path | None:
    """What `renew` says of the page."""
    return joint.renew(asked, laboratory.scale, laboratory.info, laboratory.home, laboratory.home, seeds)


def test_page_is_begun_only_when_all_its_parts_are_asked_for(depth: Laboratory) -> None:
    assert renewed(depth, PARTS[:5]) is None
    assert renewed(depth, [*PARTS, "mask_ratio"]) == sheet.folder_of(depth.scale, depth.info, depth.home)
    assert "71.25 ± 0.00 (2)" in (depth.home / "reports" / "table_1" / "table.md").read_text()
    assert "table_1/report.html" in (depth.home / "reports" / "index.html").read_text()


def test_page_that_is_there_follows_each_of_its_parts_and_no_other_report(depth: Laboratory) -> None:
    folder = renewed(depth, PARTS)
    assert folder is not None
    depth.finish(depth.cell("/12/linear_probe/0"), 66.5)
    assert renewed(depth, ["mask_ratio"]) is None
    assert "66.50" not in (folder / "table.md").read_text()
    assert renewed(depth, ["mask_token"]) == folder
    assert "66.50" in (folder / "table.md").read_text()


def test_page_has_the_most_seeds_of_its_own_parts(depth: Laboratory) -> None:
    other = Laboratory(depth.home, ABLATIONS["linear_probe_methods"])
    for seed in range(4):
        cell = other.cell(f"/mae_vit_b/linear_probe/{seed}", seeds=4)
        other.finish(cell, 60.0)
    assert renewed(depth, [*PARTS, other.ablation.name]) is not None
    assert ", n = 2;" in (depth.home / "reports" / "table_1" / "table.md").read_text()


@pytest.mark.parametrize("names", [["mask_token"], ["mask_token", "decoder_depth"]])
def test_a_launch_renews_them_once_at_its_end(
    depth: Laboratory, names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[object] = []
    monkeypatch.setattr(reports.several, "build_all", lambda orders: map(calls.append, [one.word for one in orders]))
    monkeypatch.setattr(joint, "renew", lambda asked, *_, **__: calls.append(list(asked)))
    selected = [Selected(ABLATIONS[name]) for name in names]
    launch = Launch(selected, depth.scale, 1, depth.info, depth.home)
    ablations.run._reports(launch, 1.0)
    assert calls == [*names, names]
