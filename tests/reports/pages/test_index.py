"""The index names every ablation, built or not."""

import json
import re
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


def with_cells(home: Path, *signatures: str) -> Path:
    """A home with a report whose cells rest on runs of those names; its folder of reports."""
    put(home / "reports")
    folder = home / "reports" / "by-scale" / "mini-mine" / "mask_ratio"
    lines = ["cell,status,signature", *(f"mask_ratio/75/finetune/{n},done,{s}" for n, s in enumerate(signatures))]
    (folder / "cells.csv").write_text("\n".join(lines))
    return home / "reports"


def test_index_leads_to_the_run_behind_each_number(tmp_path: Path) -> None:
    (tmp_path / "runs" / "finetune-1").mkdir(parents=True)
    reports = with_cells(tmp_path, "finetune-1")
    page = write(reports).read_text()
    assert '<a href="by-scale/mini-mine/mask_ratio/cells.csv">cells</a>' in page
    assert '<a href="by-scale/mini-mine/runs.html#mask_ratio">runs</a>' in page
    listing = (reports / "by-scale" / "mini-mine" / "runs.html").read_text()
    links = re.findall(r'href="(\.\./\.\./\.\./runs/[^"]+)"', listing)
    assert [(reports / "by-scale" / "mini-mine" / link).resolve() for link in links] == [
        tmp_path / "runs" / "finetune-1"
    ]
    assert 'id="mask_ratio"' in listing


def test_run_that_the_home_does_not_have_is_named_without_a_link(tmp_path: Path) -> None:
    reports = with_cells(tmp_path, "finetune-1")
    write(reports)
    listing = (reports / "by-scale" / "mini-mine" / "runs.html").read_text()
    assert "<td>finetune-1</td>" in listing
    assert "runs/finetune-1" not in listing


def test_reports_own_folder_has_no_link_that_moving_it_would_break(tmp_path: Path) -> None:
    reports = with_cells(tmp_path, "finetune-1")
    write(reports)
    names = {path.name for path in (reports / "by-scale" / "mini-mine" / "mask_ratio").iterdir()}
    assert names == {"report.json", "cells.csv"}
