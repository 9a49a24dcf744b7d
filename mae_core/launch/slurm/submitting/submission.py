"""Submission: an array's script, written by submitit, handed to sbatch."""

from __future__ import annotations

import contextlib
import io
import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import submitit
from submitit.core.utils import FailedJobError, FailedSubmissionError

from mae_core.launch.local import MALLOC
from mae_core.launch.slurm.queue import scrubbed
from mae_core.launch.slurm.settings import KEEPER, ClusterError, ClusterSettings, Shape
from mae_core.launch.slurm.submitting.arrays import JobArray, cluster_folder

LIMITED = "QOS policy"  # what SLURM says, without the number, where a user has too many jobs


class _Executor(submitit.SlurmExecutor):
    """Submits a command instead of a pickled function: what a task does stands in the array's file."""

    def submit(self, command: str, indices: str, parallel: int) -> str:  # type: ignore[override]
        """The id of the array of `indices` whose tasks run `command`."""
        more = {**self.parameters.get("additional_parameters", {}), "array": f"{indices}%{parallel}"}
        self.parameters |= {"map_count": 1, "additional_parameters": more}
        return str(self._submit_command(command).job_id)


class Submitter:
    """Submits arrays of one home under one site's settings, with the code of one snapshot."""

    def __init__(self, home: Path, settings: ClusterSettings, snapshot: Path, exclude: list[str]) -> None:
        self.home, self.settings, self.snapshot, self.exclude = home, settings, snapshot, exclude
        self.logs = cluster_folder(home) / "logs"

    def array(self, array: JobArray, after: str | None = None) -> str:
        """Submit an array; `after` is the job id of the one it waits for. Returns its job id."""
        words = ["mae_core.launch.slurm.job", "--home", str(self.home), "--array", array.name]
        shape = self.settings.shape(array.kind)
        return self._submit(array.name, shape, words, array.indices, array.threads, after and f"aftercorr:{after}")

    def keeper(self, name: str) -> str:
        """Submit the keeper, which computes nothing and so needs no data on its node."""
        words = ["mae_core.launch.slurm.keeper", "--home", str(self.home)]
        return self._submit(name, self.settings.shape(KEEPER), words, "0", 1, None, computes=False)

    def command(
        self, name: str, kind: str, words: list[str], threads: int | None, copies: int = 1, after: str | None = None
    ) -> str:
        """Submit `copies` of a module's command line in the shape of `kind`; `after`: the job whose end it awaits."""
        dependency = after and f"afterany:{after}"
        return self._submit(name, self.settings.shape(kind), words, f"0-{copies - 1}", threads, dependency)

    def _submit(
        self, name: str, shape: Shape, words: list[str], indices: str, threads: int | None, dependency: str | None,
        *, computes: bool = True,
    ) -> str:  # fmt: skip
        self.logs.mkdir(parents=True, exist_ok=True)
        try:
            with _without_allocation(), contextlib.redirect_stderr(io.StringIO()):  # submitit would print it too
                executor = _Executor(folder=self.logs)
                executor.update_parameters(**self._parameters(name, shape, dependency))
                data = self._data(shape) if computes else []
                executor.parameters["setup"] = [*self._environment(threads, shape), *self.settings.setup, *data]
                return executor.submit(self._command(words), indices, shape.parallel)
        except (FailedJobError, FailedSubmissionError) as error:
            lines = [line for line in str(error).splitlines() if "error" in line.lower()] or str(error).splitlines()
            said = lines[-1].strip() if lines else "without a word"
            hint = "; a site's limit of jobs in the queue is max_submitted in cluster.toml." if LIMITED in said else ""
            raise ClusterError(f"sbatch refused: {said}{hint}") from None
        except RuntimeError:  # no srun
            raise ClusterError(
                "There is no SLURM on this machine; submit from a machine of the cluster, or use --cluster local."
            ) from None

    def _command(self, words: list[str]) -> str:
        python = self.settings.python or sys.executable
        return f"{self.settings.container} {shlex.join([python, '-u', '-m', *words])}".strip()

    def _parameters(self, name: str, shape: Shape, dependency: str | None) -> dict[str, Any]:
        more: dict[str, Any] = {"chdir": str(self.snapshot), "requeue": True, **dict(shape.more)}
        if dependency is not None:
            more |= {"dependency": dependency, "kill-on-invalid-dep": "yes"}
        exclude = ",".join([*filter(None, [shape.exclude]), *self.exclude])
        given = {
            "partition": shape.partition,
            "account": shape.account,
            "qos": shape.qos,
            "constraint": shape.constraint,
            "exclude": exclude or None,
            "gpus_per_node": shape.gpus_per_node or None,
            "mem": f"{round(shape.mem_gb * 1024)}M" if shape.mem_gb else None,
        }
        return {
            "job_name": name,
            "time": shape.time,
            "nodes": shape.nodes,
            "ntasks_per_node": shape.ranks_per_node,
            "cpus_per_task": shape.cpus_per_rank,
            "signal_delay_s": shape.signal_seconds,
            "stderr_to_stdout": True,
            # since 22.05 srun does not take --cpus-per-task over from sbatch
            "srun_args": [f"--cpus-per-task={shape.cpus_per_rank}", "--kill-on-bad-exit=1"],
            "additional_parameters": more,
            **{name: value for name, value in given.items() if value is not None},
        }

    def _data(self, shape: Shape) -> list[str]:
        """The settings' command, once on each node of the job, and where the job finds data then."""
        each = f"srun --nodes={shape.nodes} --ntasks={shape.nodes} --ntasks-per-node=1 bash -c"
        staging = [f"{each} {shlex.quote(self.settings.stage_in)} || exit 1"] if self.settings.stage_in else []
        place = [f"export MAE_IMAGENET={shlex.quote(self.settings.imagenet)}"] if self.settings.imagenet else []
        return staging + place

    def _environment(self, threads: int | None, shape: Shape) -> list[str]:
        number = str(threads or shape.cpus_per_rank)
        variables: dict[str, str] = {"PYTHONPATH": str(self.snapshot)}
        variables |= dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), number)
        variables |= MALLOC
        if shape.micro_batch is not None:
            variables["MAE_MICRO_BATCH"] = str(shape.micro_batch)
        # where a site has jobs begin without the submitter's environment, srun would withhold this one too
        return ["unset SLURM_EXPORT_ENV", *(f"export {name}={shlex.quote(value)}" for name, value in variables.items())]


@contextlib.contextmanager
def _without_allocation() -> Iterator[None]:
    """This process's environment as `scrubbed` has it: what sbatch, run by submitit, and the jobs inherit."""
    kept, before = scrubbed(), dict(os.environ)
    os.environ.clear()
    os.environ.update(kept)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
