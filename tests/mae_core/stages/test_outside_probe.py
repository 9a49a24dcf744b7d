"""Our probe against one that is not ours: features by timm from an exported file, classified by scikit-learn."""

from dataclasses import replace

import timm
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mae_core.convert.__main__ import convert
from mae_core.data.images import View
from mae_core.signature import Stage
from mae_core.stages.images import images_of, labels_of, learnt_from
from mae_core.stages.weights import WEIGHTS
from tests.mae_core.stages.laboratory import PRETRAIN, PROBE

# enough updates for LARS to arrive where scikit-learn does, and the views that the test sees
CONVERGED = replace(
    PROBE,
    labels=1200,
    scored_images=None,
    augmentation="none",
    epochs=30,
    warmup_epochs=3.0,
    batch_size=100,
    base_lrs=(10.0, 30.0, 100.0),
)


def test_scikit_learn_on_timms_features_is_within_a_point_of_our_probe(laboratory, tmp_path):
    ours = laboratory.metrics(Stage(CONVERGED, (Stage(PRETRAIN),)))["top1"]
    weights = laboratory.store.run(Stage(PRETRAIN).signature).finished.folder / WEIGHTS
    vit = eval(convert(weights, tmp_path / "vit.safetensors", "timm"), {"timm": timm}).eval()
    train, test = (images_of(CONVERGED, PRETRAIN, laboratory.store, split) for split in ("train", "test"))
    samples = learnt_from(CONVERGED, train, choosing=True)
    with torch.no_grad():
        learnt, scored = (
            vit(images.batch(s, View("eval"))) for images, s in ((train, samples), (test, torch.arange(len(test))))
        )
    theirs = make_pipeline(StandardScaler(), LogisticRegression(C=10, max_iter=2000))
    theirs.fit(learnt.numpy(), labels_of(CONVERGED, train)[samples].numpy())
    assert abs(100 * theirs.score(scored.numpy(), labels_of(CONVERGED, test).numpy()) - ours) <= 1.0
