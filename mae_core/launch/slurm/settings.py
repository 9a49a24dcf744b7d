"""The cluster's settings: what `cluster.toml` says of a site, checked before anything is submitted."""

from __future__ import annotations

import re
import tomllib
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from mae_core.errors import UserError
from mae_core.recipes import KINDS

NAME = "cluster.toml"
KEEPER = "keeper"
_TIME = re.compile(r"(?:(\d+)-)?(\d+)(?::(\d\d))?(?::(\d\d))?")


class ClusterError(UserError):
    """Settings that cannot be used, or a scheduler that refuses or does not answer."""


def _minutes(value: object) -> object:
    """SLURM's spellings of a time, `days-hours:minutes:seconds`, `hours:minutes:seconds` or minutes, as minutes."""
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return value
    days, first, second, third = (int(part or 0) for part in match.groups())
    if match[1] is not None:
        return days * 1440 + first * 60 + second + -(-third // 60)
    if match[4] is not None:
        return first * 60 + second + -(-third // 60)
    return first + -(-second // 60)


Minutes = Annotated[int, Field(ge=1), BeforeValidator(_minutes)]
Some = Annotated[int, Field(ge=1)]
Options = Annotated[
    tuple[tuple[str, str | int | bool], ...],
    BeforeValidator(lambda value: tuple(sorted(value.items())) if isinstance(value, dict) else value),
]


class Shape(BaseModel):
    """What one job asks of the cluster."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    constraint: str | None = None
    exclude: str | None = None  # nodes never to be used, as sbatch writes them
    nodes: Some = 1
    ranks_per_node: Some = 1  # processes; on GPUs one for each
    gpus_per_node: Annotated[int, Field(ge=0)] = 0
    cpus_per_rank: Some = 1
    mem_gb: Annotated[float, Field(gt=0)] | None = None  # of a node
    time: Minutes = 60
    signal_seconds: Annotated[int, Field(ge=1, le=65535)] = 120  # before the time limit: stop, save, requeue
    parallel: Some = 256  # tasks of an array that run at once
    stages_per_job: Some = 1  # small stages one after the other in one job: torch is imported once
    micro_batch: Some | None = None  # images of one forward pass on one rank; None: fitted to the device
    more: Options = ()  # further options of sbatch

    @model_validator(mode="after")
    def _time_to_work(self) -> Self:
        if self.signal_seconds >= self.time * 60:
            raise ValueError(
                f"signal_seconds = {self.signal_seconds} is not less than the time limit of {self.time} min, so that a "
                f"job would be told to stop as it begins; allow more time, or give signal_seconds a smaller number"
            )
        return self

    @property
    def ranks(self) -> int:
        """Processes that train together."""
        return self.nodes * self.ranks_per_node


class ClusterSettings(Shape):
    """The whole of `cluster.toml`: what holds for every job, what differs by kind of stage, and the site's manners."""

    kinds: dict[str, dict[str, Any]] = {}  # kind of stage, or keeper → what it asks for differently
    setup: tuple[str, ...] = ()  # commands before the start, on the job's first node: modules, environments
    stage_in: str = ""  # a command run once on each node of a job, such as one that unpacks data to the node's disk
    imagenet: str = ""  # where jobs find ImageNet, if not where the launcher does, such as where stage_in puts it
    container: str = ""  # what is put before the command, such as `apptainer exec --nv image.sif`
    python: str | None = None  # None: the interpreter that submits
    max_submitted: Some | None = None  # tasks in the queue at once, where the site limits them
    poll_seconds: Annotated[float, Field(gt=0)] = 30.0
    tries: Some = 3  # submissions of a stage that get it no further
    gpu_flops: Annotated[float, Field(gt=0)] = 4e13  # per second and GPU; used to foretell, never as a measurement
    cpu_flops: Annotated[float, Field(gt=0)] = 2e10  # per second and core

    def shape(self, kind: str) -> Shape:
        """What a job for stages of `kind` asks for."""
        return self._shapes[kind]

    @cached_property
    def _shapes(self) -> dict[str, Shape]:
        common = {name: getattr(self, name) for name in Shape.model_fields}
        keeper: dict[str, Any] = {"gpus_per_node": 0, "nodes": 1, "ranks_per_node": 1, "stages_per_job": 1}
        shapes = {kind: Shape(**{**common, **self.kinds.get(kind, {})}) for kind in KINDS}
        shapes[KEEPER] = Shape(**{**common, **keeper, **self.kinds.get(KEEPER, {})})
        return shapes


def find(home: Path) -> Path:
    """The `cluster.toml` that counts: the working folder's, the home's, or the user's. Raises ClusterError."""
    places = [Path.cwd(), home, Path.home() / ".config" / "mae"]
    for place in places:
        if (place / NAME).is_file():
            return place / NAME
    looked = ", ".join(str(place) for place in places)
    raise ClusterError(
        f"There is no {NAME} in {looked}; write one after the example in docs/on-a-cluster.md before --cluster slurm."
    )


def load(path: Path) -> ClusterSettings:
    """Read and check settings. Raises ClusterError with one sentence for the first thing that is wrong."""
    try:
        tables = tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ClusterError(f"{path} cannot be read as TOML: {error}; correct it.") from None
    unknown = sorted(set(tables) - {"slurm"})
    if unknown:
        raise ClusterError(f"{path} has a table [{unknown[0]}] that means nothing; everything stands under [slurm].")
    values = dict(tables.get("slurm", {}))
    names = (*KINDS, KEEPER)
    kinds = {name: values.pop(name) for name in names if isinstance(values.get(name), dict)}
    strange = [name for name, value in values.items() if isinstance(value, dict) and name != "more"]
    if strange:
        raise ClusterError(f"{path}: [slurm.{strange[0]}] is no kind of stage; the kinds are {', '.join(names)}.")
    try:
        settings = ClusterSettings(**values, kinds=kinds)
        settings.shape(KEEPER)
    except ValidationError as error:
        raise ClusterError(f"{path}: {_sentence(error)}") from None
    return settings


def _sentence(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    name = ".".join(str(part) for part in first["loc"])
    if not name:  # of several settings together
        return f"{first['msg'].removeprefix('Value error, ')}."
    if first["type"] == "extra_forbidden":
        return f"there is no setting {name}; it has {', '.join(sorted(ClusterSettings.model_fields))}."
    return f"{name} cannot be {first['input']!r}: {first['msg'][:1].lower()}{first['msg'][1:]}."
