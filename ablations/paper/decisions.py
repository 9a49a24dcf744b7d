"""Decisions: what the paper leaves open and what we chose instead, as `decisions.yaml` has it.

python -m ablations.paper.decisions > docs/decisions.md
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mae_core.recipes import Recipe

FILE = Path(__file__).with_name("decisions.yaml")
INTRODUCTION = """\
# What the paper leaves open

The paper and the released code do not say everything. What we chose instead stands here, made of
`ablations/paper/decisions.yaml`, and in every report which it concerns; what is named on the right says it in code.
None of these choices is the authors'.
"""


@dataclass(frozen=True)
class Decision:
    """A question that the paper leaves open, and our answer."""

    topic: str  # the tables it belongs to
    open: str
    choice: str
    where: tuple[str, ...]  # FILE, FILE:NAME, or a name (and field) of `mae_core.recipes`
    concerns: tuple[str, ...]  # ablations and stages, see `decisions.yaml`
    facts: tuple[str, ...] = ()  # the entries `unspecified` of `facts.yaml` that it answers


@functools.cache
def decisions() -> tuple[Decision, ...]:
    """All of them, in the order of the file."""
    topics = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return tuple(_decision(topic["topic"], entry) for topic in topics for entry in topic["entries"])


def _decision(topic: str, entry: Mapping[str, Any]) -> Decision:
    lists = {name: tuple(entry.get(name, ())) for name in ("where", "concerns", "facts")}
    return Decision(topic, entry["open"], entry["choice"], **lists)


def concerning(ablation: str, recipes: Collection[Recipe]) -> Iterator[Decision]:
    """The decisions that concern the ablation of that name, whose stages have these recipes."""
    for decision in decisions():
        if ablation in decision.concerns or any(_meets(recipe, decision.concerns) for recipe in recipes):
            yield decision


def _meets(recipe: Recipe, conditions: Iterable[str]) -> bool:
    """Whether a condition `KIND`, `KIND.field` or `KIND.field=value` is true of `recipe`."""
    for condition in conditions:
        kind, _, setting = condition.partition(".")
        field, _, wanted = setting.partition("=")
        if kind == recipe.KIND:
            value = getattr(recipe, field) if field else True
            if str(value) == wanted if wanted else value not in (None, False, 0):
                return True
    return False


def fields_named(recipe: type[Recipe]) -> set[str]:
    """What a condition may name of that kind of stage."""
    return {field.name for field in dataclasses.fields(recipe)}


def page() -> str:
    """`docs/decisions.md`."""
    return "\n".join([INTRODUCTION, *_tables()])


def _tables() -> Iterator[str]:
    for topic in dict.fromkeys(decision.topic for decision in decisions()):
        rows = [
            (d.open, d.choice, ", ".join(f"`{place}`" for place in d.where)) for d in decisions() if d.topic == topic
        ]
        lines = [f"| {' | '.join(row)} |" for row in (("open", "our choice", "where"), ("---",) * 3, *rows)]
        yield f"## {topic}\n\n" + "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(page(), end="")
