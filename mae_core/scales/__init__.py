"""Scales by name: functions from a paper recipe to an affordable one."""

from collections.abc import Mapping

from mae_core.errors import UserError
from mae_core.scales.gpu import GPU
from mae_core.scales.mini import MINI
from mae_core.scales.paper import PAPER
from mae_core.scales.scale import Scale, changes, learnable
from mae_core.scales.small import SMALL
from mae_core.scales.smoke import SMOKE

SCALES: Mapping[str, Scale] = {scale.name: scale for scale in (SMOKE, MINI, SMALL, GPU, PAPER)}


def scale_named(name: str) -> Scale:
    """The scale of that name. Raises UserError, naming those there are."""
    if name not in SCALES:
        raise UserError(f"There is no scale {name!r}; choose one of {', '.join(SCALES)}.")
    return SCALES[name]


__all__ = ["GPU", "MINI", "PAPER", "SCALES", "SMALL", "SMOKE", "Scale", "changes", "learnable", "scale_named"]
