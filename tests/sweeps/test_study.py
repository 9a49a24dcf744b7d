"""Studies as declared: what no trial could be made of is refused in a sentence before anything starts."""

from dataclasses import replace

import pytest

from ablations.paper import ABLATIONS
from mae_core.data.catalogue import describe
from mae_core.errors import UserError
from mae_core.scales import MINI, SCALES
from sweeps.space import Between, OneOf, Times
from sweeps.studies import FINETUNE_LR, STUDIES, tune_rows


@pytest.mark.parametrize("scale", SCALES.values(), ids=SCALES)
def test_every_declared_study_is_sound_at_every_scale(tmp_path, scale):
    for study in [*STUDIES.values(), *(one for ablation in ABLATIONS.values() for one in tune_rows(ablation))]:
        study.check(scale, describe(scale.data, tmp_path))


@pytest.mark.parametrize(
    ("name", "setting", "said"),
    [
        ("finetune.base_lrr", Times(0.5, 2.0), "finetune has no setting 'base_lrr'; did you mean base_lr?"),
        ("linear_probe.views", OneOf((1, 2)), "'linear_probe.views' names no stage of its trials"),
        ("base_lr", Times(0.5, 2.0), "'base_lr' names no stage of its trials; begin with pretrain or finetune."),
        ("finetune.epochs", Between(10, 30), "epochs cannot be Between"),
        ("finetune.batch_size", Times(0.5, 2.0), "batch_size cannot be Times"),
        ("finetune.base_lr", Times(2.0, 0.5), "the low end must be above 0 and below the high one."),
        ("finetune.drop_path", Between(0.2, 0.1), "the low end must be below the high one."),
        ("finetune.epochs", OneOf(()), "there is no value to choose."),
    ],
)
def test_a_setting_that_no_trial_can_have_is_refused_in_one_sentence(tmp_path, name, setting, said):
    study = replace(FINETUNE_LR, space={name: setting})
    with pytest.raises(UserError) as refused:
        study.check(MINI, describe("fashion_mnist", tmp_path))
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_sampler_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(UserError, match="there is no sampler 'grid'; choose tpe, gp"):
        replace(FINETUNE_LR, sampler="grid").check(MINI, describe("fashion_mnist", tmp_path))
