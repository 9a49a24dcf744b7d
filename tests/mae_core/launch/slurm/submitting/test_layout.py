"""Layouts: every stage is placed once, no later than it can be, and never before its parent."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mae_core.launch.slurm.settings import ClusterSettings
from mae_core.launch.slurm.submitting.layout import lay_out
from mae_core.recipes import BASELINE, FINETUNE, LINEAR_PROBE
from mae_core.signature import Stage


def stages(pretrainings, evaluations):
    """Pre-trainings with so many evaluations each, parents first."""
    found = []
    for seed in range(pretrainings):
        parent = Stage(replace(BASELINE, seed=seed))
        children = [Stage(replace(recipe, seed=seed), (parent,)) for recipe in (FINETUNE, LINEAR_PROBE)[:evaluations]]
        found += [parent, *children]
    return found


def placed(arrays):
    return [signature for array in arrays for several in array.tasks.values() for signature in several]


@given(st.integers(1, 30), st.integers(0, 2), st.integers(1, 5), st.integers(1, 12))
@settings(max_examples=60)
def test_each_stage_is_placed_once_and_no_array_is_too_large(pretrainings, evaluations, per_job, most):
    wanted = stages(pretrainings, evaluations)
    arrays = lay_out(wanted, ClusterSettings(stages_per_job=per_job).shape, most=most)
    assert Counter(placed(arrays)) == Counter(stage.signature for stage in wanted)
    assert all(max(array.tasks) < most for array in arrays)
    assert all(len(several) <= per_job for array in arrays for several in array.tasks.values())


@given(st.integers(1, 20), st.integers(1, 4), st.integers(1, 9))
@settings(max_examples=40)
def test_a_task_waits_for_the_task_of_its_own_parents(pretrainings, per_job, most):
    wanted = stages(pretrainings, 2)
    arrays = {array.name: array for array in lay_out(wanted, ClusterSettings(stages_per_job=per_job).shape, most=most)}
    parents = {stage.signature: {parent.signature for parent in stage.parents} for stage in wanted}
    for array in arrays.values():
        for index, several in array.tasks.items():
            before = set(arrays[array.after].tasks[index]) if array.after else set()
            assert set().union(*(parents[signature] for signature in several)) <= before


def test_one_array_for_each_layer_and_shape():
    arrays = lay_out(stages(10, 2), ClusterSettings(kinds={"linear_probe": {"time": 10}}).shape)
    assert [(array.kind, len(array.tasks)) for array in arrays] == [
        ("pretrain", 10), ("finetune", 10), ("linear_probe", 10)
    ]  # fmt: skip


def test_what_rests_on_finished_stages_waits_for_nothing():
    parent, child = stages(1, 1)
    (array,) = lay_out([child], ClusterSettings().shape, finished={parent.signature})
    assert array.after is None


def test_a_parent_in_the_queue_is_waited_for_under_its_index():
    parent, child = stages(1, 1)
    (array,) = lay_out([child], ClusterSettings().shape, queued={parent.signature: ("mae-1", 7)})
    assert (array.after, array.indices) == ("mae-1", "7")


def test_what_rests_on_a_stage_that_will_not_run_is_left_out():
    _, child = stages(1, 1)
    assert lay_out([child], ClusterSettings().shape) == []


@pytest.mark.parametrize("room", [0, 1, 7, 30])
def test_no_more_is_placed_than_there_is_room_for(room):
    arrays = lay_out(stages(10, 2), ClusterSettings().shape, room=room)
    assert sum(len(array.tasks) for array in arrays) == room
