"""The command: its exit status, and one sentence where it cannot do what it is asked."""

from contextlib import nullcontext
from pathlib import Path

import pytest

import reports.build
from ablations.run import main as main_of_launch
from reports.build import main
from tests.reports.laboratory import Laboratory


def ran(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Exit status, what was printed, and the complaint."""
    try:
        status = main(list(words))
    except SystemExit as ended:  # bad usage
        status = int(ended.code or 0)
    printed = capsys.readouterr()
    return status, printed.out, printed.err


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ([], "NAME"),
        (["mask_ratoi"], "did you mean mask_ratio?"),
        (["mask_ratio:11"], "has no case '11'"),
        (["mask_ratio", "--scale", "huge"], "There is no scale 'huge'"),
        (["mask_ratio", "--seeds", "0"], "write 1 or more"),
        (["mask_ratio", "--seeds", "many"], "invalid int value"),
        (["mask_ratio", "--data", "nowhere"], "'nowhere'"),
        (["mask_ratio", "--scale", "smoke"], "There is no run of mask_ratio at scale smoke on fashion_mnist"),
        (["all"], "There is no run of all"),
        (["table_1"], "There is no run of table_1"),
    ],
)
def test_bad_usage_and_nothing_to_report_are_one_sentence(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, words: list[str], complaint: str
) -> None:
    status, printed, error = ran(capsys, *words, "--home", str(tmp_path))
    assert (status, printed, error.count("\n")) == (2, "", 1)
    assert complaint in error
    assert not (tmp_path / "reports").exists()


PARTS = "decoder_depth decoder_width mask_token target augmentation mask_sampling"


@pytest.mark.parametrize(
    ("words", "command"),
    [
        ("mask_ratio/finetune --scale small --data digits", "mask_ratio/finetune --scale small --data digits"),
        ("mask_ratio:75 wall_clock", "mask_ratio:75 wall_clock --scale mini"),
        ("table_1 --scale smoke", f"{PARTS} --scale smoke"),
        ("all", "all --scale mini"),
    ],
)
def test_refusal_names_the_launch_that_would_give_what_was_asked_for(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, words: str, command: str
) -> None:
    error = ran(capsys, *words.split(), "--home", str(tmp_path))[2]
    launch = f"python -m ablations.run {command} --home {tmp_path}"
    assert f"`{launch}`" in error
    assert main_of_launch([*launch.split()[3:], "--dry-run"]) == 0


def test_failed_cell_has_a_report_and_status_1(laboratory: Laboratory, capsys: pytest.CaptureFixture[str]) -> None:
    for seed in range(2):
        laboratory.finish(laboratory.cell(f"/75/linear_probe/{seed}"), 71.0)
    stage = laboratory.cell("/10/linear_probe/0").stage
    assert stage is not None
    laboratory.end(stage.parents[0], "failed", reason="MemoryError: no memory")
    status, printed, _ = ran(capsys, "mask_ratio", "--scale", "smoke", "--home", str(laboratory.home))
    assert status == 1
    assert "2 failed" in printed
    assert "n = 2" in (laboratory.home / "reports" / "mask_ratio" / "table.md").read_text()


def test_row_asked_for_alone_decides_the_status(laboratory: Laboratory, capsys: pytest.CaptureFixture[str]) -> None:
    for protocol in ("finetune", "linear_probe"):
        laboratory.finish(laboratory.cell(f"/75/{protocol}/0"), 71.0)
    stage = laboratory.cell("/10/linear_probe/0").stage
    assert stage is not None
    laboratory.end(stage.parents[0], "failed", reason="MemoryError: no memory")
    status, printed, _ = ran(capsys, "mask_ratio:75", "--scale", "smoke", "--home", str(laboratory.home))
    assert (status, "mask_ratio: 2 done." in printed) == (0, True)
    status, printed, _ = ran(capsys, "mask_ratio:75/finetune", "--scale", "smoke", "--home", str(laboratory.home))
    assert (status, "mask_ratio: 1 done." in printed) == (0, True)


def test_report_from_a_tracker_shows_its_numbers_and_lies_in_the_home(
    laboratory: Laboratory, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    laboratory.finish(laboratory.cell("/75/linear_probe/0"), 71.25)
    monkeypatch.setattr(
        reports.build, "recovered", lambda *_: nullcontext(laboratory.home)
    )  # what the tracker gives back
    words = ["mask_ratio", "--scale", "smoke", "--home", str(tmp_path / "fresh"), "--mlflow", "sqlite:///some.db"]
    assert ran(capsys, *words)[0] == 0
    assert "71.25" in (tmp_path / "fresh" / "reports" / "mask_ratio" / "table.md").read_text()
    assert not (laboratory.home / "reports").exists()
