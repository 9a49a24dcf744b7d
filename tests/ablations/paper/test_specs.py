"""What holds of every spec of the paper, whatever it is about."""

import re
from dataclasses import replace

import pytest
from PIL import Image

from ablations.paper import ABLATIONS
from ablations.selection import select
from ablations.spec.claims import Alike, Better, NoBetter, Trend
from ablations.spec.protocols import PROTOCOL_LABELS, direction
from mae_core.data.catalogue import describe
from mae_core.errors import UserError
from mae_core.recipes import FINETUNE, ImportRecipe, KnnRecipe, RidgeRecipe, RobustnessRecipe, TokenizerRecipe
from mae_core.scales import SCALES

every_ablation = pytest.mark.parametrize("ablation", ABLATIONS.values(), ids=list(ABLATIONS))
every_scale = pytest.mark.parametrize("scale", SCALES.values(), ids=list(SCALES))


def cells(ablation, scale, home, **more):
    given = ablation.given(scale, home)
    return given.cells(scale, describe(scale.data, home), 1, **more)


def test_table_and_figure_names_are_those_users_type():
    assert set(ABLATIONS) == {
        "mask_ratio", "decoder_depth", "decoder_width", "mask_token", "target", "augmentation", "mask_sampling",
        "wall_clock", "in1k_comparison", "transfer_classification", "pixels_vs_tokens", "schedule", "model_size",
        "partial_finetune", "scratch", "linear_probe_methods", "robustness", "reconstructions",
    }  # fmt: skip


@every_ablation
def test_keys_and_labels_name_one_row_each(ablation):
    for field in ("key", "label"):
        names = [getattr(case, field) for case in ablation.cases]
        assert len(set(names)) == len(names)


@every_ablation
def test_the_default_row_is_run(ablation):
    assert ablation.case(ablation.default).state == "run"


@every_ablation
def test_claims_speak_of_rows_and_columns_that_exist(ablation):
    columns = {case.key: case.columns or tuple(ablation.protocols) for case in ablation.cases}
    for claim in ablation.claims:
        keys = {Trend: (), Better: ("better", "worse"), Alike: ("one", "other"), NoBetter: ("one", "other")}[
            type(claim)
        ]
        assert claim.protocol in ablation.protocols
        assert getattr(claim, "series", "") in {"", *(case.series for case in ablation.cases)}
        assert all(claim.protocol in columns[getattr(claim, key)] for key in keys)


@every_ablation
def test_the_papers_numbers_bear_out_the_claims(ablation):
    for claim in ablation.claims:
        paper = {case.key: case.paper[claim.protocol] for case in ablation.cases if claim.protocol in case.paper}
        if isinstance(claim, Better) and {claim.better, claim.worse} <= set(paper):
            gain = direction(claim.protocol) * (paper[claim.better] - paper[claim.worse])
            assert gain > claim.margin, claim.text
        if isinstance(claim, Trend) and not claim.series:
            assert len({case.series for case in ablation.cases}) == 1, "an order is of one curve"
        if isinstance(claim, Alike):
            assert abs(paper[claim.one] - paper[claim.other]) < claim.margin, claim.text
        if isinstance(claim, NoBetter):
            assert direction(claim.protocol) * (paper[claim.one] - paper[claim.other]) < claim.margin, claim.text


@every_ablation
def test_no_claim_is_worded_more_strongly_than_the_two_rows_it_compares(ablation):
    beyond_a_pair = ("between 40 and 80", "gains most", "far better", "blocks work")
    assert not [claim.text for claim in ablation.claims if any(words in claim.text for words in beyond_a_pair)]
    one_sided = [claim for claim in ablation.claims if "no advantage" in claim.text or "no better" in claim.text]
    assert all(isinstance(claim, NoBetter) for claim in one_sided)


@pytest.mark.parametrize(
    ("name", "rows"),
    [("augmentation", {"random_crop", "none"}), ("mask_sampling", {"random_75", "block_75"})],
)
def test_the_paper_says_it_of_fine_tuning_too(name, rows):
    pairs = {frozenset((claim.one, claim.other)) for claim in ABLATIONS[name].claims if isinstance(claim, NoBetter)}
    better = [claim for claim in ABLATIONS[name].claims if isinstance(claim, Better) and claim.protocol == "finetune"]
    assert frozenset(rows) in pairs | {frozenset((claim.better, claim.worse)) for claim in better}


@every_scale
@every_ablation
def test_every_row_that_is_run_has_all_its_stages_at_every_scale(ablation, scale, tmp_path):
    for cell in cells(ablation, scale, tmp_path):
        assert (cell.stage is not None) == (cell.case.state == "run"), cell.name


