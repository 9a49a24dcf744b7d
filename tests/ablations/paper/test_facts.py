"""The specs against the facts file: every printed number, every setting of the appendix, every encoder."""

from functools import cache
from pathlib import Path

import pytest
import torch
import yaml

import ablations.paper
from ablations.paper import ABLATIONS, NOT_YET
from ablations.paper.models import PARAMETERS, SHAPES, encoder
from mae_core.data.transforms.randaugment import POLICY
from mae_core.recipes import BASELINE, FINETUNE_NORM_PIXEL, FINETUNE_PAPER, FROM_SCRATCH, LINEAR_PROBE
from mae_core.training.optim import absolute_lr, adamw, lars
from mae_core.training.schedule import warmup_cosine


@cache
def facts():
    return yaml.safe_load((Path(ablations.paper.__file__).parent / "facts.yaml").read_text())


@pytest.mark.parametrize("name", [*ABLATIONS, *NOT_YET])
def test_every_table_is_in_the_facts_under_its_name_and_source(name):
    if name in facts()["numbers"]:
        source = ABLATIONS[name].source if name in ABLATIONS else NOT_YET[name].split(",")[0]
        assert facts()["numbers"][name]["source"] == source
    else:
        assert name == "reconstructions"  # its figures print no numbers


@pytest.mark.parametrize("name", ABLATIONS)
def test_every_printed_number_is_attached_to_its_case_and_no_other_number_is(name):
    rows = facts()["numbers"].get(name, {"rows": []})["rows"]
    printed = {
        (row["case"], quantity): value
        for row in rows
        for quantity, value in row.items()
        if quantity not in ("case", "status")
    }
    on_axis = ABLATIONS[name].cases if name == "model_size" else ()  # whose points stand at their parameters
    placed = {case.key: {"params_M": case.at} for case in on_axis}
    attached = {
        (case.key, quantity): value
        for case in ABLATIONS[name].cases
        if not case.key.startswith("released_")
        for quantity, value in {**case.paper, **case.also, **placed.get(case.key, {})}.items()
    }
    assert attached == printed


@pytest.mark.parametrize(("name", "rows"), [("in1k_comparison", 3), ("linear_probe_methods", 3), ("robustness", 15)])
def test_released_weights_stand_beside_the_numbers_of_the_rows_they_come_from(name, rows):
    numbers = {frozenset(case.key.split("_")): case.paper for case in ABLATIONS[name].cases}
    released = [words for words in numbers if "released" in words]
    assert len(released) == rows
    for words in released:
        assert numbers[words] == numbers[words - {"released"}]


def test_no_number_of_the_paper_stands_beside_weights_that_it_was_not_measured_on():
    others = [
        case for case in ABLATIONS["partial_finetune"].cases if case.key.startswith(("released_", "beit", "dino"))
    ]
    assert {case.series for case in others} == {"BEiT", "MAE, released weights", "DINO, ViT-B"}
    assert not any(case.paper for case in others)


@pytest.mark.parametrize("name", [name for name in ABLATIONS if name not in ("schedule", "reconstructions")])
def test_pretrainings_are_as_long_as_the_paper_says(name):
    trained = {case.recipe.epochs for case in ABLATIONS[name].cases if hasattr(case.recipe, "epochs")}
    assert trained == {facts()["numbers"][name].get("pretrain_epochs", 800)}


def test_the_schedule_is_each_rows_own():
    assert {case.key: str(case.recipe.epochs) for case in ABLATIONS["schedule"].cases} == {
        epochs: epochs for epochs in ("100", "200", "400", "800", "1600")
    }


RECIPES = {  # by the encoder's letter
    "table_8": dict.fromkeys("BLH", BASELINE),
    "table_9": FINETUNE_PAPER,
    "table_10": dict.fromkeys("BLH", LINEAR_PROBE),
    "table_11": FROM_SCRATCH,
    "released_finetuning": FINETUNE_NORM_PIXEL,
}
FIELDS = {"layer_lr_decay": "layer_decay", "label_smoothing": "smoothing", "ema": "ema_decay"}


def base_lr(recipe):
    return recipe.base_lr if hasattr(recipe, "base_lr") else recipe.base_lrs[0]


def optimizer(recipe):
    group = [{"params": [torch.nn.Parameter(torch.zeros(2, 2))], "lr": 1.0}]
    return type(lars(group) if recipe is LINEAR_PROBE else adamw(group, recipe.betas)).__name__.replace("Lars", "LARS")


def lr_schedule(recipe):
    middle = warmup_cosine((recipe.warmup_epochs + recipe.epochs) / 2, recipe.epochs, recipe.warmup_epochs)
    return "cosine decay" if middle == pytest.approx(0.5) else "another"


def augmentation(recipe):
    words = {"random_crop": "RandomResizedCrop", "randaugment": "RandAug (9, 0.5)"}
    assert POLICY == "rand-m9-mstd0.5-inc1"
    return words[recipe.augmentation]


READ = {
    "base_lr": base_lr,
    "optimizer": optimizer,
    "lr_schedule": lr_schedule,
    "augmentation": augmentation,
    "absolute_lr": lambda recipe: absolute_lr(base_lr(recipe), recipe.batch_size),
}


@pytest.mark.parametrize(
    ("table", "setting"),
    [(table, name) for table, settings in facts()["settings"].items() for name in settings if name != "title"],
)
def test_every_setting_of_the_appendix_is_the_recipes(table, setting):
    wanted = facts()["settings"][table][setting]["value"]
    for size, recipe in RECIPES[table].items():
        value = wanted[size] if isinstance(wanted, dict) else wanted
        read = READ.get(setting, lambda recipe: getattr(recipe, FIELDS.get(setting, setting)))
        found = read(recipe)
        assert (list(found) if isinstance(found, tuple) else found) == pytest.approx(value), (size, recipe)


@pytest.mark.parametrize("table", ["table_9", "table_10", "table_11"])
def test_what_a_table_of_the_appendix_does_not_name_is_off(table):
    named = facts()["settings"][table]
    for recipe in RECIPES[table].values():
        assert getattr(recipe, "reprob", 0) == 0
        assert getattr(recipe, "ema_decay", None) == (named["ema"]["value"] if "ema" in named else None)
        assert getattr(recipe, "layer_decay", 1.0) == (named["layer_lr_decay"]["value"] if table == "table_9" else 1.0)


def test_encoders_and_decoder_are_the_papers():
    for row in facts()["encoders"]:
        size = row["model"]
        assert {**SHAPES[size]} == {name: row[name] for name in ("embed_dim", "depth", "num_heads", "patch_size")}
        assert (encoder(size).num_patches, PARAMETERS[size]) == (row["tokens"], row["params_M"])
    assert {name: getattr(BASELINE, name) for name in facts()["decoder"]} == facts()["decoder"]


def test_reconstructions_are_shown_at_the_papers_ratios():
    shown = {percent for percents in facts()["reconstructions"].values() for percent in percents}
    cases = ABLATIONS["reconstructions"].cases
    assert {round(100 * case.evaluations["reconstruct"].mask_ratio) for case in cases} == shown
