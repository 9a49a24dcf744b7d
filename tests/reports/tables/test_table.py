"""Tables in the paper's layout: what is marked, what is joined, what is escaped."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from pylatexenc.latexwalker import LatexWalker

from ablations.paper import ABLATIONS
from ablations.spec import Case
from mae_core.recipes import BASELINE
from reports.pages import sheet
from reports.tables.caption import caption
from reports.tables.rows import baseline_rows, table_rows
from reports.tables.table import (
    DIFFERENCES,
    MARKS,
    Layout,
    Line,
    baseline_layout,
    latex,
    layout,
    markdown,
    ours,
    side_by_side,
)
from tests.reports.laboratory import Laboratory


def printed(laboratory: Laboratory, seeds: int = 1) -> Layout:
    """The table where linear probing is done with 70 per cent and half a point more each seed."""
    results = laboratory.imagine(lambda c: 70.0 + c.seed / 2 if c.protocol == "linear_probe" else None, seeds)
    return layout(results, table_rows(results))


def test_head_says_what_ours_was_measured_on(three_rows: Laboratory) -> None:
    assert printed(three_rows).head == (
        "masking ratio (%)",
        "fine-tuning, ours (smoke, fashion_mnist, 256 labels, n = 1)",
        "difference",
        "fine-tuning, paper (ViT-L/16, ImageNet-1K)",
        "paper's difference",
        "linear probing, ours (smoke, fashion_mnist, 256 labels, n = 1)",
        "difference",
        "linear probing, paper (ViT-L/16, ImageNet-1K)",
        "paper's difference",
    )


def test_heads_say_over_how_many_seeds_their_own_numbers_are(three_rows: Laboratory) -> None:
    """Three were asked for: fine-tuning has one, linear probing two or three, logistic regression one run for all."""
    done = {"finetune": 1, "linear_probe": 3, "logistic_regression": 3}
    results = three_rows.imagine(lambda c: 70.0 if c.seed < done[c.protocol] - (c.case.key == "10") else None, 3)
    heads = layout(results, table_rows(results)).head
    assert [head.rsplit(", ", 1)[1] for head in heads if "ours" in head] == ["n = 1)", "n = 2–3)"]
    assert baseline_layout(results, baseline_rows(results)).head[-1].endswith("n = 1–3)")


def test_line_has_our_mean_spread_and_n_beside_the_papers_number(three_rows: Laboratory) -> None:
    assert printed(three_rows, seeds=3).lines[0].cells == (
        "10 %", "missing", "", "83.2", "-1.7", "70.50 ± 0.50 (3)", "+0.00", "54.6", "-18.9"
    )  # fmt: skip


def test_rows_printed_as_one_have_the_papers_number_each_or_one_for_all(tmp_path: Path) -> None:
    results = Laboratory(tmp_path, ABLATIONS["decoder_depth"]).imagine(lambda _: None)
    line = layout(results, table_rows(results)).lines[0].cells  # 1, 2 and 4 blocks are one at smoke
    assert {"84.8 / 84.9 / 84.9", "-0.1 / +0.0 / +0.0", "65.5 / 70.0 / 71.9"} <= set(line)
    assert side_by_side(["84.9", "", "84.9"]) == "84.9"


def test_default_row_is_marked_in_markdown_and_latex(three_rows: Laboratory) -> None:
    table = printed(three_rows)
    assert "| *75 % (default)* | *missing* |  | *84.9* |" in markdown(table)
    assert r"\textit{75 \% (default)} & \textit{missing}" in latex(table, [], "mask_ratio")


def bold(laboratory: Laboratory, lead: float, seeds: int) -> list[str]:
    """The bold cells where 10 % leads linear probing by that much, each row with its own noise."""
    noise = {"10": (0.0, 0.3, 0.1), "75": (0.2, 0.0, 0.3), "90": (0.1, 0.2, 0.0)}
    results = laboratory.imagine(
        lambda c: lead * (c.case.key == "10") + noise[c.case.key][c.seed] if c.case.key in noise else None, seeds
    )
    return [line.cells[at] for line in layout(results, table_rows(results)).lines for at in line.best]


@pytest.mark.parametrize(("lead", "seeds", "count"), [(5.0, 3, 2), (0.1, 3, 0), (5.0, 2, 0)])
def test_best_is_bold_only_beyond_seed_noise(three_rows: Laboratory, lead: float, seeds: int, count: int) -> None:
    assert len(bold(three_rows, lead, seeds)) == count


def test_nothing_is_bold_while_a_row_is_missing(three_rows: Laboratory) -> None:
    results = three_rows.imagine(lambda c: {"10": 60.0, "75": 80.0}.get(c.case.key, 0) + c.seed or None, 3)
    assert any(line.best for line in layout(results, table_rows(results)).lines) is False
    done = three_rows.imagine(lambda c: {"10": 60.0, "75": 80.0, "90": 70.0}.get(c.case.key, 0) + c.seed / 10, 3)
    assert [bool(line.best) for line in layout(done, table_rows(done)).lines] == [False, True, False]


def test_columns_of_numbers_on_other_data_say_on_which(tmp_path: Path) -> None:
    results = Laboratory(tmp_path, ABLATIONS["transfer_classification"]).imagine(lambda _: 70.0)
    heads = [*layout(results, table_rows(results)).head, *baseline_layout(results, baseline_rows(results)).head]
    told = [head for head in heads if "smoke" in head]
    assert len(told) == 2
    assert all("pre-trained on fashion_mnist, evaluated on digits" in head for head in told)
    assert {row.data for row in table_rows(results)} == {"fashion_mnist"}  # a contract: the data of the launch


def test_hours_and_losses_have_their_own_decimals(three_rows: Laboratory) -> None:
    results = three_rows.imagine(lambda _: 0.12345)
    rows = [replace(row, protocol=p) for row in table_rows(results)[:1] for p in ("wall_clock", "pretrain", "finetune")]
    assert [ours(row) for row in rows] == ["0.123 (1)", "0.1235 (1)", "0.12 (1)"]


def test_half_done_row_shows_its_number_and_its_status(three_rows: Laboratory) -> None:
    results = three_rows.imagine(lambda c: 70.0 if c.seed == 0 else None, seeds=2)
    assert layout(results, table_rows(results)).lines[0].cells[1] == "70.00 (1), missing"


def test_difference_says_its_pairs_where_a_mean_beside_it_has_more_seeds(three_rows: Laboratory) -> None:
    results = three_rows.imagine(lambda c: None if c.seed and c.case.key == "10" else 70.0 + c.seed, seeds=3)
    first, _, last = layout(results, table_rows(results)).lines
    assert (first.cells[1:3], last.cells[2]) == (("70.00 (1), missing", "+0.00 (1)"), "+0.00")


def test_rows_that_coincide_at_the_scale_are_printed_once(three_rows: Laboratory) -> None:
    depths = [Case(str(d), f"{d} blocks", replace(BASELINE, decoder_depth=d)) for d in (1, 2, 4, 8)]
    three_rows.ablation = replace(three_rows.ablation, cases=tuple(depths), default="8")
    table = printed(three_rows)
    assert [line.cells[:2] for line in table.lines] == [
        ("1 blocks = 2 blocks = 4 blocks", "decoder_depth 1"),
        ("8 blocks (default)", "decoder_depth 2"),
    ]


def test_cited_and_needs_rows_are_printed_apart(three_rows: Laboratory) -> None:
    cases = (Case("igpt", "iGPT", cited=True, paper={"finetune": 72.6}), Case("dino", "DINO", needs="DINO weights"))
    three_rows.ablation = replace(three_rows.ablation, cases=three_rows.ablation.cases + cases)
    assert [(*line.cells[:2], line.cells[3]) for line in printed(three_rows).lines[3:]] == [
        ("iGPT", "cited", "72.6"),
        ("DINO", "needs", ""),
    ]


def test_baselines_are_a_table_of_their_own(three_rows: Laboratory) -> None:
    results = three_rows.imagine(lambda c: 80.0 if c.case.key == "raw_pixels" else None)
    first = baseline_layout(results, baseline_rows(results)).lines[0]
    assert first.cells == ("logistic regression on raw pixels", "logistic regression", "80.00 (1)")


@pytest.mark.parametrize("sign", ["%", "_", "&", "#", "$", "{", "~"])
def test_latex_escapes_what_it_would_read(sign: str) -> None:
    table = Layout(("head",), (Line((f"a{sign}b",), default=False),))
    assert f"a{sign}b" not in latex(table, [f"a{sign}b"], "x")


def test_latex_is_a_booktabs_table(three_rows: Laboratory) -> None:
    text = latex(printed(three_rows, seeds=2), ["Half ± more"], "mask_ratio")
    rules = [text.index(rule) for rule in (r"\toprule", r"\midrule", r"\bottomrule", r"\end{tabular}")]
    assert rules == sorted(rules)
    assert r"70.25 $\pm$ 0.35 (2)" in text
    assert text.count(" \\\\\n") == 4


def test_latex_caption_is_one_paragraph_and_notes_follow_the_table(three_rows: Laboratory) -> None:
    text = latex(printed(three_rows, seeds=2), ["What it is.", "A long note."], "mask_ratio")
    assert "\\caption{What it is.}" in text
    assert text.index("A long note.") > text.index("\\end{tabular}")


def test_latex_compiles(three_rows: Laboratory, tmp_path: Path) -> None:
    odd = replace(three_rows.ablation.cases[0], label="50 % of {a_b} & #1 ~ $x$ ≤ é")
    three_rows.ablation = replace(three_rows.ablation, cases=(odd, *three_rows.ablation.cases[1:]))
    compiles(latex(printed(three_rows, seeds=2), ["Mean ± half, 1×2 → τ", "50 % of notes"], "mask_ratio"), tmp_path)


def compiles(table: str, folder: Path) -> None:
    """Assert that an article compiles with that table, on one page; where there is no LaTeX, that it can be read."""
    page = f"\\documentclass{{article}}\\usepackage{{booktabs,graphicx}}\\begin{{document}}{table}\\end{{document}}"
    (folder / "page.tex").write_text(page, encoding="utf-8")
    program = shutil.which("tectonic") or shutil.which("pdflatex")
    if program is None:
        LatexWalker(page, tolerant_parsing=False).get_latex_nodes()
        return
    words = [program] if "tectonic" in program else [program, "-interaction=nonstopmode", "-halt-on-error"]
    ran = subprocess.run([*words, "page.tex"], cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stdout[-2000:]
    assert "Float too large" not in ran.stdout


@pytest.mark.parametrize("name", ["robustness", "partial_finetune", "transfer_classification"])
def test_latex_of_long_tables_compiles_and_fits_a_page(tmp_path: Path, name: str) -> None:
    results = Laboratory(tmp_path, ABLATIONS[name]).imagine(lambda _: 70.0, seeds=3)
    notes = [*caption(results), f"{MARKS} {DIFFERENCES}"]
    compiles(latex(layout(results, table_rows(results)), notes, name), tmp_path)


def test_latex_of_table_1_compiles_and_fits_a_page(tmp_path: Path) -> None:
    tokens = Laboratory(tmp_path / "home", ABLATIONS["mask_token"])
    tokens.finish_all({"with": 70.0, "without": 71.0}, seeds=2)
    folder = sheet.build(tokens.scale, tokens.info, tokens.home, tokens.home, 2)
    compiles((folder / "table.tex").read_text(encoding="utf-8"), tmp_path)


def test_markdown_keeps_bars_inside_a_cell() -> None:
    assert r"a\|b" in markdown(Layout(("a|b",), ()))
