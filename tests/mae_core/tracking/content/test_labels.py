"""Labels: what launches wrote down is read back, whatever else lies in the folder."""

from pathlib import Path

from mae_core.tracking.content.labels import read_labels, write_labels

CELL = {
    "name": "mask_ratio/75/finetune/0",
    "case": "75",
    "label": "75 %",
    "protocol": "finetune",
    "seed": 0,
    "signature": "finetune-1",
}


def test_a_label_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_labels(tmp_path, "mask_ratio", "mini", "fashion_mnist", [CELL])
    (label,) = read_labels(tmp_path)["finetune-1"]
    assert (label.ablation, label.scale, label.data, label.words) == ("mask_ratio", "mini", "fashion_mnist", "75 %")
    assert (label.cell, label.case, label.protocol, label.seed) == ("mask_ratio/75/finetune/0", "75", "finetune", 0)


def test_a_repeated_launch_adds_no_file(tmp_path: Path) -> None:
    written = {write_labels(tmp_path, "mask_ratio", "mini", "fashion_mnist", [CELL]) for _ in range(3)}
    assert list((tmp_path / "plans").iterdir()) == list(written)


def test_a_stage_that_two_ablations_share_has_both_labels(tmp_path: Path) -> None:
    write_labels(tmp_path, "mask_ratio", "mini", "fashion_mnist", [CELL])
    write_labels(tmp_path, "decoder_depth", "mini", "fashion_mnist", [{**CELL, "case": "8"}])
    assert [label.ablation for label in read_labels(tmp_path)["finetune-1"]] == ["decoder_depth", "mask_ratio"]


def test_a_damaged_plan_file_counts_as_absent(tmp_path: Path) -> None:
    path = write_labels(tmp_path, "mask_ratio", "mini", "fashion_mnist", [CELL])
    path.write_text(path.read_text().replace("75", "80"))
    assert read_labels(tmp_path) == {}


def test_a_damaged_plan_file_is_written_anew_by_the_same_launch(tmp_path: Path) -> None:
    write_labels(tmp_path, "mask_ratio", "mini", "fashion_mnist", [CELL]).write_text("{")
    write_labels(tmp_path, "mask_ratio", "mini", "fashion_mnist", [CELL])
    assert list(read_labels(tmp_path)) == ["finetune-1"]
