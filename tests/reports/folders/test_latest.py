"""The latest report is a copy that can be changed, and its page is kept once."""

from pathlib import Path

import pytest

from reports.folders.latest import renew


def test_latest_has_the_reports_files_and_shares_only_the_page(tmp_path: Path) -> None:
    folder, latest = tmp_path / "by-scale" / "mask_ratio", tmp_path / "mask_ratio"
    folder.mkdir(parents=True)
    for name in ("report.html", "table.csv"):
        (folder / name).write_text(name)
    renew(folder, latest)
    assert {path.name: path.read_text() for path in latest.iterdir()} == {
        "report.html": "report.html",
        "table.csv": "table.csv",
    }
    assert (latest / "report.html").samefile(folder / "report.html")
    assert not (latest / "table.csv").samefile(folder / "table.csv")


def test_page_is_copied_where_the_disk_has_no_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise OSError

    monkeypatch.setattr("reports.folders.latest.os.link", refused)
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "report.html").write_text("a page")
    renew(tmp_path / "report", tmp_path / "latest")
    assert (tmp_path / "latest" / "report.html").read_text() == "a page"
