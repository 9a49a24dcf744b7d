"""An empty home to fill with made-up numbers, for all ten masking ratios or for three of them."""

from dataclasses import replace
from pathlib import Path

import pytest

from ablations.paper.mask_ratio import ABLATION
from tests.reports.laboratory import Laboratory


@pytest.fixture
def laboratory(tmp_path: Path) -> Laboratory:
    """Ten rows."""
    return Laboratory(tmp_path / "home", ABLATION)


@pytest.fixture
def three_rows(tmp_path: Path) -> Laboratory:
    """The ratios 10, 75 and 90, without claims."""
    rows = tuple(ABLATION.case(key) for key in ("10", "75", "90"))
    return Laboratory(tmp_path / "home", replace(ABLATION, cases=rows, claims=()))
