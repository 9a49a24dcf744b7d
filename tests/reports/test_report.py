"""The report's folder: complete, consistent, honest about what is missing, replaced as a whole."""

import csv
import html
import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest

from ablations.paper import ABLATIONS
from ablations.paper.mask_ratio import ABLATION
from ablations.spec.claims import Alike
from mae_core.data.catalogue import describe
from mae_core.scales import SCALES
from mae_core.tracking.content.labels import write_labels
from reports.bundle import Bundle
from reports.pages.notebook import Kernel
from reports.report import Built, build
from reports.tables.latex import latex_of
from tests.reports.laboratory import Laboratory

NUMBERS = {"10": 60.0, "75": 71.2345, "75/finetune": 85.06, "90": 66.6666}
FILES = {
    "table.csv", "table.md", "table.tex", "figure.png", "figure.svg", "report.ipynb", "report.html", "baselines.csv",
    "panels.png", "cells.csv", "quantities.csv", "report.json", "curves.csv", "probes.csv", "costs.png", "costs.svg",
    "differences.png", "differences.svg",
}  # fmt: skip


@pytest.fixture(scope="module")
def kernel() -> Iterator[Kernel]:
    """One for all notebooks."""
    with Kernel() as running:
        yield running


def built_of(laboratory: Laboratory, kernel: Kernel, seeds: int = 1, only: str | None = None) -> Built:
    """Its report."""
    where = laboratory.ablation, laboratory.scale, laboratory.info, laboratory.home
    return build(*where, seeds, only=only, kernel=kernel)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, kernel: Kernel) -> Built:
    """Three rows and two seeds, all done."""
    rows = tuple(ABLATION.case(key) for key in ("10", "75", "90"))
    claims = tuple(claim for claim in ABLATION.claims if not isinstance(claim, Alike))  # that one names another row
    laboratory = Laboratory(tmp_path_factory.mktemp("finished"), replace(ABLATION, cases=rows, claims=claims))
    laboratory.finish_all(NUMBERS, seeds=2)
    return built_of(laboratory, kernel, seeds=2)


@pytest.fixture
def text(finished: Built) -> Callable[[str], str]:
    """A file of that report."""
    return lambda name: (finished.folder / name).read_text(encoding="utf-8")


def test_folder_is_complete_and_copied_as_the_latest(finished: Built) -> None:
    assert {path.name for path in finished.files} == FILES
    assert finished.folder.parts[-4:] == ("reports", "by-scale", "smoke-fashion_mnist", "mask_ratio")
    assert finished.latest == finished.folder.parents[2] / "mask_ratio"
    assert all((finished.latest / name).read_bytes() == (finished.folder / name).read_bytes() for name in FILES)


