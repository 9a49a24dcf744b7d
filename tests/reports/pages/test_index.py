"""The index names every ablation, built or not."""

import json
from pathlib import Path

from reports.pages.index import lines, write

FACTS = {
    "ablation": "mask_ratio", "title": "Masking ratio", "source": "Figure 5", "scale": "mini", "data": "mine",
    "seeds": 3, "counts": {"failed": 1, "done": 23}, "verdict": "5 < 6.",
}  # fmt: skip


def put(reports: Path, **facts: str) -> None:
    """A report of those facts."""
    made = FACTS | facts
    folder = reports / "by-scale" / f"{made['scale']}-{made['data']}" / str(made["ablation"])
    folder.mkdir(parents=True)
    (folder / "report.json").write_text(json.dumps(made))


def test_ablation_without_a_report_is_not_run_yet(tmp_path: Path) -> None:
    assert [(line.title, line.state) for line in lines(tmp_path)] == [("Masking ratio", "not run yet")]


def test_each_scale_has_its_line_and_its_state(tmp_path: Path) -> None:
    put(tmp_path)
    put(tmp_path, scale="smoke")
    found = [(line.setting, line.state) for line in lines(tmp_path)]
    assert found == [("mini, mine, n = 3", "1 failed, 23 done"), ("smoke, mine, n = 3", "1 failed, 23 done")]


def test_reports_of_ones_own_specs_follow_the_papers(tmp_path: Path) -> None:
    put(tmp_path, ablation="decoder_heads", title="Decoder heads")
    assert [line.title for line in lines(tmp_path)] == ["Masking ratio", "Decoder heads"]


def test_page_links_to_files_and_escapes_words(tmp_path: Path) -> None:
    put(tmp_path)
    (tmp_path / "by-scale" / "broken" / "x").mkdir(parents=True)
    (tmp_path / "by-scale" / "broken" / "x" / "report.json").write_text("{")
    page = write(tmp_path).read_text()
    assert '<a href="by-scale/mini-mine/mask_ratio/report.html">Masking ratio</a>' in page
    assert 'href="by-scale/mini-mine/mask_ratio/table.csv"' in page
    assert "5 &lt; 6." in page