@every_scale
def test_equal_rows_of_different_tables_are_one_stage(scale, tmp_path):
    rows = [
        ("mask_ratio", "75"), ("decoder_depth", "8"), ("decoder_width", "512"), ("mask_token", "without"),
        ("target", "pixel"), ("augmentation", "random_crop"), ("mask_sampling", "random_75"), ("wall_clock", "vit_l_8"),
        ("schedule", "800"), ("scratch", "mae"), ("partial_finetune", "24"),
    ]  # fmt: skip
    stages = {c.stage for name, key in rows for c in cells(ABLATIONS[name], scale, tmp_path, only=key)}
    assert len({stage.signature for stage in stages if stage.recipe.KIND == "finetune"}) == 1


def test_zero_tuned_blocks_are_linear_probing_and_all_are_fine_tuning():
    cases = {case.key: case.evaluations["finetune"] for case in ABLATIONS["partial_finetune"].cases}
    assert cases["0"].KIND == "linear_probe"
    assert cases["24"] == FINETUNE
    assert cases["0.5"].tuned_blocks == 0.5


def test_robustness_rests_on_a_fine_tuning_of_a_pretraining(tmp_path):
    (cell,) = cells(ABLATIONS["robustness"], SCALES["smoke"], tmp_path, only="mae_corruptions_vit_b")
    assert isinstance(cell.stage.recipe, RobustnessRecipe)
    (finetuned,) = cell.stage.parents
    assert [finetuned.kind, *(parent.kind for parent in finetuned.parents)] == ["finetune", "pretrain"]


def test_digits_are_transferred_to_from_the_scales_own_data(tmp_path):
    (cell,) = cells(ABLATIONS["transfer_classification"], SCALES["smoke"], tmp_path, only="digits_vit_l")
    assert (cell.stage.recipe.data, cell.stage.parents[0].recipe.data) == ("digits", "fashion_mnist")


def test_tokens_are_ours_below_the_papers_scale_and_dalles_at_it(tmp_path):
    (cell,) = cells(ABLATIONS["target"], SCALES["gpu"], tmp_path, only="token")[:1]
    assert isinstance(cell.stage.parents[0].parents[0].recipe, TokenizerRecipe)
    assert "dalle_encoder" in str(ABLATIONS["target"].given(SCALES["paper"], tmp_path).case("token").needs)
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "dalle_encoder.safetensors").write_bytes(b"weights")
    (cell,) = cells(ABLATIONS["target"], SCALES["paper"], tmp_path, only="token")[:1]
    assert cell.stage.parents[0].parents[0].kind == "dalle"


def test_a_row_that_needs_weights_runs_once_they_are_in_the_home(tmp_path):
    spec, scale = ABLATIONS["partial_finetune"], SCALES["mini"]
    assert cells(spec, scale, tmp_path, only="moco_v3_4")[0].stage is None
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "moco_v3_vit_l.pth").write_bytes(b"weights")
    stage = cells(spec, scale, tmp_path, only="moco_v3_4")[0].stage
    assert isinstance(stage.parents[0].recipe, ImportRecipe)
    assert (stage.parents[0].recipe.depth, stage.recipe.tuned_blocks) == (24, 4)


def put(home, *weights):
    (home / "weights").mkdir(exist_ok=True)
    for name in weights:
        (home / "weights" / f"{name}.pth").write_bytes(name.encode())


@pytest.mark.parametrize("name", ["in1k_comparison", "linear_probe_methods", "robustness", "partial_finetune"])
@pytest.mark.parametrize("method", ["dino", "moco_v3", "beit", "mae"])
def test_encoders_that_others_trained_run_in_every_comparison_once_they_are_there(name, method, tmp_path):
    put(tmp_path, *(f"{method}_vit_{size}" for size in "blh"))
    before = {case.key for case in ABLATIONS[name].cases if case.state == "needs"}
    made = {cell.case.key: cell for cell in cells(ABLATIONS[name], SCALES["mini"], tmp_path) if cell.stage}
    ran = {key for key in made if key in before}
    assert ran
    assert all(key.startswith((method, f"released_{method}")) for key in ran)


def test_a_beit_is_imported_as_its_own_network_and_sees_its_own_pixels(tmp_path):
    put(tmp_path, "beit_vit_l")
    (cell,) = cells(ABLATIONS["linear_probe_methods"], SCALES["paper"], tmp_path, only="beit_vit_l")
    recipe = cell.stage.parents[0].recipe
    assert (recipe.network, recipe.mean, recipe.std, recipe.depth) == ("beit", (0.5,) * 3, (0.5,) * 3, 24)


@pytest.mark.parametrize(
    ("key", "tuned", "epochs"), [("dino_4", 4.0, 100), ("dino_12", None, 100), ("beit_12", 12, 50)]
)
def test_a_smaller_encoder_is_tuned_wholly_with_fewer_blocks(key, tuned, epochs, tmp_path):
    put(tmp_path, "dino_vit_b", "beit_vit_l")
    (cell,) = cells(ABLATIONS["partial_finetune"], SCALES["paper"], tmp_path, only=key)
    assert (cell.stage.recipe.tuned_blocks, cell.stage.recipe.epochs) == (tuned, epochs)


