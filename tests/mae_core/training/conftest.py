"""Run folders, and a training that nothing disturbed."""

import pytest

from tests.mae_core.training.line import trained


@pytest.fixture
def run(tmp_path):
    (tmp_path / "run").mkdir()
    return tmp_path / "run"


@pytest.fixture
def undisturbed(tmp_path):
    (tmp_path / "undisturbed").mkdir()
    return trained(tmp_path / "undisturbed", 1)
