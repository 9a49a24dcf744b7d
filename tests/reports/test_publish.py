"""Published pages: every built report once, in the paper's order, with its figure and its claims."""

import re
from pathlib import Path

import pytest

from reports.build import main as build
from reports.publish import main, publish
from tests.reports.laboratory import Laboratory


@pytest.fixture
def reports(laboratory: Laboratory) -> Path:
    laboratory.finish_all({"75": 71.0, "10": 60.0})
    build(["mask_ratio", "--scale", "smoke", "--home", str(laboratory.home)])
    return laboratory.home / "reports" / "by-scale" / "smoke-fashion_mnist"


def test_page_shows_all_that_is_built_and_links_to_files_that_are_there(reports: Path, tmp_path: Path) -> None:
    folder = tmp_path / "published"
    assert publish(reports, folder) == ["mask_ratio"]
    page = (folder / "README.md").read_text()
    linked = [target for target in re.findall(r"\]\(([^)]+)\)", page) if not target.startswith("#")]
    assert {"mask_ratio.png", "mask_ratio.md"} <= set(linked)
    assert all((folder / target).is_file() for target in linked)
    assert "(#masking-ratio-figure-5)" in page
    assert "cannot tell yet" in page
    assert (folder / "mask_ratio.md").read_bytes() == (reports / "mask_ratio" / "table.md").read_bytes()


def test_what_was_published_before_is_replaced(reports: Path, tmp_path: Path) -> None:
    words = [str(tmp_path / "published"), "--scale", "smoke", "--home", str(reports.parents[2])]
    assert main(words) == 0
    (tmp_path / "published" / "schedule.md").write_text("of an earlier publication")
    assert main(words) == 0
    assert not (tmp_path / "published" / "schedule.md").exists()


@pytest.mark.parametrize(("scale", "into"), [("mini", "published"), ("smoke", "precious"), ("huge", "published")])
def test_nothing_built_or_something_else_in_the_way_is_one_sentence(
    reports: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], scale: str, into: str
) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "thesis.tex").write_text("years of work")
    capsys.readouterr()
    assert main([str(tmp_path / into), "--scale", scale, "--home", str(reports.parents[2])]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert (tmp_path / "precious" / "thesis.tex").is_file()