def test_a_row_that_needs_weights_and_data_runs_once_both_are_there(tmp_path):
    spec, key = ABLATIONS["robustness"], "dino_vit_b_imagenet_a"
    put(tmp_path, "dino_vit_b")
    assert str(spec.given(SCALES["paper"], tmp_path).case(key).needs).startswith("IN-A")
    (tmp_path / "weights" / "dino_vit_b.pth").unlink()
    folder = tmp_path / "data" / "imagenet_a" / "val" / "n1"
    folder.mkdir(parents=True)
    Image.new("RGB", (8, 8)).save(folder / "0.png")
    assert str(spec.given(SCALES["paper"], tmp_path).case(key).needs).startswith("DINO, ViT-B")
    put(tmp_path, "dino_vit_b")
    (cell,) = cells(spec, SCALES["mini"], tmp_path, only=key)
    (compared,) = cells(ABLATIONS["in1k_comparison"], SCALES["mini"], tmp_path, only="dino_vit_b")
    assert cell.stage.recipe.data == str(tmp_path / "data" / "imagenet_a")
    assert cell.stage.parents == (compared.stage,)  # the fine-tuned models of Table 3


def test_what_timm_has_by_name_says_by_which_command_it_is_fetched():
    needs = {case.key: str(case.needs) for case in ABLATIONS["in1k_comparison"].cases}
    fetched = {key: re.findall(r"convert (\S+) HOME/weights/(\S+) --to ours", need) for key, need in needs.items()}
    assert {key: found[0] for key, found in fetched.items() if found} == {
        "dino_vit_b": ("vit_base_patch16_224.dino", "dino_vit_b.safetensors"),
        "released_mae_vit_b": ("vit_base_patch16_224.mae", "mae_vit_b.safetensors"),
        "released_mae_vit_l": ("vit_large_patch16_224.mae", "mae_vit_l.safetensors"),
        "released_mae_vit_h": ("vit_huge_patch14_224.mae", "mae_vit_h.safetensors"),
    }


def test_a_row_that_needs_data_runs_once_they_are_in_the_home(tmp_path):
    for name in ("train/a", "train/b", "val/a", "val/b"):
        folder = tmp_path / "data" / "inat2019" / name
        folder.mkdir(parents=True)
        Image.new("RGB", (8, 8)).save(folder / "image.png")
    (cell,) = cells(ABLATIONS["transfer_classification"], SCALES["mini"], tmp_path, only="inat2019_vit_l")
    assert cell.stage.recipe.data == str(tmp_path / "data" / "inat2019")
    assert cell.stage.recipe.fingerprint != cell.stage.parents[0].recipe.fingerprint


@pytest.mark.parametrize("name", ["coco", "ade20k", "coco:mae"])
def test_what_is_not_available_yet_says_so(name):
    with pytest.raises(UserError, match="not yet available"):
        select([name])


def test_a_row_may_lack_columns():
    spec = ABLATIONS["mask_token"]
    spec = replace(spec, cases=(replace(spec.case("without"), columns=("finetune",)),))
    assert [c.protocol for c in spec.cells(SCALES["smoke"], describe("digits", spec.home), 2)] == ["finetune"] * 2


def test_quick_probes_are_columns_like_any_other(tmp_path):
    spec = replace(ABLATIONS["mask_token"], protocols={"knn": KnnRecipe(), "ridge": RidgeRecipe()})
    found = cells(spec, SCALES["mini"], tmp_path, only="without")
    assert [(cell.stage.kind, cell.stage.recipe.labels) for cell in found] == [("knn", 2000), ("ridge", 2000)]
    assert {stage.kind for cell in found for stage in cell.stages()} == {"pretrain", "knn", "ridge"}
    assert set(spec.protocols) <= set(PROTOCOL_LABELS)


@pytest.mark.parametrize(("data", "inside"), [("imagenet_a", "n1"), ("imagenet_c", "fog/1/n1")])
def test_real_shifted_images_are_scored_as_they_are(data, inside, tmp_path):
    folder = tmp_path / "data" / data / "val" / inside
    folder.mkdir(parents=True)
    for number in range(2):
        Image.new("RGB", (8, 8)).save(folder / f"{number}.png")
    (cell,) = cells(ABLATIONS["robustness"], SCALES["mini"], tmp_path, only=f"mae_{data}_vit_l")
    assert (cell.stage.recipe.shift, cell.stage.recipe.data) == ("none", str(tmp_path / "data" / data))
    assert cell.stage.parents[0].recipe.data == "fashion_mnist"
