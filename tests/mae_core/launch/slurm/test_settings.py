"""cluster.toml: SLURM's own spellings are understood, and a mistake is one sentence that names it."""

import re
from pathlib import Path

import pytest

from mae_core.launch.slurm.settings import ClusterError, find, load

ROOT = Path(__file__).parents[4]


def written(tmp_path, text):
    path = tmp_path / "cluster.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("90", 90),
        ("90:30", 91),
        ("04:00:00", 240),
        ("2-0", 2880),
        ("2-12", 3600),
        ("1-00:30", 1470),
        ("1-00:30:59", 1471),
    ],
)
def test_times_are_read_as_sbatch_reads_them(tmp_path, text, minutes):
    assert load(written(tmp_path, f'[slurm]\ntime = "{text}"')).time == minutes


def test_a_kind_of_stage_asks_for_what_its_table_says_and_else_for_what_all_do(tmp_path):
    settings = load(written(tmp_path, "[slurm]\ncpus_per_rank = 4\nnodes = 2\n[slurm.pretrain]\nnodes = 8"))
    assert (settings.shape("pretrain").nodes, settings.shape("pretrain").cpus_per_rank) == (8, 4)
    assert settings.shape("finetune").nodes == 2
    assert settings.shape("keeper").nodes == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[slurm]\npartitoin = 'gpu'", "partitoin"),
        ("[slurm]\nnodes = 0", "nodes"),
        ("[slurm]\ntime = 'a day'", "time"),
        ("[slurm]\ntime = 2\nsignal_seconds = 120", "smaller number"),
        ("[slurm.finetune]\ntime = 2", "smaller number"),
        ("[slurm.pretraining]\nnodes = 2", "pretraining"),
        ("[slurm.pretrain]\nnode = 2", "node"),
        ("[sulrm]", "sulrm"),
        ("[slurm", "TOML"),
    ],
)
def test_a_mistake_is_one_sentence_that_names_it(tmp_path, text, said):
    with pytest.raises(ClusterError, match=said) as raised:
        load(written(tmp_path, text))
    assert "\n" not in str(raised.value).strip()


def test_settings_are_looked_for_here_then_in_the_home_then_with_the_user(tmp_path, monkeypatch):
    places = [tmp_path / "here", tmp_path / "home", tmp_path / "user" / ".config" / "mae"]
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    for place in reversed(places):
        place.mkdir(parents=True)
        written(place, "[slurm]")
    monkeypatch.chdir(places[0])
    for place in places:
        assert find(places[1]) == place / "cluster.toml"
        (place / "cluster.toml").unlink()
    with pytest.raises(ClusterError, match="on-a-cluster"):
        find(places[1])


def test_the_documented_example_is_valid(tmp_path):
    page = (ROOT / "docs" / "on-a-cluster.md").read_text()
    settings = load(written(tmp_path, re.findall(r"```toml\n(.*?)```", page, flags=re.DOTALL)[0]))
    assert settings.shape("pretrain").ranks == 64
