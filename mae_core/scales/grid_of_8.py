"""What the small scales share: images of 32×32 in an 8×8 grid of patches, on which 75 % and grid sampling are exact."""

from collections.abc import Mapping
from typing import Any

GRID_OF_8: Mapping[str, Any] = {
    "patch_size": 4,
    "reprob": 0.0,  # with mixup, cutmix and drop path: so few labels need no such regularisation
    "dtype": "float32",
    "device": "cpu",
}
TINY_IMAGES: Mapping[str, Any] = {"image_size": (32, 32)}
