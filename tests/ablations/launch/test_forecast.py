"""The forecast: hours follow from FLOPs and the stated rate, and what cannot work is refused before it is submitted."""

import math

import pytest
from rich.console import Console

from ablations.launch.forecast import Forecast, parameters
from ablations.launch.launch import Launch
from ablations.run import main
from ablations.selection import select
from mae_core.costs import cost
from mae_core.data.catalogue import describe
from mae_core.errors import UserError
from mae_core.launch.slurm.settings import ClusterSettings
from mae_core.model.mae import MaskedAutoencoder
from mae_core.scales import SCALES
from mae_core.store.run import Store


def foretold(home, scale="paper", name="mask_ratio:75", **settings):
    launch = Launch(select([name]), SCALES[scale], 1, describe(SCALES[scale].data, home), home)
    return Forecast.of(launch.plan(), Store(home), ClusterSettings(**settings))


def test_gpu_hours_are_the_work_over_the_rate_however_many_cards_share_it(tmp_path):
    for gpus in (1, 8):
        one = foretold(tmp_path, gpus_per_node=gpus, gpu_flops=1e13, time=10**6)
        assert one.gpu_hours == pytest.approx(sum(2 * cost(stage) for stage in one.left) / 1e13 / 3600)


def test_parameters_are_those_of_the_model_but_for_biases_and_norms(tmp_path):
    stage = next(stage for stage in foretold(tmp_path, "smoke").left if stage.kind == "pretrain")
    real = sum(p.numel() for p in MaskedAutoencoder(stage.recipe).parameters() if p.requires_grad and p.ndim > 1)
    assert parameters(stage) == pytest.approx(real, rel=0.01)


def test_the_batch_is_told_as_micro_batches_accumulation_and_ranks(tmp_path, capsys):
    one = foretold(tmp_path, nodes=8, ranks_per_node=8, gpus_per_node=8, micro_batch=32, time=10**6)
    one.show(Console(width=200), tmp_path)
    assert "4096 = 32 × 2 × 64" in capsys.readouterr().out


def test_a_plan_over_the_budget_is_refused(tmp_path):
    one = foretold(tmp_path, gpus_per_node=8, time=10**6)
    one.check(math.ceil(one.gpu_hours))
    with pytest.raises(UserError, match="max-gpu-hours"):
        one.check(one.gpu_hours / 2)


def test_a_time_limit_that_ends_before_the_first_step_is_refused(tmp_path):
    with pytest.raises(UserError, match="first checkpoint"):
        foretold(tmp_path, time=5).check(None)
    foretold(tmp_path, gpus_per_node=8, time=5).check(None)


def test_finished_stages_cost_nothing(tmp_path):
    one = foretold(tmp_path)
    done = Forecast(one.plan, one.settings, frozenset(one.plan.stages), [])
    assert (done.gpu_hours, done.core_hours, done.disk_bytes) == (0, 0, (0, 0))


def test_a_dry_run_for_a_cluster_needs_no_cluster(tmp_path, monkeypatch, capsys):
    (tmp_path / "cluster.toml").write_text("[slurm]\nstages_per_job = 4\n")
    monkeypatch.chdir(tmp_path)
    assert main(["mask_ratio", "--scale", "smoke", "--cluster", "slurm", "--dry-run", "--home", str(tmp_path)]) == 0
    assert "10 pretrain" in capsys.readouterr().out


@pytest.mark.parametrize("words", [[], ["--dry-run"]])
def test_a_cluster_without_settings_is_refused_in_a_sentence(tmp_path, monkeypatch, capsys, words):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert main(["mask_ratio", "--cluster", "slurm", *words, "--home", str(tmp_path / "home")]) == 2
    message = capsys.readouterr().err
    assert "cluster.toml" in message
    assert message.count("\n") == 1


@pytest.mark.parametrize(("most", "assumed"), [(None, True), (3, False)])
def test_what_is_only_assumed_of_the_cluster_is_said(tmp_path, capsys, most, assumed):
    launch = Launch(select(["mask_ratio"]), SCALES["paper"], 1, describe(SCALES["paper"].data, tmp_path), tmp_path)
    one = Forecast.of(launch.plan(), Store(tmp_path), ClusterSettings(), most)
    one.show(Console(width=200), tmp_path)
    assert ("arrays of at most 1000 tasks are assumed" in capsys.readouterr().out) == assumed
    assert max(len(array.tasks) for array in one.arrays) <= (most or 1000)
