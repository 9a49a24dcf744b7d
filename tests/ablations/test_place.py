"""The folder of a scale and some data: its usual name, and another only for other data of the same name."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from ablations.place import place_of
from mae_core.data.catalogue import DataInfo, describe
from mae_core.scales import SCALES

USUAL = "smoke-photos"


@pytest.fixture
def photos(tmp_path: Path) -> DataInfo:
    """A data set of a name that other folders may have."""
    return replace(describe("digits", tmp_path), name="photos", fingerprint="the first")


def told(reports: Path, info: DataInfo, folder: str = USUAL, **facts: str) -> None:
    """A report of `info` in that folder."""
    report = reports / "by-scale" / folder / "mask_ratio" / "report.json"
    report.parent.mkdir(parents=True, exist_ok=True)
    report.write_text(json.dumps({"fingerprint": info.fingerprint} | facts))


def name(reports: Path, info: DataInfo) -> str:
    return place_of(reports, SCALES["smoke"], info).name


def test_usual_name_is_that_of_the_first_data_and_stays_theirs(tmp_path: Path, photos: DataInfo) -> None:
    assert name(tmp_path, photos) == USUAL
    told(tmp_path, photos)
    others = replace(photos, fingerprint="the second")
    place = name(tmp_path, others)
    assert place.startswith(f"{USUAL}-")
    told(tmp_path, others, place)
    assert (name(tmp_path, photos), name(tmp_path, others)) == (USUAL, place)
    assert name(tmp_path, replace(photos, fingerprint="the third")) not in (USUAL, place)


def test_other_data_keep_their_place_when_the_first_are_gone(tmp_path: Path, photos: DataInfo) -> None:
    (tmp_path / "by-scale" / USUAL).mkdir(parents=True)
    told(tmp_path, replace(photos, fingerprint="the second"))
    place = name(tmp_path, photos)
    told(tmp_path, photos, place)
    (tmp_path / "by-scale" / USUAL / "mask_ratio" / "report.json").unlink()
    assert name(tmp_path, photos) == place


@pytest.mark.parametrize("fingerprint", ["", "photos:absent"])
def test_what_is_not_known_to_be_other_data_moves_nothing(tmp_path: Path, photos: DataInfo, fingerprint: str) -> None:
    told(tmp_path, photos, fingerprint=fingerprint)  # an earlier version's report, or one made before the data came
    assert name(tmp_path, photos) == USUAL
    told(tmp_path, photos)
    assert name(tmp_path, replace(photos, fingerprint="photos:absent")) == USUAL


def test_a_damaged_report_moves_nothing(tmp_path: Path, photos: DataInfo) -> None:
    told(tmp_path, photos)
    (tmp_path / "by-scale" / USUAL / "mask_ratio" / "report.json").write_text("{")
    assert name(tmp_path, photos) == USUAL
