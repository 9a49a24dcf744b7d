"""Pages as a real browser lays them out, at desktop and phone width, light and dark."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.image import imread

from ablations.paper import ABLATIONS
from reports.pages import index, sheet
from reports.pages.notebook import Kernel, assemble, html
from tests.reports.laboratory import Laboratory

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no chromium here (Debian: apt-get install chromium)")
DARK = "--blink-settings=preferredColorScheme=0"
PROBE = """<script>addEventListener("load", () => setTimeout(() => parent.postMessage(JSON.stringify({
  width: innerWidth, overflow: document.documentElement.scrollWidth - innerWidth,
  verdicts: [...document.querySelectorAll("td.verdict")].map(cell => [cell.offsetWidth, cell.offsetHeight]),
  hidden: [...document.querySelectorAll(".sheet table")].map(table => table.scrollWidth - table.clientWidth),
  numbers: [...document.querySelectorAll(".sheet td:not(:first-child)")].map(cell => {
    const text = document.createRange();
    text.selectNodeContents(cell);
    return new Set([...text.getClientRects()].map(line => line.top)).size;
  }),
  pictures: [...document.querySelectorAll("img")].map(image => image.offsetWidth),
  plots: document.querySelectorAll(".main-svg").length, legend: document.querySelectorAll(".legendtext").length,
  colour: getComputedStyle(document.body).backgroundColor,
}), "*"), 500))</script>"""
WIDTHS = [1280, 500, 390]
VERDICT = "Does the encoder do better without mask tokens than with them? Cannot be told yet with so few seeds. " * 4
# in frames, as a window of its own is never narrower than 500 pixels
FRAMES = """<script>const found = []; addEventListener("message", message => {
  found.push(message.data); if (found.length == 3) document.title = `[${found}]`;
})</script>
""" + "".join(f'<iframe style="border: 0" width="{width}" height="1500" src="PAGE"></iframe>' for width in WIDTHS)
SCRIPT = """
import pandas as pd
from reports.figures.interactive import losses

table = pd.DataFrame({f"column {n}": ["a long cell of a table"] * 3 for n in range(9)})
from IPython.display import SVG
picture = SVG('<svg xmlns="http://www.w3.org/2000/svg" width="710" height="200"><text y="20">A figure</text></svg>')
curves = pd.DataFrame({"case": ["a"] * 3 + ["b"] * 3, "target": "pixel", "epoch": [1, 2, 3] * 2, "loss": [3, 2, 1] * 2})
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report's page with a wide table, a long call and an interactive figure."""
    folder = tmp_path_factory.mktemp("page")
    sections = [
        ("## Table\n\nText", SCRIPT),
        ("", "table"),
        ("", "picture"),
        ("", "losses(curves, {'pixel': {'zero': 2.5}})"),
    ]
    made = assemble("A report", sections)
    with Kernel() as kernel:
        assert kernel.execute(made, folder) == ""
    path = folder / "report.html"
    path.write_text(html(made).replace("</body>", f"{PROBE}</body>"), encoding="utf-8")
    return path


def browse(page: Path, width: int, *more: str) -> str:
    """What the browser prints."""
    assert BROWSER is not None
    words = [
        BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--virtual-time-budget=5000",
        f"--user-data-dir={page.parent / 'profile'}", f"--window-size={width},1600", *more, page.as_uri(),
    ]  # fmt: skip
    return subprocess.run(words, capture_output=True, text=True, timeout=120, check=True).stdout


def measured_in(page: Path, *more: str) -> list[dict[str, Any]]:
    """What the page says of itself, the widest window first."""
    frames = page.with_name("frames.html")
    frames.write_text(FRAMES.replace("PAGE", page.name))
    found = re.search(r"<title>(\[.*?\])</title>", browse(frames, 2400, *more, "--dump-dom"))
    assert found is not None
    return sorted(json.loads(found[1]), key=lambda one: -one["width"])


@pytest.mark.parametrize(("scheme", "dark"), [((), False), ((DARK,), True)])
def test_page_fits_desktop_and_phone_in_either_scheme(page: Path, scheme: tuple[str, ...], dark: bool) -> None:
    measured = measured_in(page, *scheme)
    assert all(one["plots"] > 0 and one["legend"] == 3 for one in measured)
    assert_fits(measured, dark)


@pytest.fixture(scope="module")
def joint_pages(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """The index and Table 1's page of a store with some numbers."""
    tokens = Laboratory(tmp_path_factory.mktemp("joint") / "home", ABLATIONS["mask_token"])
    tokens.finish_all({"with": 70.0, "without": 71.0}, seeds=2)
    told = tokens.home / "reports" / "by-scale" / "smoke-fashion_mnist" / "mask_token"
    told.mkdir(parents=True)
    (told / "report.json").write_text(json.dumps({
        "ablation": "mask_token", "title": "Mask token", "source": "Table 1c", "scale": "smoke",
        "data": "fashion_mnist", "seeds": 2, "counts": {"missing": 3, "done": 1}, "verdict": VERDICT,
    }))  # fmt: skip
    folder = sheet.build(tokens.scale, tokens.info, tokens.home, tokens.home, 2)
    pages = {"index": index.write(tokens.home / "reports"), "table_1": folder / "report.html"}
    for path in pages.values():
        path.write_text(path.read_text(encoding="utf-8").replace("</body>", f"{PROBE}</body>"), encoding="utf-8")
    return pages


@pytest.mark.parametrize("name", ["index", "table_1"])
@pytest.mark.parametrize(("scheme", "dark"), [((), False), ((DARK,), True)])
def test_index_and_table_1_fit_desktop_and_phone_in_either_scheme(
    joint_pages: Mapping[str, Path], name: str, scheme: tuple[str, ...], dark: bool
) -> None:
    assert_fits(measured_in(joint_pages[name], *scheme), dark)


def test_long_verdict_in_the_index_can_be_read_at_every_width(joint_pages: Mapping[str, Path]) -> None:
    for one in measured_in(joint_pages["index"]):
        width, height = max(one["verdicts"], key=lambda size: size[1])
        assert width >= 16 * 16
        assert height < 500  # a column of two letters would be thousands high


def test_figures_keep_a_width_at_which_their_words_are_read(page: Path) -> None:
    assert [one["pictures"] for one in measured_in(page)] == [[710], [640], [640]]


def test_no_column_of_table_1_is_out_of_sight_at_a_desktop_and_no_number_is_broken(
    joint_pages: Mapping[str, Path],
) -> None:
    desktop, *phones = measured_in(joint_pages["table_1"])
    assert desktop["hidden"] == [0] * len(desktop["hidden"])
    assert len(desktop["hidden"]) == 7
    assert all(lines <= 1 for one in (desktop, *phones) for lines in one["numbers"])


def assert_fits(measured: Sequence[Mapping[str, Any]], dark: bool) -> None:
    """Assert that nothing is wider than its window, and that the page is dark or light as asked for."""
    assert [(one["width"], one["overflow"]) for one in measured] == [(width, 0) for width in WIDTHS]
    darkness = [sum(map(int, re.findall(r"\d+", one["colour"])[:3])) < 3 * 64 for one in measured]
    assert darkness == [dark] * len(WIDTHS)


def test_screenshot_is_neither_blank_nor_cut(page: Path, tmp_path: Path) -> None:
    browse(page, 1280, f"--screenshot={tmp_path / 'page.png'}")
    shot = imread(tmp_path / "page.png")[..., :3]
    assert shot.shape[:2] == (1600, 1280)
    assert len(np.unique((shot[100:1200:5, ::5] * 255).astype(int) @ [65536, 256, 1])) > 20
