"""Measurements of models that are trained already, or are only timed."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from mae_core.declaration import recipe, unsigned
from mae_core.recipes.evaluations import EvaluationRecipe
from mae_core.recipes.fields import Count, Dtype
from mae_core.recipes.pretraining import PretrainRecipe
from mae_core.recipes.recipe import Recipe


@recipe
class RobustnessRecipe(EvaluationRecipe):
    """A fine-tuned classifier on shifted images, inference only (Table 13).

    With `corruptions`, which stand in for ImageNet-C, the test images of the data are corrupted by us. With `none` the
    data are shifted already, such as ImageNet-A: a folder val/CLASS/*, its class folders named as those learnt from;
    or ImageNet-C: val/CORRUPTION/SEVERITY/CLASS/*.
    """

    KIND: ClassVar[str] = "robustness"

    shift: Literal["none", "corruptions"] = "corruptions"
    dtype: Dtype = "bfloat16"

    def check(self) -> None:
        """Nothing is learnt, so there are no labels to learn from and nothing to choose on."""
        super().check()
        if self.labels is not None or self.evaluate_on != "test":
            self.refuse("robustness is inference on test images; leave labels and evaluate_on out.")


@recipe
class ReconstructRecipe(Recipe):
    """A pre-trained model's reconstructions of test images at a masking ratio (Figures 2-4, 10, 11).

    The images may be of other data than the model was trained on, as COCO's are in Figure 3.
    """

    KIND: ClassVar[str] = "reconstruct"

    data: str = unsigned(default="imagenet1k")
    fingerprint: str = ""
    mask_ratio: Annotated[float, Field(gt=0, lt=1, strict=True)] = 0.8
    scored_images: Count = 1000
    dtype: Dtype = "float32"


@recipe
class WallClockRecipe(PretrainRecipe):
    """How long a pre-training would take on this machine, from a few timed steps (Table 2).

    Device and threads are signed, because how fast is what is measured; the machine stands in the run's provenance.
    """

    KIND: ClassVar[str] = "wall_clock"
    VERSION: ClassVar[int] = 3  # 1 was timed beside other stages, 2 left out what an update asks of its gradients
    ALONE: ClassVar[bool] = True
    READS_IMAGES: ClassVar[bool] = False  # steps are timed on noise

    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: Count | None = None
    timed_steps: Count = 3
    timed_batch: Count = 8
