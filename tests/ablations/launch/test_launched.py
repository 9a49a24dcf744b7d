"""Names of what was launched: ablations, rows and cells, with the stages under them; unknown names are refused."""

import pytest

from ablations import cancel, retry
from ablations.launch.execute import prepare
from ablations.launch.launch import Launch
from ablations.launch.launched import signatures_of
from ablations.selection import select
from mae_core.data.catalogue import describe
from mae_core.errors import UserError
from mae_core.launch.slurm.launches import Launches
from mae_core.scales import SCALES
from mae_core.store.run import Store


@pytest.fixture
def store(home):
    prepare(Launch(select(["mask_ratio"]), SCALES["smoke"], 1, describe("fashion_mnist", home), home))
    return Store(home)


def kinds(store, *names):
    return [signature.partition("-")[0] for signature in signatures_of(store, names)]


def test_a_cell_is_its_stage_after_those_it_rests_on(store):
    assert kinds(store, "mask_ratio/75/finetune/0") == ["pretrain", "finetune"]


def test_a_row_has_a_stage_for_each_column_and_one_pretraining(store):
    assert sorted(kinds(store, "mask_ratio:75")) == ["finetune", "linear_probe", "pretrain"]


@pytest.mark.parametrize(("name", "stages"), [("mask_ratio:75/finetune", 2), ("mask_ratio/logistic_regression", 2)])
def test_a_protocol_has_its_own_stages_and_what_they_rest_on(store, name, stages):
    assert len(kinds(store, name)) == stages


def test_an_ablation_is_everything_that_was_launched_for_it(store):
    assert len(kinds(store, "mask_ratio")) == len(kinds(store, "all")) == len(store.runs())


@pytest.mark.parametrize("command", [cancel.main, retry.main])
def test_a_name_that_was_never_launched_is_refused(store, command, capsys):
    assert command(["mask_ration", "--home", str(store.home)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    with pytest.raises(UserError, match="mask_ration"):
        signatures_of(store, ["mask_ration"])


def test_cancelling_a_row_spares_what_other_rows_need(store, tmp_path, monkeypatch):
    (tmp_path / "squeue").write_text("#!/bin/sh\n")
    (tmp_path / "squeue").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert cancel.main(["mask_ratio/75/finetune/0", "--home", str(store.home)]) == 0
    assert {signature.partition("-")[0] for signature in Launches(store.home).marked()} == {"finetune"}
