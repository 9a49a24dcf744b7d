"""The local pool: which stages share the machine, and that a real pool keeps to it."""

from dataclasses import fields, replace

from hypothesis import given
from hypothesis import strategies as st

from mae_core.launch.local import Board, Pool, startable
from mae_core.recipes import KINDS, PretrainRecipe, WallClockRecipe, untrained
from mae_core.signature import Stage
from mae_core.store.run import Store
from tests.mae_core.stages.laboratory import PRETRAIN

SETTINGS = {field.name: getattr(PRETRAIN, field.name) for field in fields(PretrainRecipe)}
TIMED = [Stage(WallClockRecipe(**SETTINGS, timed_steps=steps, timed_batch=2)) for steps in (1, 2)]
SHARED = [Stage(untrained(replace(PRETRAIN, seed=seed))) for seed in range(3)]
STAGES = st.lists(st.sampled_from(TIMED + SHARED), unique=True)


def test_what_is_timed_and_nothing_else_runs_alone():
    assert [kind for kind, recipe in KINDS.items() if recipe.ALONE] == ["wall_clock"]


@given(STAGES, STAGES)
def test_a_timed_stage_begins_only_when_nothing_else_runs_or_could(ready, busy):
    chosen = list(startable(ready, busy))
    if any(stage.recipe.ALONE for stage in chosen):
        assert len(chosen) == 1
        assert not busy
        assert all(stage.recipe.ALONE for stage in ready)


@given(STAGES, st.lists(st.sampled_from(SHARED), unique=True))
def test_stages_that_may_share_the_machine_do_not_wait_for_a_timed_one_to_come(ready, busy):
    shared = [stage for stage in ready if not stage.recipe.ALONE]
    assert shared == [] or list(startable(ready, busy)) == shared


@given(STAGES.filter(bool))
def test_something_always_begins_when_nothing_is_busy(ready):
    assert startable(ready, [])


@given(STAGES, st.sampled_from(TIMED))
def test_nothing_begins_beside_a_timed_stage(ready, timed):
    assert not startable(ready, [timed])


def test_a_pool_times_with_all_its_workers_idle_and_does_everything(tmp_path):
    store, seen = Store(tmp_path), list[set[str]]()

    def look(board: Board) -> None:
        seen.append(set(board.running))

    for stage in TIMED + SHARED:
        store.plan(stage)
    board = Pool(store, TIMED + SHARED, threads=1).run(look)
    assert set(board.endings.values()) == {"done"}
    for stage in TIMED:
        assert {stage.signature} in seen
        assert all(running == {stage.signature} for running in seen if stage.signature in running)
