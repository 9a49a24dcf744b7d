"""The home: what only looks at it makes nothing, and an empty name is no name."""

from pathlib import Path

import pytest

from ablations import stale, status
from ablations.run import main as run
from mae_core.errors import StoreError
from mae_core.home import existing_home, home_folder, home_path
from mae_core.store.__main__ import main as store


def test_the_home_is_the_one_named_else_the_environment_s_else_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MAE_HOME", raising=False)
    assert home_path(None) == tmp_path / "out"
    monkeypatch.setenv("MAE_HOME", "elsewhere")
    assert home_path(None) == tmp_path / "elsewhere"
    assert home_path("here") == tmp_path / "here"
    assert list(tmp_path.iterdir()) == []
    assert home_folder("here").is_dir()


@pytest.mark.parametrize("find", [home_path, existing_home, home_folder])
def test_an_empty_name_is_refused(find) -> None:
    with pytest.raises(StoreError, match=r"--home is empty; name a folder"):
        find("")


@pytest.mark.parametrize(
    ("look", "words", "status_"),
    [
        (status.main, [], 0),
        (stale.main, [], 0),
        (run, ["mask_ratio", "--dry-run"], 0),
        (store, ["show"], 2),
        (store, ["verify"], 2),
        (store, ["prune"], 2),
        (store, ["export", "bundle.tar.gz"], 2),
    ],
)
def test_a_command_that_looks_makes_no_home(look, words, status_, tmp_path: Path, capsys) -> None:
    home = tmp_path / "mistyped"
    assert look([*words, "--home", str(home)]) == status_
    assert list(tmp_path.iterdir()) == []
    assert (f"There is no home {home}" in capsys.readouterr().err) is (status_ == 2)


def test_empty_data_are_refused(tmp_path: Path, capsys) -> None:
    assert run(["mask_ratio", "--data", "", "--home", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith("--data is empty")
