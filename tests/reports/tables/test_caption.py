"""A caption says where, on what, how often, at what cost, and what was chosen."""

from dataclasses import replace
from pathlib import Path

import pytest

from ablations.paper import ABLATIONS
from mae_core.data.catalogue import describe
from mae_core.scales import SCALES
from mae_core.stages.timing import wall_clock
from reports.results import collect
from reports.tables.caption import caption, duration, origin, run_as
from tests.reports.laboratory import Laboratory


def told(laboratory: Laboratory, seeds: int = 1) -> str:
    """The caption of what the store has."""
    return "\n".join(caption(laboratory.results(seeds)))


def test_caption_says_scale_data_model_labels_and_seeds(three_rows: Laboratory) -> None:
    text = told(three_rows, seeds=3)
    for fact in (
        "scale smoke",
        "fashion_mnist",
        "ViT-2x32/4",
        "256 images",
        "256 labels",
        "3 seeds",
        "(n in brackets)",
    ):
        assert fact in text


def test_caption_adds_up_the_seconds_and_tells_the_rate(three_rows: Laboratory) -> None:
    three_rows.finish(three_rows.cell("10/finetune/0"), 60.0)
    assert "All 2 finished stages took 20.0 s together; pre-training saw 5,000 images/s" in told(three_rows)


def test_caption_tells_sampling_error_apart_from_spread(three_rows: Laboratory) -> None:
    three_rows.finish(three_rows.cell("10/finetune/0"), 50.0)
    assert "the 1,000 scored images gives each accuracy a standard error of up to 1.58 points" in told(three_rows)


@pytest.mark.parametrize(
    ("name", "said", "unsaid"),
    [
        ("reconstructions", "losses are means over masked patches.", ("gives each accuracy", "The paper's numbers")),
        ("scratch", "pre-trained on 256 images where a row is pre-trained here,", ("60,000",)),
    ],
)
def test_caption_claims_nothing_that_was_not_measured(
    tmp_path: Path, name: str, said: str, unsaid: tuple[str, ...]
) -> None:
    laboratory = Laboratory(tmp_path, ABLATIONS[name])
    for cell in laboratory.ablation.cells(laboratory.scale, laboratory.info, 1):
        if cell.stage is not None:
            laboratory.finish(cell, 0.5, loss=1.04, top1_raw=50.0)
    text = told(laboratory)
    assert said in text
    assert not [words for words in unsaid if words in text]


def test_caption_lists_what_the_scale_changed(three_rows: Laboratory) -> None:
    text = told(three_rows)
    for change in ("image_size 224×224 → 32×32", "epochs 800 → 8", "decoder_depth 8 → 2", "labels all → 256"):
        assert change in text
    assert "fingerprint" not in text


def test_paper_scale_changes_nothing(three_rows: Laboratory) -> None:
    assert "What the scale changed" not in told(
        replace(three_rows, scale=replace(SCALES["paper"], data="fashion_mnist"))
    )


def test_caption_says_who_chose_what(three_rows: Laboratory) -> None:
    laboratory = three_rows.at("mini")
    laboratory.finish(laboratory.cell("10/linear_probe/0"), 60.0, best_base_lr=3.0)
    text = told(laboratory)
    assert (
        "Chosen on 6,000 held-out train images, never on the scored ones: each linear probe chose its learning rate"
        in text
    )
    assert ", taken: 3 (1 ×); each logistic regression chose its penalty C among 0.001, 0.01, 0.1" in text


def test_caption_repeats_what_a_stage_remarked(three_rows: Laboratory) -> None:
    stage = three_rows.cell("10/finetune/0").stage
    assert stage is not None
    three_rows.end(stage.parents[0], remarks=["2 damaged train images were replaced by others", "timed on 8 images"])
    told_of = "Pre-training: 2 damaged train images were replaced by others.", "Pre-training: timed on 8 images."
    assert set(told_of) < set(told(three_rows).split("\n"))


def test_caption_of_hours_names_the_machine_they_were_timed_on(tmp_path: Path) -> None:
    laboratory = Laboratory(tmp_path, ABLATIONS["wall_clock"])
    assert "timed steps on the machine that computes them." in told(laboratory)
    laboratory.finish(laboratory.cell("vit_l_8/wall_clock/0"), 3.0, hours=3.0)
    assert "timed steps on a processor, cpu." in told(laboratory)


def test_caption_of_hours_says_of_how_many_epochs_and_images_they_are(tmp_path: Path) -> None:
    """At smoke 8 epochs are trained; the hours are those of 800 all the same."""
    text = told(Laboratory(tmp_path, ABLATIONS["wall_clock"]))
    assert f"hours are those of the paper's {wall_clock.EPOCHS} epochs over the 256 images of this scale" in text
    assert "whatever was trained here" in text


