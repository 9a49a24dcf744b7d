"""The kinds of values recipes hold, and what of each is refused."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

Count = Annotated[int, Field(ge=1, strict=True)]
Whole = Annotated[int, Field(ge=0, strict=True)]
Rate = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False, strict=True)]
BelowOne = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False, strict=True)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False, strict=True)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False, strict=True)]
Betas = tuple[BelowOne, BelowOne]
Dtype = Literal["float32", "bfloat16"]
Pooling = Literal["cls", "mean"]
Network = Literal["vit", "beit"]


def _as_pair(value: object) -> object:
    """224 and (224, 224) are one image size: height, width."""
    return (value, value) if isinstance(value, int) else value


ImageSize = Annotated[tuple[Count, Count], BeforeValidator(_as_pair)]
