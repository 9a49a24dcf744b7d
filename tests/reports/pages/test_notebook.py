"""The notebook's kernel: what it runs, and that its death costs no report."""

from pathlib import Path

from reports.pages.notebook import Kernel, assemble, html


def test_kernel_runs_where_the_notebook_will_lie_and_finds_reports(tmp_path: Path) -> None:
    made = assemble("Title", [("# Text", "import os; print(os.getcwd()); 6 * 7")])
    with Kernel(tmp_path) as kernel:
        assert kernel.execute(made) == ""
    printed, shown = made["cells"][3]["outputs"]
    assert (printed["text"].strip(), shown["data"]["text/plain"]) == (str(tmp_path), "42")


def test_kernel_that_dies_is_told_not_raised(tmp_path: Path) -> None:
    with Kernel(tmp_path) as kernel:
        assert "died" in kernel.execute(assemble("Title", [("# Text", "import os; os._exit(1)")])).lower()


def test_equal_reports_are_equal_notebooks() -> None:
    assert assemble("Title", [("# Text", "1")]) == assemble("Title", [("# Text", "1")])


def test_page_needs_no_network() -> None:
    page = html(assemble("A < B", [("# Text", "")]))
    assert "<title>A &lt; B</title>" in page
    assert "http" not in page
    assert "<script" not in page
