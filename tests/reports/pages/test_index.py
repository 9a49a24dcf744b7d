"""The index names every ablation, built or not."""

import json
from pathlib import Path

from ablations.paper import ABLATIONS
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


def of(reports: Path, title: str) -> list[tuple[str, str]]:
    """Setting and state of the lines of that title."""
    return [(line.setting, line.state) for line in lines(reports) if line.title == title]


def test_everything_of_the_paper_has_a_line(tmp_path: Path) -> None:
    found = {line.source: line.state for line in lines(tmp_path)}
    assert {ablation.source for ablation in ABLATIONS.values()} <= found.keys()
    assert (found["Figure 5"], found["Table 4"], found["Table 1"]) == (
        "not run yet",
        "not available yet",
        "not run yet",
    )
    assert "Tables 8-11" in found


def test_parts_of_table_1_are_counted_while_their_page_is_not_built(tmp_path: Path) -> None:
    put(tmp_path, ablation="mask_token", title="Mask token", source="Table 1c")
    found = {line.source: line.state for line in lines(tmp_path) if not line.page}
    assert found["Table 1"].startswith("1 of its 6 parts have reports of their own")


def test_each_scale_has_its_line_and_its_state(tmp_path: Path) -> None:
    put(tmp_path)
    put(tmp_path, scale="smoke")
    assert of(tmp_path, "Masking ratio") == [
        ("mini, mine, n = 3", "1 failed, 23 done"),
        ("smoke, mine, n = 3", "1 failed, 23 done"),
    ]


def test_reports_of_ones_own_specs_follow_the_papers(tmp_path: Path) -> None:
    put(tmp_path, ablation="decoder_heads", title="Decoder heads")
    assert [line.title for line in lines(tmp_path) if line.page] == ["Decoder heads"]
    titles = [line.title for line in lines(tmp_path)]
    assert titles.index("Decoder heads") > titles.index("Masking ratio")


def test_page_links_to_files_and_escapes_words(tmp_path: Path) -> None:
    put(tmp_path)
    (tmp_path / "by-scale" / "mini-mine" / "mask_ratio" / "table.csv").write_text("")
    (tmp_path / "by-scale" / "broken" / "x").mkdir(parents=True)
    (tmp_path / "by-scale" / "broken" / "x" / "report.json").write_text("{")
    page = write(tmp_path).read_text()
    assert '<a href="by-scale/mini-mine/mask_ratio/report.html">Masking ratio</a>' in page
    assert 'href="by-scale/mini-mine/mask_ratio/table.csv"' in page
    assert "figure.png" not in page
    assert "5 &lt; 6." in page


def test_sweeps_are_reached_from_the_index(tmp_path: Path) -> None:
    assert "<h2>Sweeps" not in write(tmp_path).read_text()
    folder = tmp_path / "by-scale" / "mini-mine" / "sweeps" / "pretrain_lr"
    folder.mkdir(parents=True)
    (folder / "report.html").write_text("")
    page = write(tmp_path).read_text()
    assert '<a href="by-scale/mini-mine/sweeps/pretrain_lr/report.html">pretrain_lr</a> (mini, mine)' in page
