"""The paper's own model through the same path, on CPU ranks: it fits, it steps, it says what memory it takes."""

import resource
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from mae_core.data.catalogue import describe
from mae_core.recipes import BASELINE
from mae_core.signature import Stage
from mae_core.stages.obtain import obtain
from mae_core.store.attempt import Watch
from mae_core.store.run import Store
from tests.mae_core.training.group import in_ranks


@pytest.mark.drill
@pytest.mark.timeout(1800)
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_two_steps_of_vit_l_on_two_ranks(tmp_path):
    for number in range(17):
        path = tmp_path / "images" / ("val" if number == 16 else "train") / "noise" / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.random.default_rng(number).integers(0, 256, (256, 256, 3), np.uint8)).save(path)
    data, store = str(tmp_path / "images"), Store(tmp_path / "home")
    recipe = replace(
        BASELINE, data=data, fingerprint=describe(data, store.home).fingerprint,
        epochs=1, warmup_epochs=0.0, batch_size=8, device="cpu", threads=1,
    )  # fmt: skip
    signature = store.plan(Stage(recipe)).signature

    def work(ranks):
        outcome = obtain(signature, store, Watch(), ranks=ranks)
        return outcome, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20

    answers = in_ranks(2, work, seconds=1700)
    for rank, (outcome, gigabytes) in enumerate(answers):
        print(f"rank {rank}: {outcome.ending}, at most {gigabytes:.1f} GiB of memory")
        assert outcome.ending == "done", outcome.reason
    assert [row["step"] for row in Store(store.home).run(signature).rows()] == [1, 2]
