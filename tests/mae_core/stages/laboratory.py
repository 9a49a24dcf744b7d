"""Stages really done, in a store of their own: a tiny pre-training on digits, and whatever rests on it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mae_core.data.catalogue import describe
from mae_core.recipes import FinetuneRecipe, LinearProbeRecipe, PretrainRecipe
from mae_core.signature import Stage
from mae_core.stages.obtain import Outcome, obtain
from mae_core.store.attempt import Watch
from mae_core.store.run import Run, Store

CPU = {"device": "cpu", "dtype": "float32", "threads": 1}
SHAPE = {"image_size": 16, "in_chans": 1, "patch_size": 4, "embed_dim": 16, "depth": 2, "num_heads": 2}
DECODER = {"decoder_embed_dim": 8, "decoder_depth": 1, "decoder_num_heads": 2}
DIGITS = {"data": "digits", "fingerprint": describe("digits", Path()).fingerprint}
EVALUATED = {**DIGITS, **CPU, "labels": 100, "scored_images": 150}

PRETRAIN = PretrainRecipe(
    **SHAPE, **DECODER, **DIGITS, **CPU, train_images=128, epochs=2, warmup_epochs=1.0, batch_size=32
)
FINETUNE = FinetuneRecipe(
    **EVALUATED, epochs=2, warmup_epochs=1.0, batch_size=32, base_lr=1e-2, mixup=0.0, cutmix=0.0, augmentation="none"
)
PROBE = LinearProbeRecipe(**EVALUATED, views=1, epochs=4, warmup_epochs=1.0, batch_size=50, base_lrs=(1.0,))


@dataclass(frozen=True)
class Laboratory:
    """A home, and stages done in it."""

    home: Path

    @property
    def store(self) -> Store:
        return Store(self.home)

    def ask(self, stage: Stage, stop: Callable[[], bool] = lambda: False) -> Outcome:
        """Obtain `stage`, its parents first."""
        for parent in stage.parents:
            assert self.ask(parent).ending == "done"
        return obtain(self.store.plan(stage).signature, self.store, Watch(), stop)

    def done(self, stage: Stage) -> Run:
        """The finished run of `stage`."""
        outcome = self.ask(stage)
        assert outcome.ending == "done", outcome.reason
        return self.store.run(stage.signature)

    def metrics(self, stage: Stage) -> dict[str, float]:
        """The finished run's numbers."""
        record = self.done(stage).record
        assert record is not None
        return dict(record["metrics"])
