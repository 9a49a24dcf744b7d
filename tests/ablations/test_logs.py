"""Logs: of a stage that never began, what its job printed is all there is to see why."""

import pytest

from ablations import logs
from mae_core.launch.slurm.submitting.arrays import Arrays, JobArray, cluster_folder
from mae_core.recipes import BASELINE
from mae_core.signature import Stage
from mae_core.store.attempt import take
from mae_core.store.run import Store
from mae_core.tracking.content.labels import write_labels


@pytest.fixture
def run(tmp_path):
    """The run of one cell, submitted twice, as jobs 7 and 8."""
    stage = Stage(BASELINE)
    cell = {"name": "a/b/pretrain/0", "case": "b", "label": "b", "protocol": "pretrain", "seed": 0}
    write_labels(tmp_path, "a", "mini", "digits", [cell | {"signature": stage.signature}])
    (cluster_folder(tmp_path) / "logs").mkdir(parents=True)
    for job in ("7", "8"):
        Arrays(tmp_path).write(JobArray(f"mae-{job}", "pretrain", {3: (stage.signature,)}))
        Arrays(tmp_path).note_job(f"mae-{job}", job)
        (cluster_folder(tmp_path) / "logs" / f"{job}_3_0_log.out").write_text(f"no module named cuda{job}\n")
    return Store(tmp_path).plan(stage)


@pytest.mark.parametrize("begun", [True, False])
def test_a_jobs_output_is_printed_until_there_is_a_log(run, tmp_path, capsys, begun):
    if begun:
        (take(run.folder, 1).folder / logs.LOG).write_text("step 1\n")
    assert logs.main(["a/b/pretrain/0", "--home", str(tmp_path)]) == 0
    head, line = capsys.readouterr().out.splitlines()
    assert head.endswith("8_3_0_log.out")
    assert line == ("step 1" if begun else "no module named cuda8")