def numbers(path: Path) -> list[tuple[str, str]]:
    """The case and the number with spread and n, as tables print it, of each line of a CSV."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    spreads = [f" ± {float(row['std']):.2f}" if row["std"] else "" for row in rows]
    return [(r["case"], f"{float(r['mean']):.2f}{std} ({r['n_seeds']})") for r, std in zip(rows, spreads, strict=True)]


@pytest.mark.parametrize(("csv_name", "count"), [("table.csv", 6), ("baselines.csv", 4)])
def test_numbers_agree_in_csv_markdown_latex_and_notebook(
    finished: Built, text: Callable[[str], str], csv_name: str, count: int
) -> None:
    found = numbers(finished.folder / csv_name)
    assert len(found) == count
    for case, number in found:
        for name in ("table.md", "report.ipynb"):
            assert any(case in line and number in line for line in text(name).splitlines())
        lines = text("table.tex").splitlines()
        assert any(latex_of(case) in line and latex_of(number) in line for line in lines), (case, number)
        assert number in text("report.html")


def test_cells_hold_every_number_and_its_run(finished: Built) -> None:
    with (finished.folder / "cells.csv").open(newline="") as file:
        cells = {row["cell"]: row for row in csv.DictReader(file)}
    assert len(cells) == 2 * (6 + 4)
    cell = cells["mask_ratio/75/finetune/1"]
    assert (float(cell["value"]), cell["commit"], cell["status"]) == (pytest.approx(85.16), "0123456789abcdef", "done")
    assert cell["signature"].startswith("finetune-")


def test_baselines_stand_in_a_file_of_the_tables_columns(text: Callable[[str], str]) -> None:
    lines = text("baselines.csv").splitlines()
    assert lines[0] == text("table.csv").splitlines()[0]
    assert [line.split(",")[1] for line in lines[1:]] == ["raw_pixels", "pca_features", "untrained", "scratch"]


def test_tables_say_which_baselines_are_not_beaten(text: Callable[[str], str]) -> None:
    told = json.loads(text("report.json"))["baselines"]
    assert "MAE at the default row" in told
    assert told in text("table.md")
    assert told.partition(";")[0].partition("%")[0] in text("table.tex")


def test_notebook_is_executed_and_calls_reports(finished: Built) -> None:
    notebook = nbformat.read(finished.folder / "report.ipynb", as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.execution_count and len(cell.source) < 80 for cell in code)
    assert [cell.source for cell in code[:3]] == [
        "from reports.bundle import Bundle\n\nbundle = Bundle()",
        "bundle.figure()",
        "bundle.table()",
    ]


def test_notebook_computes_every_number_anew(finished: Built, tmp_path: Path) -> None:
    anew = Bundle(finished.folder).recomputed()
    assert len(anew) == 6 + 4
    assert anew.loc[("10", "finetune"), ["n_seeds", "mean", "diff"]].tolist() == [2, 60.05, -25.06]
    other = shutil.copytree(finished.folder, tmp_path / "other")
    table = (other / "table.csv").read_text()
    (other / "table.csv").write_text(table.replace("60.05,", "60.06,", 1))
    with pytest.raises(ValueError, match="build the report again"):
        Bundle(other).recomputed()


def test_page_shows_figure_panels_and_verdicts_without_other_files(text: Callable[[str], str]) -> None:
    page = text("report.html")
    body = page[page.index("<body>") :]  # the head holds plotly's script
    assert re.search(r"(?:src|href)=\"(?!data:|#)", body) is None
    assert page.count("plotly.js v") == 1
    for part in (
        "data:image/svg+xml;base64",
        "data:image/png;base64",
        "Does our curve follow the paper",
        "does not beat",
        "cannot tell yet",
    ):
        assert part in page


def test_page_and_notebook_list_what_the_paper_leaves_open_as_ours(text: Callable[[str], str]) -> None:
    for name in ("report.html", "report.ipynb"):
        assert "What the paper leaves open, and what we chose" in text(name)
        assert "timm's ViTs start both truncated-normal" in html.unescape(text(name))


def test_report_names_no_folder_of_the_machine(finished: Built) -> None:
    root = str(finished.folder.parents[3])
    assert [path.name for path in finished.files if root.encode() in path.read_bytes()] == []


def test_built_says_how_it_stands(finished: Built) -> None:
    assert (finished.counts, finished.failed) == ({"done": 2 * (6 + 4)}, False)
    assert finished.verdict.endswith(".")
    assert json.loads((finished.folder / "report.json").read_text())["verdict"] == finished.verdict


def test_half_finished_ablation_says_what_is_missing_and_why(three_rows: Laboratory, kernel: Kernel) -> None:
    three_rows.finish(three_rows.cell("10/finetune/0"), 80.0)
    stage = three_rows.cell("90/finetune/0").stage
    assert stage is not None
    three_rows.end(stage.parents[0], "diverged", reason="the loss was nan at step 12")
    built = built_of(three_rows, kernel)
    page = (built.folder / "report.html").read_text()
    assert (built.counts, built.failed) == ({"done": 1, "diverged": 2, "missing": 7}, True)
    assert "1 done" in page
    assert "the loss was nan at step 12" in page
    assert "mask_ratio/75/finetune/0" in page


def test_two_scales_stand_side_by_side_and_the_last_is_the_latest(three_rows: Laboratory, kernel: Kernel) -> None:
    for laboratory in (three_rows, three_rows.at("mini")):
        laboratory.finish(laboratory.cell("75/linear_probe/0"), 71.0)
        built = built_of(laboratory, kernel, only="75")
    reports = three_rows.home / "reports"
    assert {path.name for path in (reports / "by-scale").iterdir()} == {"smoke-fashion_mnist", "mini-fashion_mnist"}
    assert "at scale mini" in (reports / "mask_ratio" / "table.md").read_text()
    assert built.counts == {"done": 1, "missing": 1}
    assert not list(reports.rglob(".partial-*"))
    index = (reports / "index.html").read_text()
    assert "by-scale/smoke-fashion_mnist/mask_ratio/report.html" in index
    assert "by-scale/mini-fashion_mnist/mask_ratio/report.html" in index


def test_two_data_sets_of_one_name_have_a_folder_each(three_rows: Laboratory, kernel: Kernel) -> None:
    """The second finds the first one's runs and report under its own name, and takes neither for its own."""
    where = three_rows.ablation, three_rows.scale
    first = replace(three_rows.info, name="photos", fingerprint="photos:1")
    second = replace(first, fingerprint="photos:2")
    for info, number in ((first, 71.0), (second, 61.0)):
        cells = three_rows.ablation.cells(three_rows.scale, info, 1)
        cell = next(cell for cell in cells if cell.name.endswith("75/linear_probe/0"))
        three_rows.finish(cell, number)
        assert cell.stage is not None
        told = {"name": cell.name, "case": "75", "label": "75 %", "protocol": "linear_probe", "seed": 0}
        write_labels(three_rows.home, "mask_ratio", "smoke", info.name, [told | {"signature": cell.stage.signature}])
    built = [build(*where, info, three_rows.home, 1, kernel=kernel) for info in (first, second, first)]
    assert built[0].folder == built[2].folder != built[1].folder
    assert built[0].folder.parent.name == "smoke-photos"
    tables = [(one.folder / "table.md").read_text() for one in built]
    assert [("71.00" in text, "61.00" in text, "stale" in text) for text in tables] == [
        (True, False, False),
        (False, True, False),
        (True, False, False),
    ]


