"""Names: what a command line means by them, and what is said of a spec file that cannot be used."""

from pathlib import Path

import pytest

from ablations.paper import ABLATIONS, mask_ratio
from ablations.selection import select
from mae_core.errors import UserError

SPEC = """\
from dataclasses import replace
from ablations.spec import Ablation, Case
from ablations.spec.claims import Alike, Better, Trend
from mae_core.recipes import BASELINE
cases = tuple(Case(str(n), f"{n} blocks", replace(BASELINE, decoder_depth=n)) for n in (1, 8))
ABLATION = Ablation("mine", "Mine", "ours", "blocks", "8", cases)
"""


@pytest.fixture
def spec(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(SPEC)
    return path


def test_each_ablation_is_meant_once_and_all_are_the_papers():
    assert [one.ablation.name for one in select(["all", "mask_ratio"])] == list(ABLATIONS)


def test_a_row_of_a_spec_file_is_named_as_a_row_of_the_papers(spec):
    (one,) = select([f"{spec}:1"])
    assert (one.ablation.name, one.only, one.protocol) == ("mine", "1", None)


@pytest.mark.parametrize(
    ("ending", "only", "protocol"), [("/finetune", None, "finetune"), (":1/linear_probe", "1", "linear_probe")]
)
def test_a_protocol_is_named_after_a_slash_even_where_the_files_path_has_such(spec, ending, only, protocol):
    (one,) = select([f"{spec}{ending}"])
    assert (one.ablation.name, one.only, one.protocol) == ("mine", only, protocol)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("wall_clock/finetun", "wall_clock has no protocol 'finetun'; choose one of finetune, wall_clock."),
        ("wall_clock:vit_h_mask_tokens_8/finetune", "vit_h_mask_tokens_8 has no protocol 'finetune'; choose one of w"),
        ("wall_clock:vit_h/wall_clock", "wall_clock has no case 'vit_h'; choose one of"),
        ("wall_clok/wall_clock", "There is no ablation 'wall_clok'; did you mean wall_clock?"),
        ("mask_ratio/75/finetune/0", "mask_ratio has no protocol '75/finetune/0'"),
        ("mask_ratio/", "mask_ratio has no protocol ''"),
        ("nowhere/mine.py/finetune", "There is no spec file nowhere/mine.py."),
    ],
)
def test_a_protocol_that_is_not_there_is_one_sentence(name, said):
    with pytest.raises(UserError) as caught:
        select([name])
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "replace(BASELINE",
            "(replace(BASELINE",
            "mine.py, line 5: SyntaxError: Generator expression must be parenthesized; correct it.",
        ),
        ("BASELINE, d", "BASE, d", "mine.py, line 5: NameError: name 'BASE' is not defined; correct it."),
        ("decoder_depth=n", "decoder_dept=n", "line 5: PretrainRecipe has no field decoder_dept; did you mean"),
        ("decoder_depth=n", "mask_ratio=1.0", "line 5: PretrainRecipe: mask_ratio cannot be 1.0"),
        ("decoder_depth=n", "patch_size=15", "line 5: PretrainRecipe: patch_size 15 does not divide the image of 224"),
        ("ABLATION", "ablation", "defines no ABLATION"),
        ('"mine"', '"mask_ratio"', "the name of the paper's mask_ratio"),
        ('"mine"', '"../mine"', "'../mine' becomes part of file names"),
        ("str(n)", '"one"', "two cases of key 'one'"),
        ("cases)", "cases, claims=(Alike('finetune', '8', '9', ''),))", "mine has no case '9'; choose one of 1, 8."),
        ("cases)", "cases, claims=(Better('finetun', '8', '1', ''),))", "mine has no protocol 'finetun'"),
        ("cases)", "cases, claims=(Trend('finetune', '', 'ours'),))", "mine has no curve 'ours'"),
    ],
)
def test_a_spec_file_that_cannot_be_used_is_one_sentence(spec, old, new, said):
    spec.write_text(SPEC.replace(old, new))
    with pytest.raises(UserError) as caught:
        select([str(spec)])
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_module_of_the_paper_may_be_named_by_its_file():
    (one,) = select([str(Path(mask_ratio.__file__))])
    assert one.ablation == ABLATIONS["mask_ratio"]
