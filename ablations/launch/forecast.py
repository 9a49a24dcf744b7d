"""The forecast: what a launch would submit and cost on a cluster, told before anything is spent."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from ablations.plan import Plan
from mae_core.costs import ALL_IMAGES, cost
from mae_core.errors import UserError
from mae_core.launch.slurm.settings import ClusterSettings, Shape
from mae_core.launch.slurm.submitting.arrays import JobArray
from mae_core.launch.slurm.submitting.layout import lay_out
from mae_core.recipes import EncoderRecipe, PretrainRecipe
from mae_core.signature import Stage
from mae_core.store.run import Store

FLOPS = 2.0  # of a multiply-add
START_SECONDS = 60.0  # of a job, before its first step
STATE_BYTES = 12  # of a parameter in a checkpoint: weight and both of Adam's moments in float32
WEIGHT_BYTES = 4
GENERATIONS = 2  # of checkpoints that a running stage keeps
ASSUMED_ARRAY = 1000  # tasks of an array, where the cluster is not asked


def parameters(stage: Stage) -> int:
    """Weights that a checkpoint of `stage` holds, roughly: matrices alone."""
    models = [one.recipe for one in (stage, *stage.parents) if isinstance(one.recipe, EncoderRecipe)]
    if not models:
        return 0
    model = models[0]
    embedding = model.patch_size**2 * model.in_chans * model.embed_dim
    count = embedding + model.depth * (4 + 2 * model.mlp_ratio) * model.embed_dim**2
    if isinstance(stage.recipe, PretrainRecipe):
        width = stage.recipe.decoder_embed_dim
        count += stage.recipe.decoder_depth * 12 * width**2 + width * (model.embed_dim + embedding // model.embed_dim)
    return round(count)


def steps_of(stage: Stage) -> float:
    """Updates of a stage that can be interrupted between them; 1 where it cannot."""
    epochs: int | None = getattr(stage.recipe, "epochs", None)
    batch: int | None = getattr(stage.recipe, "batch_size", None)
    if epochs is None or batch is None:
        return 1.0
    images: int = getattr(stage.recipe, "train_images", None) or getattr(stage.recipe, "labels", None) or ALL_IMAGES
    return max(1.0, epochs * images / batch)


@dataclass(frozen=True)
class Forecast:
    """What is left of a plan, as the settings would have it done."""

    plan: Plan
    settings: ClusterSettings
    finished: frozenset[str]
    arrays: list[JobArray]
    most: int | None = None  # tasks of an array, where the cluster was asked

    @classmethod
    def of(cls, plan: Plan, store: Store, settings: ClusterSettings, most: int | None = None) -> Forecast:
        """The forecast for what the store lacks, in arrays of `most` tasks; None: a usual number is assumed."""
        finished = frozenset(s for s in plan.stages if store.run(s).finished is not None)
        left = [stage for signature, stage in plan.stages.items() if signature not in finished]
        arrays = lay_out(left, settings.shape, finished=finished, most=most or ASSUMED_ARRAY)
        return cls(plan, settings, finished, arrays, most)

    @property
    def left(self) -> list[Stage]:
        """Stages to be done."""
        return [stage for signature, stage in self.plan.stages.items() if signature not in self.finished]

    def seconds(self, stage: Stage) -> float:
        """How long a stage takes on its job's resources, at the settings' rate."""
        shape = self.settings.shape(stage.kind)
        gpus = shape.nodes * shape.gpus_per_node
        rate = gpus * self.settings.gpu_flops or shape.ranks * shape.cpus_per_rank * self.settings.cpu_flops
        return FLOPS * cost(stage) / rate

    @property
    def gpu_hours(self) -> float:
        """Of all stages that are left."""
        shapes = {stage.signature: self.settings.shape(stage.kind) for stage in self.left}
        return sum(
            self.seconds(stage) * shapes[stage.signature].nodes * shapes[stage.signature].gpus_per_node / 3600
            for stage in self.left
        )

    @property
    def core_hours(self) -> float:
        """Of the stages that are left and take no GPU."""
        shapes = [(stage, self.settings.shape(stage.kind)) for stage in self.left]
        return sum(self.seconds(s) * x.ranks * x.cpus_per_rank / 3600 for s, x in shapes if not x.gpus_per_node)

    @property
    def disk_bytes(self) -> tuple[float, float]:
        """Of checkpoints while as many stages run as may, and of weights that stay."""
        most = {kind: self.settings.shape(kind).parallel for kind in {stage.kind for stage in self.left}}
        running: Counter[str] = Counter()
        checkpoints = 0.0
        for stage in sorted(self.left, key=parameters, reverse=True):
            running[stage.kind] += 1
            if running[stage.kind] <= most[stage.kind] and steps_of(stage) > 1:
                checkpoints += parameters(stage) * STATE_BYTES * GENERATIONS
        return checkpoints, sum(float(parameters(stage)) * WEIGHT_BYTES for stage in self.left)

    def check(self, max_gpu_hours: float | None) -> None:
        """Raise UserError for a plan over the budget, or with a stage that no attempt could bring further."""
        if max_gpu_hours is not None and self.gpu_hours > max_gpu_hours:
            raise UserError(
                f"The plan costs about {self.gpu_hours:,.1f} GPU-hours, more than --max-gpu-hours {max_gpu_hours:g}; "
                f"ask for fewer rows or seeds, or allow more."
            )
        for stage in self.left:
            shape = self.settings.shape(stage.kind)
            needed = START_SECONDS + self.seconds(stage) / steps_of(stage) + shape.signal_seconds
            if needed > shape.time * 60 and self.seconds(stage) + START_SECONDS > shape.time * 60:
                raise UserError(
                    f"{stage.kind} needs about {needed / 60:,.0f} minutes to its first checkpoint, and its time limit "
                    f"is {shape.time}; give it more time or more resources under [slurm.{stage.kind}] in cluster.toml."
                )

    def show(self, console: Console, path: Path) -> None:
        """Print the forecast."""
        console.print(f"By {path}:", soft_wrap=True)
        numbers = {array.name: number for number, array in enumerate(self.arrays, 1)}
        for array in self.arrays:
            stages = [self.plan.stages[s] for signatures in array.tasks.values() for s in signatures]
            kinds = ", ".join(f"{count} {kind}" for kind, count in Counter(stage.kind for stage in stages).items())
            shape = self.settings.shape(array.kind)
            after = f", task by task after array {numbers[array.after]}" if array.after else ""
            console.print(
                f"  array {numbers[array.name]}: {kinds} in {len(array.tasks)} tasks{after}; each {_asks(shape)}"
                f"{_batch(stages[0], shape)}",
                soft_wrap=True,
            )
        if self.most is None:
            console.print(
                f"  No SLURM answers here: arrays of at most {ASSUMED_ARRAY} tasks are assumed; the cluster's own "
                f"MaxArraySize is asked for when the plan is submitted.",
                soft_wrap=True,
            )
        checkpoints, weights = self.disk_bytes
        rates = f"{self.settings.gpu_flops:.2g} FLOP/s a GPU, {self.settings.cpu_flops:.2g} a core"
        console.print(
            f"About {self.gpu_hours:,.1f} GPU-hours and {self.core_hours:,.1f} core-hours, from FLOPs at the stated "
            f"{rates}; up to {checkpoints / 1e9:,.1f} GB of checkpoints at once, {weights / 1e9:,.1f} GB of weights "
            f"that stay.",
            soft_wrap=True,
        )


def _asks(shape: Shape) -> str:
    gpus = f" and {shape.gpus_per_node} GPUs" if shape.gpus_per_node else ""
    nodes = f"{shape.nodes} node{'s' * (shape.nodes > 1)}"
    ranks = f"{shape.ranks_per_node} rank{'s' * (shape.ranks_per_node > 1)}"
    return f"{nodes} of {ranks} × {shape.cpus_per_rank} cores{gpus}, {shape.time} min"


def _batch(stage: Stage, shape: Shape) -> str:
    """The effective batch as micro-batch × accumulation × ranks."""
    batch = getattr(stage.recipe, "batch_size", None)
    if batch is None:
        return ""
    share = -(-batch // shape.ranks)
    micro = min(shape.micro_batch or share, share)
    fitted = "" if shape.micro_batch else " (fitted)"
    parts = f"{micro}{fitted} × {-(-share // micro)} × {shape.ranks}"
    return f"; batch {batch} = {parts} (micro-batch × accumulation × ranks)"
