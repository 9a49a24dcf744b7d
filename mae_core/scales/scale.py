"""Scales: functions from a paper recipe to an affordable one.

One rule serves every field that a scale names. A row that stands at the paper's default gets the scale's default; a
row that departs from it keeps its departure, as the same multiple of the default where the field is a number. So
`decoder_depth` 1, 2, 4, 8, 12 around the paper's 8 becomes 1, 1, 1, 2, 3 around 2, and a row with twice the paper's
learning rate has twice the scale's. Fields a scale does not name are the paper's; `fitting` says which must give way.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from mae_core.data.catalogue import DataInfo
from mae_core.recipes import EncoderRecipe, FinetuneRecipe, Recipe
from mae_core.scales.departures import departed
from mae_core.scales.fitting import fitted, fitted_memory, fitted_to_encoder, shaped
from mae_core.signature import resolved

USUAL_ENCODER = EncoderRecipe()  # ViT-L/16
Defaults = Mapping[type[Recipe], Mapping[str, Any]]


@dataclass(frozen=True)
class Scale:
    """A named function from the paper's recipes to affordable ones, with the machine it is meant for."""

    name: str
    purpose: str
    data: str  # the data set used unless --data names another
    threads: int | None  # for each process: fixed, so that the local pool and a cluster give equal bits
    defaults: Defaults  # what stands in for the paper's default, by field
    always: Mapping[str, Any] = dataclasses.field(default_factory=dict)  # set whatever the row says
    warmup_share: float | None = None  # of the schedule; None: the paper's epochs
    provenance: str = ""  # where its settings come from, as captions say it; "": the paper, or nobody looked at a score

    def apply(self, paper: Recipe, info: DataInfo, encoder: EncoderRecipe = USUAL_ENCODER) -> Recipe:
        """The affordable recipe for `paper` on the data `info`; `encoder` is the paper's that it evaluates."""
        return _apply(self, paper, info, encoder)

    def __hash__(self) -> int:
        return hash(self.name)


@functools.cache
def _apply(scale: Scale, paper: Recipe, info: DataInfo, encoder: EncoderRecipe) -> Recipe:
    fields = {field.name for field in dataclasses.fields(paper)}
    values: dict[str, Any] = {"threads": scale.threads}
    for kind, defaults in scale.defaults.items():
        if isinstance(paper, kind):
            usual = type(paper)()
            values |= {
                name: departed(name, getattr(paper, name), getattr(usual, name), d) for name, d in defaults.items()
            }
    values |= {name: value for name, value in scale.always.items() if name in fields}
    if scale.warmup_share is not None and "warmup_epochs" in fields:
        values["warmup_epochs"] = _warmup(paper, values, scale.warmup_share)
    values |= _of_data(paper, values, info, fields)
    complete = {name: values.get(name, getattr(paper, name)) for name in fields}
    if "image_size" in fields:
        patch_size = scale.always.get("patch_size", complete.get("patch_size", 1))
        values["image_size"] = complete["image_size"] = shaped(complete["image_size"], patch_size, info)
    values |= fitted(paper, complete, scale.always.get("patch_size", USUAL_ENCODER.patch_size))
    if isinstance(paper, FinetuneRecipe):
        values |= fitted_to_encoder(paper, encoder, _scaled_encoder(scale, encoder, info))
        if scale.warmup_share is not None:
            values["ema_decay"] = fitted_memory(paper, complete, info)
    return replace(paper, **{name: value for name, value in values.items() if name not in paper.UNSCALED})


def _scaled_encoder(scale: Scale, encoder: EncoderRecipe, info: DataInfo) -> EncoderRecipe:
    scaled = _apply(scale, encoder, info, USUAL_ENCODER)
    assert isinstance(scaled, EncoderRecipe)
    return scaled


def _warmup(paper: Any, values: Mapping[str, Any], share: float) -> float:
    usual = type(paper)().warmup_epochs
    departure: float = paper.warmup_epochs / usual if usual else 1.0
    return min(share * departure, 1.0) * float(values.get("epochs", paper.epochs))


def _of_data(paper: Recipe, values: Mapping[str, Any], info: DataInfo, fields: set[str]) -> dict[str, Any]:
    """What the data decide: what they are, their channels, and that no count, a batch among them, exceeds them."""
    found: dict[str, Any] = {"data": info.data, "fingerprint": info.fingerprint, "in_chans": info.in_chans}
    limits = {"train_images": info.num_train, "fit_images": info.num_train, "labels": learnable(info)}
    for name, limit in limits.items():
        asked = values.get(name, getattr(paper, name, None))
        if asked is not None:
            found[name] = min(asked, limit)
    learnt = found.get("train_images", found.get("labels", info.num_train))
    if "batch_size" in fields:  # or the learning rate, which goes with it, would be that of a batch nobody sees
        found["batch_size"] = min(values.get("batch_size", getattr(paper, "batch_size", learnt)), learnt)
    return {name: value for name, value in found.items() if name in fields}


def learnable(info: DataInfo) -> int:
    """Train images that evaluations may learn labels from: all but the tenth held out for choosing."""
    return info.num_train - info.num_train // 10


def changes(paper: Recipe, scaled: Recipe) -> dict[str, tuple[Any, Any]]:
    """What a scale changed: field → (the paper's value, the value run). For captions."""
    ours, theirs = resolved(scaled), resolved(paper)
    return {name: (theirs.get(name), value) for name, value in ours.items() if theirs.get(name) != value}
