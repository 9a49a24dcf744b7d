"""Nodes that are better left alone: on which ranks died or hung time and again."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping

from mae_core.launch.slurm import queue as slurm
from mae_core.launch.slurm.queue import JobState
from mae_core.launch.slurm.settings import ClusterError
from mae_core.launch.slurm.submitting.arrays import Task
from mae_core.store.ends import End

FAILURES = {"NODE_FAIL", "BOOT_FAIL"}
ENDED_BADLY = {"FAILED", "REQUEUED"}  # time limits, preemptions, cancellations and memory are the job's affair
GUILTY = {"killed", "crashed", "hung"}
NOWHERE = "None assigned"


def bad_nodes(
    past: Mapping[Task, list[JobState]],
    spoke: Callable[[Task, JobState], bool] = lambda *_: False,
    ends: Callable[[Task, JobState], Iterable[End]] = lambda *_: (),
    down: Callable[[], Container[str]] = lambda: (),
    times: int = 2,
) -> list[str]:
    """Nodes that failed under jobs, or on which ranks died without a word or hung, so often.

    Where jobs die on every node there is, it is not the nodes.

    Args:
        past: what accounting says.
        spoke: whether the stage has explained a job's death (of ranks on one node, the first failure has the others
            killed).
        ends: what those who started a job's ranks saw: of a job on several nodes, they alone know which it was.
        down: nodes that SLURM lost; asked for only where a job on several nodes was lost with one of them.
        times: how often is too often.
    """
    lost, died, used, seen = Counter[str](), Counter[str](), set[str](), set[End]()
    for task, states in past.items():
        for state in states:
            nodes = _nodes(state.node)
            used.update(nodes)
            if state.state in FAILURES:
                lost.update(nodes if len(nodes) == 1 else [node for node in nodes if node in down()])
            elif state.state in ENDED_BADLY:
                witnessed = {end for end in ends(task, state) if end.how in GUILTY}
                died.update(end.node for end in witnessed - seen)
                seen |= witnessed
                alone = state.state == "FAILED" and state.killed and len(nodes) == 1
                if alone and not witnessed and not spoke(task, state):
                    died.update(nodes)
    bad = {node for node in used if lost[node] + died[node] >= times}
    if len(used) > 1 and bad == used:
        bad = {node for node in used if lost[node] >= times}
    return sorted(bad)


def _nodes(names: str) -> list[str]:
    """`n[1-2]` one by one."""
    if not names or names == NOWHERE:
        return []
    if "[" not in names and "," not in names:
        return [names]
    from submitit.slurm.slurm import _parse_node_list

    found: list[str] = _parse_node_list(names)
    return found


def lost_since(since: float) -> set[str]:
    """Nodes that SLURM has marked as down since then; none where it does not say."""
    start = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(since))
    try:
        text = slurm.ask(["sacctmgr", "-n", "-P", "show", "event", f"start={start}", "format=NodeName,State"])
    except ClusterError:
        return set()
    told = (line.split("|") for line in text.splitlines() if "|" in line)
    return {node for node, state, *_ in told if node and state.upper().startswith("DOWN")}
