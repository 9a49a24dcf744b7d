"""Table 1 on one page: six parts, the same numbers as the reports', LaTeX that is read without complaint."""

import csv
import html
import json
from pathlib import Path

import pytest
from pylatexenc.latexwalker import LatexWalker

from ablations.paper import ABLATIONS
from ablations.spec import Cell
from mae_core.data.catalogue import describe
from mae_core.scales import SCALES
from reports.pages import sheet
from reports.pages.page import inline
from reports.pages.sheet import build, compact, parts
from reports.tables.latex import latex_of
from reports.tables.rows import table_rows
from tests.reports.laboratory import BASELINES, Laboratory

SMOKE = SCALES["smoke"]


def number(cell: Cell) -> float:
    """Depth 8 leads by far, the other rows differ by their seeds alone."""
    return 90.0 + cell.seed / 10 if cell.case.key == "8" else 70.0 + cell.seed


def test_six_parts_stand_in_the_papers_order() -> None:
    assert [part.source for part in parts()] == [f"Table 1{letter}" for letter in "abcdef"]


def test_part_has_ours_and_the_papers_side_by_side(tmp_path: Path) -> None:
    depth = Laboratory(tmp_path, parts()[0])
    results = depth.imagine(number, seeds=3)
    table = compact(results, table_rows(results))
    default = next(line for line in table.lines if line.default)
    heads = [f"{protocol}, {who}" for protocol in ("ft", "lin") for who in ("ours", "Δ", "paper")]
    assert table.head == (depth.ablation.axis, *heads)
    assert default.cells[1:] == ("90.10 ± 0.10 (3)", "", "84.9", "90.10 ± 0.10 (3)", "", "73.5")


def test_rows_of_one_run_stand_once(tmp_path: Path) -> None:
    depth = Laboratory(tmp_path, parts()[0])  # at smoke 1, 2 and 4 blocks are one
    results = depth.imagine(number, seeds=1)
    first, *others = compact(results, table_rows(results)).lines
    assert first.cells == (
        "1 block = 2 blocks = 4 blocks",
        "70.00 (1)",
        "-20.00",
        "84.8 / 84.9 / 84.9",
        "70.00 (1)",
        "-20.00",
        "65.5 / 70.0 / 71.9",
    )
    assert [line.cells[0] for line in others] == ["8 blocks", "12 blocks"]


