"""Decisions: each question of the facts file is answered, each answer is where it says and concerns something."""

from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest
import yaml

import mae_core.recipes
from ablations.paper import ABLATIONS
from ablations.paper.decisions import FILE, concerning, decisions, fields_named, page
from mae_core.recipes import BASELINE, FINETUNE, KINDS, partial_finetuning

ROOT = Path(__file__).parents[3]


def test_everything_left_open_by_the_facts_is_decided_and_nothing_else_is_named() -> None:
    left_open = yaml.safe_load(FILE.with_name("facts.yaml").read_text())["unspecified"]
    assert {fact for decision in decisions() for fact in decision.facts} == set(left_open)


def test_page_of_decisions_is_the_files() -> None:
    assert (ROOT / "docs" / "decisions.md").read_text() == page()


@pytest.mark.parametrize("place", sorted({place for decision in decisions() for place in decision.where}))
def test_place_that_a_decision_names_is_there(place: str) -> None:
    file, _, name = place.partition(":")
    if not file.endswith(".py"):
        recipe, _, field = file.partition(".")
        found = getattr(mae_core.recipes, recipe)
        assert not field or field in fields_named(found)
        return
    assert (ROOT / file).is_file()
    assert not name or hasattr(import_module(file.removesuffix(".py").replace("/", ".")), name)


@pytest.mark.parametrize("condition", sorted({one for decision in decisions() for one in decision.concerns}))
def test_condition_names_an_ablation_or_a_kind_of_stage_and_its_field(condition: str) -> None:
    kind, _, setting = condition.partition(".")
    field = setting.partition("=")[0]
    assert condition in ABLATIONS or (kind in KINDS and (not field or field in fields_named(KINDS[kind])))


def test_decisions_on_the_papers_tables_stand_in_the_file_alone() -> None:
    assert [name for name, ablation in ABLATIONS.items() if ablation.decisions] == []


def told(*recipes) -> set[str]:
    return {decision.open.split(":")[0] for decision in concerning("a table of one's own", recipes)}


def test_decisions_concern_the_stages_that_meet_their_condition() -> None:
    plain = replace(BASELINE, dtype="float32")
    assert told(plain, replace(FINETUNE, dtype="float32")) == set()
    assert {text.split(";")[0] for text in told(BASELINE, FINETUNE)} == {"Precision"}
    assert told(replace(plain, mask_sampling="block")) == {"Block"}
    assert told(replace(plain, encoder_sees_mask_tokens=True)) == {"Whether mask tokens get positions there"}
    assert told(replace(partial_finetuning(0.5), dtype="float32")) == {"Partial"}
