"""Nodes: left alone for deaths that are not the job's own, of one node or of the right one among several."""

from dataclasses import replace

import pytest

from mae_core.launch.slurm.queue import JobState
from mae_core.launch.slurm.recovery.nodes import bad_nodes, lost_since
from mae_core.store.ends import End


@pytest.mark.parametrize(
    ("state", "code", "bad"),
    [
        ("NODE_FAIL", "0:0", ["n1"]),
        ("FAILED", "137:0", ["n1"]),
        ("FAILED", "0:9", ["n1"]),
        ("FAILED", "1:0", []),
        ("TIMEOUT", "0:15", []),
        ("PREEMPTED", "0:15", []),
        ("OUT_OF_MEMORY", "0:125", []),
    ],
)
def test_a_node_is_left_alone_after_two_deaths_that_are_not_the_jobs_own(state, code, bad):
    once = [JobState("5_0", state, "n1", exit_code=code)]
    assert bad_nodes({("mae-a", 0): once}) == []
    assert bad_nodes({("mae-a", 0): once, ("mae-a", 1): once}) == bad


DIED = JobState("5_0", "FAILED", "n1", exit_code="137:0")


def test_a_death_that_the_stage_explained_is_not_the_nodes():
    deaths = {("mae-a", 0): DIED, ("mae-a", 1): DIED}
    assert bad_nodes({task: [state] for task, state in deaths.items()}, spoke=lambda task, _: task[1] == 0) == []


def test_where_jobs_die_on_every_node_it_is_not_the_nodes():
    states = [DIED, replace(DIED, node="n2")] * 2
    assert bad_nodes({("mae-a", 0): states}) == []
    assert bad_nodes({("mae-a", 0): [*states, replace(DIED, node="n3", state="COMPLETED")]}) == ["n1", "n2"]
    assert bad_nodes({("mae-a", 0): [*states, *[replace(DIED, state="NODE_FAIL")] * 2]}) == ["n1"]


WIDE = JobState("5_0", "FAILED", "n[1-3]", exit_code="75:0", job_id="5")


@pytest.mark.parametrize(("how", "bad"), [("hung", ["n2"]), ("killed", ["n2"]), ("time limit", [])])
def test_of_several_nodes_the_one_whose_rank_died_or_hung_is_left_alone(how, bad):
    ends = [End(how, "rank-1", "n2", "5", time) for time in (1.0, 2.0)]
    past = {("mae-a", 0): [replace(WIDE, state="REQUEUED"), WIDE]}
    assert bad_nodes(past, ends=lambda *_: ends[:1]) == []
    assert bad_nodes(past, ends=lambda *_: ends) == bad


def test_a_death_that_was_seen_counts_once():
    ends = [End("killed", "rank-0", "n1", "5", 1.0)]
    assert bad_nodes({("mae-a", 0): [replace(DIED, node="n1"), replace(DIED, node="n2")]}, ends=lambda *_: ends) == []


def test_of_several_nodes_the_one_that_slurm_lost_is_left_alone(commands):
    commands("sacctmgr", "echo '|Cluster Registered'; echo 'n2|DOWN*'; echo 'n3|DRAIN'")
    lost = [replace(WIDE, state="NODE_FAIL")] * 2
    assert bad_nodes({("mae-a", 0): lost}, down=lambda: lost_since(0.0)) == ["n2"]
    assert bad_nodes({("mae-a", 0): lost}) == []
