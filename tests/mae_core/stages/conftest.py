"""A home in which the tiny pre-training is finished: one for the session, a copy for each test."""

import shutil
from pathlib import Path

import pytest

from mae_core.signature import Stage
from tests.mae_core.stages.laboratory import PRETRAIN, Laboratory


@pytest.fixture(scope="session")
def pretrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which the tiny pre-training is finished."""
    laboratory = Laboratory(tmp_path_factory.mktemp("pretrained"))
    laboratory.done(Stage(PRETRAIN))
    return laboratory.home


@pytest.fixture
def laboratory(tmp_path: Path, pretrained: Path) -> Laboratory:
    """A home of the test's own in which the pre-training is finished already."""
    return Laboratory(shutil.copytree(pretrained, tmp_path / "home", symlinks=True))