def test_sheet_of_a_store_with_one_number_names_the_rest_missing(tmp_path: Path) -> None:
    depth = Laboratory(tmp_path / "home", parts()[0])
    depth.finish(depth.cell("8/linear_probe/0"), 71.25)
    folder = build(SMOKE, describe("fashion_mnist", depth.home), depth.home, depth.home, 1)
    page, text = ((folder / name).read_text(encoding="utf-8") for name in ("report.html", "table.md"))
    with (folder / "table.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * sum(len(part.cases) for part in parts())
    assert page.count("<section>") == text.count("###") == 7  # the last: the baselines
    assert "71.25 (1)" in page
    assert "missing" in page
    assert 'class="default"' in page
    LatexWalker((folder / "table.tex").read_text(encoding="utf-8"), tolerant_parsing=False).get_latex_nodes()
    assert (depth.home / "reports" / "table_1" / "report.html").read_text(encoding="utf-8") == page


def test_sheet_says_what_mae_does_not_beat_and_over_what_the_spread_is(tmp_path: Path) -> None:
    depth = Laboratory(tmp_path / "home", parts()[0])
    depth.finish_all({"8": 71.0}, seeds=2)
    folder = build(SMOKE, describe("fashion_mnist", depth.home), depth.home, depth.home, 2)
    against = json.loads((folder / "report.json").read_text(encoding="utf-8"))["baselines"]
    assert "does not beat logistic regression on raw pixels" in against
    for name in ("table.md", "report.html"):
        text = (folder / name).read_text(encoding="utf-8")
        assert against in html.unescape(text)
        assert "standard deviation over 2 seeds" in text
        assert "held-out train images, never on the scored ones" in text
        assert "the 1,000 scored images gives each accuracy a standard error" in text
    with (folder / "baselines.csv").open(newline="") as file:
        assert {row["case_key"] for row in csv.DictReader(file)} == set(BASELINES)
    assert (depth.home / "reports" / "table_1" / "baselines.csv").is_file()


def test_sheet_says_of_its_numbers_what_the_parts_say_of_theirs(tmp_path: Path) -> None:
    depth = Laboratory(tmp_path / "home", parts()[0])
    depth.finish_all({"8": 71.0})
    stage = depth.cell("/1/finetune/0").stage
    assert stage is not None
    other = {"commit": "fedcba9876543210", "processor": "another", "versions": {"torch": "2.14.1"}}
    depth.end(stage.parents[0], metrics={"loss": 0.1}, remarks=["2 images were damaged"], provenance=other)
    depth.end(stage, "failed", reason="MemoryError: no memory")
    folder = build(SMOKE, describe("fashion_mnist", depth.home), depth.home, depth.home, 1)
    page = html.unescape((folder / "report.html").read_text(encoding="utf-8"))
    for told in (
        "What the scale changed at the default row. Pre-training: image_size 224×224 → 32×32",
        "2 code versions and 2 devices are mixed here; the reports of the parts tell which.",
        "Pre-training: 2 images were damaged.",
    ):
        for name in ("report.html", "table.md"):
            assert told in html.unescape((folder / name).read_text(encoding="utf-8")), (name, told)
    assert f"<strong>The run failed: MemoryError: no memory.</strong> (1 block, <code>{stage.signature}</code>)" in page
    assert "MAE at the default row so far does not beat" in page  # and not at one part's name for it


def test_sheet_that_fails_half_way_leaves_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    depth = Laboratory(tmp_path / "home", parts()[0])
    where = SMOKE, describe("fashion_mnist", depth.home), depth.home, depth.home
    folder = build(*where, 1)
    before = (folder / "report.html").read_text(encoding="utf-8")
    monkeypatch.setattr(sheet, "_latex", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        build(*where, 2)
    latest = depth.home / "reports" / "table_1"
    assert all((one / "report.html").read_text(encoding="utf-8") == before for one in (folder, latest))
    assert [path.name for path in folder.parent.iterdir()] == ["table_1"]  # nothing half-written stays


def test_numbers_of_the_sheet_agree_in_all_its_files_and_with_the_reports(tmp_path: Path) -> None:
    runs: dict[str, float] = {}
    for part in parts():
        laboratory = Laboratory(tmp_path / "home", part)
        for cell in laboratory.cells(2):
            if cell.stage is not None:  # a number of its own for each run, whichever rows share it
                laboratory.finish(cell, runs.setdefault(cell.stage.signature, 10 + len(runs) + len(runs) / 1000))
    home = tmp_path / "home"
    folder = build(SMOKE, describe("fashion_mnist", home), home, home, 2)
    with (folder / "table.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    of_reports = [row for part in parts() for row in table_rows(Laboratory(home, part).results(2))]
    assert [(row["case"], float(row["mean"]), float(row["std"])) for row in rows] == [
        (row.case, row.mean, row.std) for row in of_reports
    ]
    for row in rows:
        number = f"{float(row['mean']):.2f} ± {float(row['std']):.2f} ({row['n_seeds']})"
        for name, told in (("table.md", number), ("table.tex", latex_of(number)), ("report.html", number)):
            assert told in (folder / name).read_text(encoding="utf-8"), (name, row["case"])


def test_sheet_prints_flops_beside_the_papers(tmp_path: Path) -> None:
    tokens = Laboratory(tmp_path, ABLATIONS["mask_token"])
    results = tokens.imagine(number)
    table = compact(results, table_rows(results))
    assert table.head[-2:] == ("FLOPs, ours", "FLOPs, paper")
    assert [line.cells[-2:] for line in table.lines] == [("2.59", "3.3"), ("1.00", "1.0")]


def test_code_and_bold_words_are_told_in_html_and_all_else_is_escaped() -> None:
    assert inline("**Ill.** <b> `reports.doctor **RUN**`") == (
        "<strong>Ill.</strong> &lt;b&gt; <code>reports.doctor **RUN**</code>"
    )
