"""The scale `paper`."""

from __future__ import annotations

from mae_core.scales.scale import Scale

PAPER = Scale(
    name="paper",
    purpose="the paper's models, data, epochs and batch, on a cluster",
    data="imagenet1k",
    threads=None,
    defaults={},
)