def test_one_protocol_at_the_papers_size_has_a_report_that_says_what_is_missing(tmp_path: Path, kernel: Kernel) -> None:
    laboratory, info = Laboratory(tmp_path, ABLATIONS["wall_clock"], SCALES["paper"]), describe("imagenet1k", tmp_path)
    timed = [c for c in laboratory.ablation.cells(SCALES["paper"], info, 1) if c.protocol == "wall_clock"]
    for hours, cell in enumerate(timed, 1):
        laboratory.finish(cell, 0.0, hours=hours, peak_memory_gb=hours)
    built = build(laboratory.ablation, SCALES["paper"], info, tmp_path, 1, protocol="wall_clock", kernel=kernel)
    assert (built.counts, built.failed) == ({"done": 6}, False)
    table = (built.folder / "table.md").read_text()
    assert "| ViT-H, 1 decoder block | missing |  | 85.9 | +1.0 | 6.000 (1) |" in table
    assert "| 0.67 (1) | 4.1 | 6 (1) |" in table.split("peak memory [GB], ours")[1]
    assert json.loads((built.folder / "report.json").read_text())["counts"] == {"missing": 5, "done": 6}


def test_unlabelled_data_have_a_report_of_losses(three_rows: Laboratory, kernel: Kernel) -> None:
    info = replace(three_rows.info, name="mine", labelled=False, num_classes=0)
    for cell in three_rows.ablation.cells(three_rows.scale, info, 1):
        three_rows.finish(cell, 0.25)
    built = build(three_rows.ablation, three_rows.scale, info, three_rows.home, 1, kernel=kernel)
    table = (built.folder / "table.md").read_text()
    assert built.counts == {"done": 3}
    assert "| 10 % | 0.2500 (1) |" in table
    assert "no labels" in table
