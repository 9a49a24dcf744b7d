"""Reports built side by side are those built one after another, whatever becomes of one of them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import reports.several
from ablations.paper import ABLATIONS
from mae_core.errors import UserError
from reports.several import Order, build_all
from tests.reports.laboratory import Laboratory

NAMES = ("mask_token", "decoder_width", "decoder_depth")
SPEC = """from ablations.paper import ABLATIONS
from dataclasses import replace

ABLATION = replace(ABLATIONS["mask_token"], name="mine", title="Mine")
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with a number of each of three ablations."""
    for name in NAMES:
        laboratory = Laboratory(tmp_path / "home", ABLATIONS[name])
        laboratory.finish(next(cell for cell in laboratory.cells(1) if cell.protocol == "linear_probe"), 71.25)
    return tmp_path / "home"


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where processes put what they need for a while."""
    folder = Path("/tmp") / f"several-{os.getpid()}-{tmp_path.name[-12:]}"  # sockets have short names
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    yield folder
    folder.rmdir()  # nothing was left there


def orders(home: Path, *words: str) -> list[Order]:
    laboratory = Laboratory(home, ABLATIONS["mask_token"])
    return [Order(word, laboratory.scale, laboratory.info, home, 1) for word in words]


def contents(home: Path) -> dict[str, bytes]:
    kept = (home / "reports").rglob("*")
    return {str(path.relative_to(home)): path.read_bytes() for path in kept if path.is_file()}


def test_processes_write_what_one_alone_writes_in_the_order_asked(
    home: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = []
    for processes in (1, 2):
        monkeypatch.setattr(reports.several, "processes_for", lambda *_, processes=processes: processes)
        built = list(build_all(orders(home, *NAMES)))
        assert tuple(one.folder.name for one in built) == NAMES
        assert all(one.counts["done"] for one in built)
        written.append(contents(home))
    assert written[0] == written[1]
    assert f"reports/{NAMES[0]}/report.ipynb" in written[1]
    assert not list(scratch.iterdir())


def test_a_spec_file_is_read_again_where_it_is_needed(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = tmp_path / "mine.py"
    spec.write_text(SPEC)
    monkeypatch.setattr(reports.several, "processes_for", lambda *_: 2)
    mine, other = build_all(orders(home, str(spec), "decoder_width"))
    assert (mine.folder.name, other.folder.name) == ("mine", "decoder_width")
    assert "Mine" in (mine.folder / "report.ipynb").read_text()


@pytest.mark.parametrize("processes", [1, 2])
def test_what_stops_one_report_is_raised_after_those_before_it(
    home: Path, processes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports.several, "processes_for", lambda *_: processes)
    building = build_all(orders(home, NAMES[0], "mask_tokem", *NAMES[1:], "mask_ratio", "target"))
    assert next(building).folder.name == NAMES[0]
    with pytest.raises(UserError, match=r"did you mean mask_token\?"):
        next(building)
    assert not (home / "reports" / "target").exists()


@pytest.mark.timeout(120)
def test_an_interrupt_ends_the_command_and_its_processes(home: Path, scratch: Path) -> None:
    command = [sys.executable, "-m", "reports.build", "all", "--scale", "smoke", "--home", str(home)]
    building = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, process_group=0)
    first = home / "reports" / "decoder_depth"
    while not first.exists() and building.poll() is None:
        time.sleep(0.05)
    os.killpg(building.pid, signal.SIGINT)
    _, complaint = building.communicate()
    assert (building.returncode, complaint) == (130, "Stopped; reports that were finished are kept.\n")
    while list(scratch.iterdir()):  # processes clear up after themselves
        time.sleep(0.05)
