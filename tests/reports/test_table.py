"""Tables in the paper's layout: what is marked, what is joined, what is escaped."""

from dataclasses import replace

import pytest

from ablations.spec import Case
from mae_core.recipes import BASELINE
from reports.rows import baseline_rows, table_rows
from reports.table import Layout, Line, baseline_layout, latex, layout, markdown
from tests.reports.laboratory import Laboratory


def printed(laboratory: Laboratory, seeds: int = 1) -> Layout:
    """The table where linear probing is done with 70 per cent and half a point more each seed."""
    results = laboratory.imagine(lambda c: 70.0 + c.seed / 2 if c.protocol == "linear_probe" else None, seeds)
    return layout(results, table_rows(results))


def test_head_says_what_ours_was_measured_on(three_rows: Laboratory) -> None:
    assert printed(three_rows).head == (
        "masking ratio (%)",
        "fine-tuning, ours (smoke, fashion_mnist, 256 labels, n = 1)",
        "fine-tuning, paper (ViT-L/16, ImageNet-1K)",
        "linear probing, ours (smoke, fashion_mnist, 256 labels, n = 1)",
        "linear probing, paper (ViT-L/16, ImageNet-1K)",
    )


def test_line_has_our_mean_spread_and_n_beside_the_papers_number(three_rows: Laboratory) -> None:
    assert printed(three_rows, seeds=3).lines[0].cells == ("10 %", "missing", "83.2", "70.50 ± 0.50 (3)", "54.6")


def test_default_row_is_bold_in_markdown_and_latex(three_rows: Laboratory) -> None:
    table = printed(three_rows)
    assert "| **75 % (default)** | **missing** | **84.9** |" in markdown(table)
    assert r"\textbf{75 \% (default)} & \textbf{missing}" in latex(table, [], "mask_ratio")


def test_half_done_row_shows_its_number_and_its_status(three_rows: Laboratory) -> None:
    results = three_rows.imagine(lambda c: 70.0 if c.seed == 0 else None, seeds=2)
    assert layout(results, table_rows(results)).lines[0].cells[1] == "70.00 (1), missing"


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
    assert [line.cells[:3] for line in printed(three_rows).lines[3:]] == [
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
    assert text.count(r" \\") == 4


def test_markdown_keeps_bars_inside_a_cell() -> None:
    assert r"a\|b" in markdown(Layout(("a|b",), ()))
