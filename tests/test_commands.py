"""Bad usage of any command is one sentence and exit status 2."""

import importlib

import pytest

COMMANDS = (
    "ablations.cancel",
    "ablations.logs",
    "ablations.retry",
    "ablations.run",
    "ablations.stale",
    "ablations.status",
    "ablations.why",
    "mae_core.convert.__main__",
    "mae_core.dalle",
    "mae_core.store.__main__",
    "reports.build",
    "reports.diff",
    "reports.doctor.__main__",
    "reports.publish",
)


@pytest.mark.parametrize("name", COMMANDS)
def test_bad_usage_of_any_command_is_one_sentence_and_exit_2(name, capsys):
    with pytest.raises(SystemExit) as ended:
        importlib.import_module(name).main(["--wishful"])
    error = capsys.readouterr().err
    assert (ended.value.code, error.count("\n")) == (2, 1)
    assert f"python -m {name.removesuffix('.__main__')}" in error
