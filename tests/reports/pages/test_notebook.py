"""The notebook's kernel: what it runs, and that its death costs no report."""

from pathlib import Path

from reports.pages.notebook import Kernel, assemble, html


def test_kernel_runs_where_each_notebook_will_lie_and_survives_a_death(tmp_path: Path) -> None:
    first = assemble("Title", [("# Text", "import os; print(os.getcwd()); left = 6 * 7")])
    deadly = assemble("Title", [("# Text", "import os; os._exit(1)")])
    second = assemble("Title", [("# Text", "import os; print(os.getcwd()); 'left' in globals()")])
    places = [tmp_path / name for name in "abc"]
    for place in places:
        place.mkdir()
    with Kernel() as kernel:
        assert kernel.execute(first, places[0]) == ""
        assert kernel.execute(second, places[2]) == ""
        assert "died" in kernel.execute(deadly, places[1]).lower()
        assert kernel.execute(assemble("Title", [("# Text", "1 / 0")]), places[1]).startswith("ZeroDivisionError")
        again = assemble("Title", [("# Text", "6 * 7")])
        assert kernel.execute(again, places[1]) == ""
    printed, shown = second["cells"][3]["outputs"]
    assert (printed["text"].strip(), shown["data"]["text/plain"]) == (str(places[2]), "False")
    assert first["cells"][3]["outputs"][0]["text"].strip() == str(places[0])
    assert [cell["execution_count"] for cell in second["cells"] if cell["cell_type"] == "code"] == [1, 2]
    assert again["cells"][3]["outputs"][0]["data"]["text/plain"] == "42"


def test_equal_reports_are_equal_notebooks() -> None:
    assert assemble("Title", [("# Text", "1")]) == assemble("Title", [("# Text", "1")])


def test_page_needs_no_network() -> None:
    page = html(assemble("A < B", [("# Text", "")]))
    assert "<title>A &lt; B</title>" in page
    assert "http" not in page
    assert "<script" not in page
