"""The record of a study: read as it was written, or absent; its trials' stages are labelled like cells."""

import json
from pathlib import Path
from typing import Any

from mae_core.store.files import read_sealed, write_sealed
from mae_core.tracking.content.labels import read_labels
from mae_core.tracking.studies.record import origin_of, read_studies


def test_a_study_is_read_as_it_was_written(written: Any, tmp_path: Path) -> None:
    trials = written.trial(0), written.trial(1, state="pruned", value=None, reason="after 3 epochs")
    written.write(*trials)
    assert list(read_studies(tmp_path)) == [written.study(*trials)]


def test_what_is_written_later_takes_the_place_of_what_was_there(written: Any, tmp_path: Path) -> None:
    assert written.write(written.trial(0)) == written.write(written.trial(0), written.trial(1))
    (found,) = read_studies(tmp_path)
    assert len(found.trials) == 2


def test_a_damaged_record_counts_as_absent(written: Any, tmp_path: Path) -> None:
    path = written.write(written.trial(0))
    path.write_text(path.read_text().replace("tpe", "gp"))
    assert list(read_studies(tmp_path)) == []


def test_a_record_of_another_version_counts_as_absent(written: Any, tmp_path: Path) -> None:
    path = written.write(written.trial(0))
    content = json.loads(json.dumps(read_sealed(path)))
    del content["study"]["trials"][0]["reason"]
    write_sealed(path, content)
    assert list(read_studies(tmp_path)) == []


def test_a_trials_stage_is_found_by_the_trials_name(written: Any, tmp_path: Path) -> None:
    written.write(written.trial(3))
    (label,) = read_labels(tmp_path)[written.stage.signature]
    assert (label.ablation, label.cell) == ("sweep-finetune_lr", "sweep-finetune_lr/trial-3/finetune/0")


def test_studies_of_one_name_that_began_apart_are_two() -> None:
    assert origin_of("finetune_lr", "mini", "fashion_mnist", 1.0) != origin_of("finetune_lr", "mini", "digits", 1.0)
    assert origin_of("finetune_lr", "mini", "fashion_mnist", 1.0) != origin_of("finetune_lr", "mini", "digits", 2.0)
