"""The queue: what SLURM says of our tasks, by one call of squeue and one of sacct for all of them."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mae_core.launch.slurm.settings import ClusterError
from mae_core.launch.slurm.submitting.arrays import PREFIX, Task

SECONDS = 60.0  # for SLURM to answer
_ARRAY_TASK = re.compile(r"(\d+)_(\d+)")
# what a launcher of ranks, or an allocation, tells its processes beside SLURM's own names
RANKS_OWN = {"RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"}
ALLOCATIONS_OWN = {"CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "GPU_DEVICE_ORDINAL"}


@dataclass(frozen=True)
class JobState:
    """One task of an array, as SLURM tells it."""

    job: str  # ARRAY_INDEX, the spelling that scontrol, scancel and sacct take
    state: str  # PENDING, RUNNING, …; as SLURM spells it, without what follows "CANCELLED"
    node: str = ""
    reason: str = ""  # why it waits
    exit_code: str = ""  # "status:signal"
    started: bool = True
    job_id: str = ""  # the one number that the job itself knows as SLURM_JOB_ID

    @property
    def killed(self) -> bool:
        """Whether a signal ended it: not a failure that the stage itself reported."""
        status, _, number = self.exit_code.partition(":")
        return number not in ("", "0") or (status.isdigit() and int(status) > 128)

    @property
    def held(self) -> bool:
        """Whether it waits for somebody to release it."""
        return self.state == "PENDING" and "held" in self.reason.lower()

    @property
    def unlaunched(self) -> bool:
        """Whether SLURM itself holds it, because it could not be launched."""
        return self.held and "launch" in self.reason.lower()


def scrubbed() -> dict[str, str]:
    """This environment without an allocation's variables, so that submitting from inside one leaks nothing."""
    leaks = RANKS_OWN | (ALLOCATIONS_OWN if "SLURM_JOB_ID" in os.environ else set())
    return {
        name: value
        for name, value in os.environ.items()
        if name == "SLURM_CONF" or not (name.startswith("SLURM_") or name in leaks)
    }


def ask(words: Sequence[str]) -> str:
    """What a command of SLURM prints. Raises ClusterError where it is absent, silent or refuses."""
    try:
        answer = subprocess.run(
            words, capture_output=True, text=True, timeout=SECONDS, check=True, env=scrubbed(), stdin=subprocess.DEVNULL
        )
    except FileNotFoundError:
        raise ClusterError(
            f"There is no {words[0]} on this machine; submit from a machine of the cluster, or use --cluster local."
        ) from None
    except subprocess.TimeoutExpired:
        raise ClusterError(f"{words[0]} did not answer within {SECONDS:g} s; try again when SLURM is well.") from None
    except subprocess.CalledProcessError as error:
        said = (error.stderr or error.stdout or "").strip().splitlines()
        raise ClusterError(f"{words[0]} refused: {said[-1] if said else error.returncode}.") from None
    return answer.stdout


def queued() -> dict[Task, JobState]:
    """Our tasks that wait or run."""
    text = ask(["squeue", "--me", "-r", "-h", "-o", "%A|%F|%K|%j|%T|%N|%r"])
    found: dict[Task, JobState] = {}
    for line in text.splitlines():
        job_id, job, index, name, state, node, reason = line.strip().split("|", 6)
        if name.startswith(PREFIX) and index.isdigit():
            why = "" if reason == "None" else reason
            found[name, int(index)] = JobState(f"{job}_{index}", state, node, why, job_id=job_id)
    return found


def past(since: float) -> Mapping[Task, list[JobState]] | None:
    """Every attempt of our tasks submitted since then, oldest first; None where there is no accounting.

    A requeued task has one entry for each time it ran.
    """
    start = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(since - 60))
    fields = "JobID,JobName,State,ExitCode,NodeList,Start,JobIDRaw"
    try:
        text = ask(["sacct", "-n", "-P", "-X", "-D", "-S", start, "-o", fields])
    except ClusterError:
        return None
    found: dict[Task, list[JobState]] = {}
    for line in text.splitlines():
        job, name, state, code, node, begun, job_id = line.split("|", 6)
        match = _ARRAY_TASK.fullmatch(job)
        if match and name.startswith(PREFIX):
            started = begun not in ("Unknown", "None", "")
            told = JobState(job, state.split()[0], node, exit_code=code, started=started, job_id=job_id)
            found.setdefault((name, int(match[2])), []).append(told)
    return found


def past_of(job: str) -> list[JobState]:
    """How the job of that one number ended each time it ran, oldest first; empty where there is no accounting."""
    try:
        text = ask(["sacct", "-n", "-P", "-X", "-D", "-j", job, "-o", "JobID,State,ExitCode,NodeList"])
    except ClusterError:
        return []
    lines = (line.split("|", 3) for line in text.splitlines())
    return [JobState(name, state.split()[0], node, exit_code=code, job_id=job) for name, state, code, node in lines]


def max_array_size() -> int:
    """Tasks that an array of this cluster may have."""
    said = re.findall(r"\b(?:MaxArraySize|max_array_tasks)\s*=\s*(\d+)", ask(["scontrol", "show", "config"]))
    return max(1, min((int(number) for number in said), default=1000))
