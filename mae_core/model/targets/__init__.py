"""Targets: what the decoder predicts for each patch, and how far off a prediction is (Table 1d)."""

from mae_core.model.targets.components import Covariance, PcaTarget, PrincipalComponents
from mae_core.model.targets.pixels import NormPixelTarget, PixelTarget, pixel_target
from mae_core.model.targets.target import Target
from mae_core.model.targets.tokens import Tokenizer, TokenTarget

__all__ = [
    "Covariance",
    "NormPixelTarget",
    "PcaTarget",
    "PixelTarget",
    "PrincipalComponents",
    "Target",
    "TokenTarget",
    "Tokenizer",
    "pixel_target",
]