@pytest.mark.parametrize(
    ("seeds_of", "said"),
    [
        ({"10": 1, "75": 1}, "One seed, so no spread (n in brackets)."),
        ({"10": 1, "75": 3}, "over 1–3 seeds (n in brackets)."),
        ({"10": 3, "75": 3}, "over 3 seeds (n in brackets)."),
    ],
)
def test_caption_counts_the_seeds_that_the_numbers_have_and_not_those_asked_for(
    three_rows: Laboratory, seeds_of: dict[str, int], said: str
) -> None:
    results = three_rows.imagine(lambda c: 70.0 if c.seed < seeds_of.get(c.case.key, 0) else None, seeds=3)
    assert said in "\n".join(caption(results))


def test_unlabelled_data_have_losses_and_no_label_budget(three_rows: Laboratory) -> None:
    info = replace(three_rows.info, labelled=False, num_classes=0)
    results = three_rows.imagine(lambda _: None)
    cells = tuple(
        replace(r, cell=c)
        for r, c in zip(results.cells, three_rows.ablation.cells(three_rows.scale, info, 1), strict=False)
    )
    text = "\n".join(caption(replace(results, info=info, cells=cells, baselines=())))
    assert "the data have no labels" in text
    assert "top-1" not in text


def test_mapped_settings_are_told_row_by_row(three_rows: Laboratory) -> None:
    assert run_as(three_rows.results()) == {}  # ratios are run as they are
    deep, shallow = (replace(three_rows.ablation.cases[0].recipe, decoder_depth=d) for d in (8, 4))
    rows = [replace(three_rows.ablation.cases[i], recipe=recipe) for i, recipe in ((1, deep), (0, shallow))]
    three_rows.ablation = replace(three_rows.ablation, cases=tuple(rows))
    assert run_as(three_rows.results()) == {"75": "decoder_depth 2", "10": "decoder_depth 1"}


def test_origin_names_commit_versions_and_machine(three_rows: Laboratory) -> None:
    three_rows.finish(three_rows.cell("10/finetune/0"), 60.0)
    assert origin(three_rows.results()) == "Computed by commit 0123456789ab; torch 2.14.1; processor a processor, cpu."


@pytest.mark.parametrize(
    ("seconds", "text"), [(3.14, "3.1 s"), (812.0, "812 s (14 min)"), (7384.0, "7384 s (2 h 3 min)")]
)
def test_durations_keep_their_seconds(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_numbers_of_several_codes_or_devices_are_said_to_be_mixed(three_rows: Laboratory) -> None:
    three_rows.finish(three_rows.cell("10/finetune/0"), 60.0)
    assert "mixed" not in told(three_rows)
    stage = three_rows.cell("75/finetune/0").stage
    assert stage is not None
    for one in (*stage.parents, stage):
        other = {"commit": "fedcba9876543210", "processor": "another", "versions": {"torch": "2.14.1"}}
        three_rows.end(one, metrics={"top1": 61.0, "loss": 0.1, "n_test": 1000.0}, provenance=other)
    assert "2 code versions and 2 devices are mixed here" in told(three_rows)


def test_tuned_blocks_and_resolution_say_what_they_ran_as(tmp_path: Path) -> None:
    info = describe("fashion_mnist", tmp_path)
    rows = [("partial_finetune", "12"), ("partial_finetune", "24"), ("in1k_comparison", "mae_vit_h_448")]
    found = [run_as(collect(ABLATIONS[name], SCALES["mini"], info, tmp_path, 1)).get(key, "") for name, key in rows]
    assert found[:2] == ["tuned_blocks 2", ""]
    assert found[2].endswith("resolution 64×64")


@pytest.mark.parametrize(
    ("scale", "by"), [("mini", "by studies at the default row"), ("small", "by trials at the default row")]
)
def test_settings_that_were_searched_for_are_not_said_to_be_fixed_beforehand(
    three_rows: Laboratory, scale: str, by: str
) -> None:
    text = told(three_rows.at(scale))
    assert "beforehand" not in text
    assert f"{by}, on held-out train images of fashion_mnist" in text
    assert "beforehand" in told(three_rows)  # smoke: nobody looked at a score


def test_numbers_on_other_data_say_where_and_on_how_many_images_choices_rest(tmp_path: Path) -> None:
    text = told(Laboratory(tmp_path, ABLATIONS["transfer_classification"], SCALES["mini"]))
    assert "pre-trained on fashion_mnist, evaluated on digits" in text
    assert "Chosen on 134 held-out train images" in text  # of the digits: a tenth of 1,347


def test_encoders_whose_steps_were_timed_alone_are_yet_to_be_pretrained(tmp_path: Path) -> None:
    timed = Laboratory(tmp_path, ABLATIONS["wall_clock"])
    only_hours = timed.imagine(lambda cell: 2.0 if cell.protocol == "wall_clock" else None)
    assert "to be pre-trained on" in caption(only_hours)[0]
    assert "to be pre-trained on" not in caption(timed.imagine(lambda _: 2.0))[0]
