"""The queue: what SLURM says of our tasks, by one call of squeue and one of sacct for all of them."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mae_core.launch.slurm.arrays import PREFIX, Task
from mae_core.launch.slurm.settings import ClusterError

SECONDS = 60.0  # for SLURM to answer
_ARRAY_TASK = re.compile(r"(\d+)_(\d+)")
NODE_FAILURES = {"NODE_FAIL", "BOOT_FAIL"}


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


def scrubbed() -> dict[str, str]:
    """This environment without an allocation's variables, so that submitting from inside one leaks nothing."""
    return {name: value for name, value in os.environ.items() if not name.startswith("SLURM_") or name == "SLURM_CONF"}


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
    fields = "JobID,JobName,State,ExitCode,NodeList,Start"
    try:
        text = ask(["sacct", "-n", "-P", "-X", "-D", "-S", start, "-o", fields])
    except ClusterError:
        return None
    found: dict[Task, list[JobState]] = {}
    for line in text.splitlines():
        job, name, state, code, node, begun = line.split("|", 5)
        match = _ARRAY_TASK.fullmatch(job)
        if match and name.startswith(PREFIX):
            started = begun not in ("Unknown", "None", "")
            told = JobState(job, state.split()[0], node, exit_code=code, started=started)
            found.setdefault((name, int(match[2])), []).append(told)
    return found


def bad_nodes(past_states: Mapping[Task, list[JobState]], times: int = 2) -> list[str]:
    """Nodes under which jobs died without a word so often that they are better left alone.

    Time limits, preemptions, cancellations and memory are the job's affair, not the node's.
    """
    deaths: dict[str, int] = {}
    for states in past_states.values():
        for state in states:
            if state.node and (state.state in NODE_FAILURES or (state.state == "FAILED" and state.killed)):
                for node in _nodes(state.node):
                    deaths[node] = deaths.get(node, 0) + 1
    return sorted(node for node, count in deaths.items() if count >= times)


def _nodes(names: str) -> list[str]:
    """`n1` alone; of a job on several nodes nobody knows which one it was."""
    return [] if "[" in names or "," in names else [names]


def max_array_size() -> int:
    """Tasks that an array of this cluster may have."""
    match = re.search(r"MaxArraySize\s*=\s*(\d+)", ask(["scontrol", "show", "config"]))
    return int(match[1]) if match else 1000
