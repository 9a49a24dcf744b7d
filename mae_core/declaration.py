"""How recipes are declared: frozen, checked, refused in one sentence; each field says its part in the signature.

A field declared by `unsigned` changes how fast a stage computes, never what, and stays out of its signature.
A field that joins later is declared by `added` with the value that means "as before", so old runs keep their names.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, TypeVar, dataclass_transform

from pydantic import ConfigDict, ValidationError
from pydantic.dataclasses import dataclass as pydantic_dataclass

from mae_core.errors import RecipeError, hint

T = TypeVar("T")


def unsigned(default: Any) -> Any:
    """A field that changes how fast, not what."""
    return dataclasses.field(default=default, metadata={"signed": False})


def added(default: Any, *, as_before: Any) -> Any:
    """A field that joined after runs existed: at `as_before` it leaves signatures as they were."""
    return dataclasses.field(default=default, metadata={"as_before": as_before})


def _sentence(cls: type, error: ValidationError) -> str:
    """The first problem of `error` as one sentence that says what to write instead."""
    first = error.errors(include_url=False)[0]
    name = ".".join(str(part) for part in first["loc"])
    if first["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
        fields = [field.name for field in dataclasses.fields(cls)]
        its_fields = f"it has {', '.join(sorted(fields))}."
        return f"{cls.__name__} has no field {name}; {hint(name, fields, its_fields)}"
    message = first["msg"][:1].lower() + first["msg"][1:]
    return f"{cls.__name__}: {name} cannot be {first['input']!r}: {message}."


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(dataclasses.field, unsigned, added))
def recipe(cls: type[T]) -> type[T]:
    """A frozen, keyword-only pydantic dataclass whose refusals are one-sentence `RecipeError`s."""
    config = ConfigDict(extra="forbid", arbitrary_types_allowed=False)
    made = pydantic_dataclass(frozen=True, kw_only=True, config=config)(cls)
    generated: Callable[..., None] = made.__init__

    @functools.wraps(generated)
    def initialise(self: Any, **values: Any) -> None:
        try:
            generated(self, **values)
        except ValidationError as error:
            raise RecipeError(_sentence(cls, error)) from None
        self.check()

    made.__init__ = initialise  # type: ignore[method-assign]
    return made  # type: ignore[return-value]
