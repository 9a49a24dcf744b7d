"""The encoder before any training: the start of training from scratch, and the probe's zero line."""

from __future__ import annotations

from mae_core.model.encoder import Encoder
from mae_core.recipes import EncoderRecipe
from mae_core.signature import Stage
from mae_core.stages.result import Result
from mae_core.stages.weights import save_weights
from mae_core.store.run import Store
from mae_core.training.workspace import Workspace


def untrained(stage: Stage, store: Store, workspace: Workspace) -> Result:
    """Write the initial weights; they equal those every pre-training of that shape and seed starts from."""
    assert isinstance(stage.recipe, EncoderRecipe)
    workspace.resume()
    save_weights(workspace.folder, Encoder(stage.recipe), stage)
    return Result({})
