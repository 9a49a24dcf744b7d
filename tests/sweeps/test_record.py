"""The record of a study: what has ended stands in it as it ended, and only that."""

from dataclasses import replace

import pytest

from mae_core.data.catalogue import describe
from mae_core.scales import SMOKE
from mae_core.tracking.content.labels import read_labels
from mae_core.tracking.studies.record import read_studies
from sweeps.record import Recorder
from sweeps.studies import FINETUNE_LR
from sweeps.trials import Files, Trials, register

STUDY = replace(FINETUNE_LR, sampler="quasi-random")


@pytest.fixture
def info(tmp_path):
    return describe("fashion_mnist", tmp_path)


@pytest.fixture
def trials(tmp_path, info):
    files = Files(tmp_path, STUDY.name, SMOKE, info)
    return Trials(STUDY, files, register(files), 6)


@pytest.fixture
def recorder(trials):
    return Recorder(trials)


@pytest.fixture
def ask(trials):
    return trials.next


@pytest.fixture
def read(recorder, tmp_path):
    def written():
        recorder.write()
        (study,) = read_studies(tmp_path)
        return study

    return written


def test_before_the_first_trial_nothing_is_written(recorder, tmp_path):
    recorder.write()
    assert list(read_studies(tmp_path)) == []


def test_trials_stand_in_it_as_they_ended(trials, ask, read):
    trials.complete(ask()[0], 61.5)
    pruned, _ = ask()
    pruned.report(-0.7, 1)
    trials.prune(pruned, "after 3 epochs")
    trials.fail(ask()[0], "no such file")
    trials.give_back(ask()[0])
    told = [(one.state, one.value, one.reason) for one in read().trials]
    assert told == [("complete", 61.5, ""), ("pruned", None, "after 3 epochs"), ("failed", None, "no such file")]
    assert len(read().counted) == 2


def test_settings_are_those_the_stages_were_given(trials, ask, read):
    trial, stage = ask()
    trials.complete(trial, 61.5)
    (told,) = read().trials
    assert told.settings == {name: getattr(stage.recipe, name.partition(".")[2]) for name in STUDY.space}
    assert told.found == trial.params
    assert told.signature == stage.signature


def test_the_stage_of_a_trial_under_way_is_labelled_but_it_has_not_ended(ask, read, tmp_path):
    _, stage = ask()
    assert read().trials == ()
    assert [label.case for label in read_labels(tmp_path)[stage.signature]] == ["trial-0"]


def test_what_did_not_change_is_not_written_again(trials, ask, read, recorder, tmp_path):
    trials.complete(ask()[0], 61.5)
    read()
    (path,) = (tmp_path / "plans").glob("*.json")
    before = path.stat().st_ino
    recorder.write()
    assert path.stat().st_ino == before
    ask()
    recorder.write()
    assert path.stat().st_ino != before


def test_every_writer_writes_the_same_study(trials, ask, read, tmp_path):
    trials.complete(ask()[0], 61.5)
    first = read()
    other = Trials(STUDY, trials.files, register(trials.files), 6)
    Recorder(other).write()
    assert list(read_studies(tmp_path)) == [first]


def test_a_record_that_cannot_be_written_ends_no_search(trials, ask, recorder, tmp_path):
    trials.complete(ask()[0], 61.5)
    (tmp_path / "plans").write_text("in the way of the folder")
    recorder.write()
    (tmp_path / "plans").unlink()
    recorder.write()
    assert len(list(read_studies(tmp_path))) == 1
