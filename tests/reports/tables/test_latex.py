"""What LaTeX is given compiles, whatever characters are in it: each sign, and the tables of every ablation."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pylatexenc.latexwalker import LatexWalker

from ablations.paper import ABLATIONS
from reports.report import _write_tables
from reports.tables.facts import facts
from reports.tables.latex import latex_of
from reports.tables.quantities import quantities
from reports.tables.rows import baseline_rows, table_rows
from tests.reports.laboratory import Laboratory

PAGE = "\\documentclass{article}\\usepackage{booktabs,graphicx}\\begin{document}\n%s\n\\end{document}\n"


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """The `table.tex` of every ablation, all its numbers there."""
    found = {}
    for name, ablation in ABLATIONS.items():
        folder = tmp_path_factory.mktemp(name)
        results = Laboratory(folder, ablation).imagine(lambda cell: 70.0 + cell.seed, seeds=3)
        told = facts(results, None, {}, [])
        _write_tables(results, table_rows(results), baseline_rows(results), quantities(results), told, folder)
        found[name] = (folder / "table.tex").read_text(encoding="utf-8")
    return found


def compiled(text: str, folder: Path) -> str:
    """What the compiler says of an article of `text`; the test is skipped where there is none."""
    program = shutil.which("tectonic") or shutil.which("pdflatex")
    if program is None:
        pytest.skip("no LaTeX here (Debian: apt-get install texlive-latex-base)")
    (folder / "page.tex").write_text(PAGE % text, encoding="utf-8")
    words = [program] if "tectonic" in program else [program, "-interaction=nonstopmode", "-halt-on-error"]
    ran = subprocess.run([*words, "page.tex"], cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert ran.returncode == 0, ran.stdout[-2000:]
    return ran.stdout


def test_tables_of_every_ablation_are_plain_latex_that_can_be_read(tables: Mapping[str, str]) -> None:
    for name, text in tables.items():
        assert text.isascii(), (name, {sign for sign in text if not sign.isascii()})
        LatexWalker(PAGE % text, tolerant_parsing=False).get_latex_nodes()
    assert "10$^{9}$ bytes" in tables["wall_clock"]
    assert all("-baselines}" in tables[name] for name in ("mask_ratio", "wall_clock"))


def test_tables_of_every_ablation_compile_and_fit_their_pages(tables: Mapping[str, str], tmp_path: Path) -> None:
    assert "Float too large" not in compiled("\n\\clearpage\n".join(tables.values()), tmp_path)


def test_every_character_that_a_label_may_have_compiles(tmp_path: Path) -> None:
    signs = [chr(code) for code in [*range(0x2600), 0x4E2D, 0xFB01, 0xFEFF, 0x1F600]]
    lines = "".join(f"{latex_of(sign)} \\\\\n" for sign in dict.fromkeys(signs) if latex_of(sign).strip())
    rows = lines.splitlines(keepends=True)
    pages = ["".join(rows[at : at + 40]) for at in range(0, len(rows), 40)]
    compiled("\n\\clearpage\n".join(f"\\begin{{tabular}}{{l}}{page}\\end{{tabular}}" for page in pages), tmp_path)


@given(st.text())
def test_any_text_becomes_one_paragraph_of_balanced_ascii(text: str) -> None:
    latex = latex_of(text)
    assert latex.isascii()
    assert latex.isprintable()
    bare = latex.replace("\\\\", "").replace(r"\$", "").replace(r"\{", "").replace(r"\}", "")
    assert bare.count("$") % 2 == 0
    assert bare.count("{") == bare.count("}")


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("10⁹ bytes", "10$^{9}$ bytes"),
        ("x₂ ≥ α, Ω ≤ ς", r"x$_{2}$ $\geq$ $\alpha$, $\Omega$ $\leq$ $\varsigma$"),
        ("é ü ﬁ ½", r"\'{e} \"{u} fi 1/2"),
        ("中", "(U+4E2D)"),
        ("[a]\n\n*b*", "{[}a] {*}b{*}"),
    ],
)
def test_signs_are_printed_as_what_they_mean(text: str, latex: str) -> None:
    assert latex_of(text) == latex
