"""The door to work: what was finished and is damaged since is done anew, and said so."""

import pytest

from mae_core.signature import Stage
from mae_core.store.run import Store
from mae_core.store.upkeep.damage import damages
from mae_core.store.upkeep.retention import removals, remove
from tests.mae_core.stages.laboratory import PRETRAIN


@pytest.mark.parametrize("damage", [lambda data: data[:-20], lambda data: data.replace(b'"done"', b'"gone"')])
def test_a_finished_run_whose_record_was_damaged_is_finished_anew_with_the_same_numbers(laboratory, damage):
    stage, store = Stage(PRETRAIN), Store(laboratory.home)
    before = store.run(stage.signature)
    path = before.finished.folder / "record.json"
    numbers = dict(before.metrics)
    path.write_bytes(damage(path.read_bytes()))
    laboratory.done(stage)
    after = store.run(stage.signature)
    assert (after.metrics, after.finished.number) == (numbers, 2)
    assert after.record["remarks"] == ["the record of attempt-1 was damaged: what it had finished was done anew"]
    assert [found.path for found in damages(store)] == [path]
    for removal in removals(store):
        remove(removal)
    assert list(damages(store)) == []
