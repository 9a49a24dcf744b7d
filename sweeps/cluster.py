"""A sweep on a cluster: an array of workers, and after it the command itself, which does what is left and decides."""

from __future__ import annotations

import hashlib
from pathlib import Path

from rich.console import Console

from ablations.launch.execute import have_data
from mae_core.launch.slurm import queue
from mae_core.launch.slurm.rounds import submitting
from mae_core.launch.slurm.settings import find, load
from mae_core.launch.slurm.submitting.arrays import PREFIX
from mae_core.launch.slurm.submitting.snapshot import take_snapshot
from mae_core.launch.slurm.submitting.submission import Submitter
from sweeps.launch import Sweep

WORKERS = 8
SHAPE = "pretrain"  # what a job asks for is what its longest stage needs


def submit(sweep: Sweep, console: Console) -> int:
    """Hand the sweep to the cluster, unless it is there already; 0 once it is. Raises UserError where SLURM refuses."""
    settings = load(find(sweep.home))
    have_data(sweep.info, sweep.home)
    submitter = Submitter(sweep.home, settings, take_snapshot(sweep.home), [])
    file, workers = sweep.selected.file, sweep.workers or WORKERS
    name = job_name(sweep.home, file, sweep.scale.name, sweep.info.name)
    ends = f"{name}-end"
    common = ["--scale", sweep.scale.name, "--data", sweep.info.data, "--home", str(sweep.home), "--requeue"]
    with submitting(sweep.home):
        if any(queued in (name, ends) for queued, _ in queue.queued()):
            console.print(f"{file} is on the cluster already; see `squeue --me`.", soft_wrap=True)
            return 0
        words = ["sweeps.worker", sweep.selected.name, *common, "--trials", str(sweep.trials or 0)]
        array = submitter.command(name, SHAPE, words, sweep.scale.threads, copies=workers)
        words = ["sweeps.run", *sweep.selected.words, *common, "--seeds", str(sweep.seeds)]
        words += [] if sweep.trials is None else ["--trials", str(sweep.trials)]
        submitter.command(ends, SHAPE, words, sweep.scale.threads, after=array)
    console.print(
        f"{workers} workers are submitted as job array {array}; when they have ended, a last job repeats the best "
        "trials and writes the report. This terminal may be closed, and workers may be added here by the same command "
        "without --cluster.",
        soft_wrap=True,
    )
    return 0


def job_name(home: Path, file: str, scale: str, data: str) -> str:
    """The name of the workers' array: the same for the same sweep of the same home, at one scale on the same data."""
    return f"{PREFIX}sweep-{file}-{scale}-{data}-{home_mark(home)}"


def home_mark(home: Path) -> str:
    """What the names of all jobs of a home's sweeps have in them, and no other home's."""
    return hashlib.sha256(str(home).encode()).hexdigest()[:8]
