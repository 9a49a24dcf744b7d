"""Bundles: what goes from machine to machine arrives whole, twice is once, and nothing finished is overwritten."""

import filecmp
from pathlib import Path

import pytest

from mae_core.store.__main__ import main
from mae_core.store.run import Store
from mae_core.store.upkeep.damage import damages
from tests.mae_core.store.shelf import FINETUNED, PRETRAIN, begin, checkpoint, end, label, other


@pytest.fixture
def laboratory(tmp_path):
    """A home with two finished runs of one cell, a failed one, one under way and a foreign folder."""
    home = tmp_path / "laboratory"
    end(begin(home, PRETRAIN), "failed")
    end(begin(home, PRETRAIN), loss=0.5)
    end(begin(home, FINETUNED), top1=80.0)
    end(begin(home, other(1)), "failed")
    checkpoint(begin(home, other(2)), 1)
    label(home, FINETUNED)
    (home / "runs" / "my-notes").mkdir()
    return home


def store(*words: object) -> int:
    return main([str(word) for word in words])


@pytest.mark.parametrize("name", ["bundle", "bundle.tar.gz"])
def test_results_arrive_as_they_were_and_again_is_no_change(laboratory, tmp_path, name, capsys):
    assert store("export", tmp_path / name, "--home", laboratory) == 0
    for added, there in ((3, 0), (0, 3)):
        assert store("import", tmp_path / name, "--home", tmp_path / "new") == 0
        assert f"{added} runs imported, {there} were there" in capsys.readouterr().out
    ours, theirs = Store(laboratory), Store(tmp_path / "new")
    for stage, status in ((PRETRAIN, "done"), (FINETUNED, "done"), (other(1), "failed"), (other(2), "missing")):
        run = theirs.run(stage.signature)
        assert run.status == status
        if status == "done":
            assert (run.record, list(run.rows())) == (
                ours.run(run.signature).record,
                list(ours.run(run.signature).rows()),
            )
            assert filecmp.cmp(
                run.finished.folder / "panels.npz", ours.run(run.signature).finished.folder / "panels.npz"
            )
    assert list(damages(theirs)) == []
    assert [p.name for p in (tmp_path / "new" / "plans").iterdir()] == [
        p.name for p in (laboratory / "plans").iterdir()
    ]


def weights(home: Path) -> list[Path]:
    return sorted(home.glob("runs/*/attempt-*/weights.safetensors"))


def test_weights_travel_only_where_asked_for_and_may_come_later(laboratory, tmp_path):
    store("export", tmp_path / "small", "--home", laboratory)
    store("export", tmp_path / "large", "--weights", "--home", laboratory)
    store("import", tmp_path / "small", "--home", tmp_path / "new")
    assert weights(tmp_path / "new") == []
    assert store("import", tmp_path / "large", "--home", tmp_path / "new") == 0
    assert len(weights(tmp_path / "new")) == 2
    assert list(damages(Store(tmp_path / "new"))) == []


def test_a_finished_run_with_other_numbers_is_kept_and_named(laboratory, tmp_path, capsys):
    store("export", tmp_path / "bundle", "--home", laboratory)
    end(begin(tmp_path / "new", FINETUNED), top1=70.0)
    assert store("import", tmp_path / "bundle", "--home", tmp_path / "new") == 1
    assert f"{FINETUNED.signature} was not imported" in capsys.readouterr().out
    assert Store(tmp_path / "new").run(FINETUNED.signature).metrics == {"top1": 70.0}
    assert Store(tmp_path / "new").run(PRETRAIN.signature).status == "done"


def test_a_failed_attempt_here_does_not_keep_out_a_finished_one(laboratory, tmp_path):
    store("export", tmp_path / "bundle", "--home", laboratory)
    end(begin(tmp_path / "new", PRETRAIN), "stopped")
    assert store("import", tmp_path / "bundle", "--home", tmp_path / "new") == 0
    run = Store(tmp_path / "new").run(PRETRAIN.signature)
    assert (run.metrics, run.finished.number) == ({"loss": 0.5}, 2)


def test_a_damaged_run_of_a_bundle_is_refused(laboratory, tmp_path, capsys):
    store("export", tmp_path / "bundle", "--home", laboratory)
    (journal,) = (tmp_path / "bundle").glob(f"runs/{FINETUNED.signature}/attempt-*/journal.jsonl")
    journal.write_bytes(journal.read_bytes().replace(b"1.0", b"0.1", 1))
    assert store("import", tmp_path / "bundle", "--home", tmp_path / "new") == 1
    assert "journal.jsonl in the bundle" in capsys.readouterr().out
    assert Store(tmp_path / "new").run(FINETUNED.signature).status == "missing"


def test_names_scales_and_data_choose_what_is_exported(laboratory, tmp_path):
    end(begin(laboratory, other(3)), loss=0.1)
    label(laboratory, other(3), "decoder_depth", "mini")
    store("export", tmp_path / "by-name", "decoder_depth", "--home", laboratory)
    store("export", tmp_path / "by-scale", "--scale", "smoke", "--home", laboratory)
    assert [run.signature for run in Store(tmp_path / "by-name").runs()] == [other(3).signature]
    assert {run.signature for run in Store(tmp_path / "by-scale").runs()} == {PRETRAIN.signature, FINETUNED.signature}
    assert len(list((tmp_path / "by-name" / "plans").iterdir())) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["export", "{0}/taken"], "exists"),
        (["export", "{0}/new", "decoder"], "'decoder'"),
        (["export", "{0}/new", "--scale", "gpu"], "Nothing that was asked for"),
        (["import", "{0}/nowhere"], "neither a home nor a bundle"),
        (["import", "{0}/torn.tar.gz"], "cannot be unpacked"),
    ],
)
def test_bad_usage_is_one_sentence_and_exit_2(laboratory, tmp_path, capsys, words, said):
    (tmp_path / "taken").touch()
    (tmp_path / "torn.tar.gz").write_bytes(b"torn")
    assert store(*(word.format(tmp_path) for word in words), "--home", laboratory) == 2
    assert said in capsys.readouterr().err
