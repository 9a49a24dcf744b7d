"""Results: every cell of an ablation as the store has it, one by one, before anything is averaged."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from ablations.paper import ABLATIONS
from ablations.plan import Plan
from ablations.spec import Ablation, Case, Cell
from ablations.spec.protocols import metric as metric
from mae_core.data.catalogue import DataInfo, describe
from mae_core.recipes import EncoderRecipe, EvaluationRecipe
from mae_core.scales import Scale
from mae_core.signature import Stage
from mae_core.store.run import Store
from mae_core.tracking.content.labels import read_labels
from reports.doctor.condition import unreadable
from reports.verdicts.statistics import Spread, paired

Status = Literal["done", "missing", "running", "failed", "diverged", "stale", "cited", "needs"]
TROUBLE: tuple[Status, ...] = ("failed", "diverged")
STATUSES: tuple[Status, ...] = (*TROUBLE, "running", "stale", "missing", "needs", "cited", "done")  # worst news first


@dataclass(frozen=True)
class Result:
    """One cell, and what the store knows of it. Seconds count its parents' work too."""

    cell: Cell
    status: Status
    reason: str = ""
    value: float | None = None
    seconds: float | None = None
    images_per_second: float | None = None  # of the pre-training, else of the training itself
    record: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def recipe(self) -> EvaluationRecipe | None:
        """What gives the number."""
        recipe = self.cell.stage.recipe if self.cell.stage else None
        return recipe if isinstance(recipe, EvaluationRecipe) else None

    @property
    def encoder(self) -> EncoderRecipe | None:
        """The encoder that is evaluated, as run; None where there is none."""
        recipes = (stage.recipe for stage in self.cell.stages())
        return next((recipe for recipe in recipes if isinstance(recipe, EncoderRecipe)), None)


@dataclass(frozen=True)
class Results:
    """All cells of an ablation at one scale on one data set, and its baselines."""

    ablation: Ablation
    scale: Scale
    info: DataInfo
    seeds: int
    cells: tuple[Result, ...]
    baselines: tuple[Result, ...]
    records: Mapping[str, Mapping[str, Any]]  # of the finished stages, parents included, by signature

    @property
    def everything(self) -> tuple[Result, ...]:
        """Cells and baselines."""
        return self.cells + self.baselines

    def data_of(self, case: Case) -> DataInfo:
        """The data that the case's numbers are measured on."""
        return describe(case.data, self.ablation.home) if case.data else self.info

    @cached_property
    def protocols(self) -> tuple[str, ...]:
        """The columns: the ablation's, or pre-training alone where the data have no labels."""
        return tuple(dict.fromkeys(result.cell.protocol for result in self.cells))

    @cached_property
    def by_column(self) -> Mapping[tuple[str, str], list[Result]]:
        """(case key, protocol) → one result for each seed."""
        columns: dict[tuple[str, str], list[Result]] = {}
        for result in self.everything:
            columns.setdefault((result.cell.case.key, result.cell.protocol), []).append(result)
        return columns

    def values(self, case_key: str, protocol: str) -> dict[int, float]:
        """Seed → number, where it is done."""
        column = self.by_column.get((case_key, protocol), [])
        return {result.cell.seed: result.value for result in column if result.value is not None}

    def runs(self, case_key: str, protocol: str) -> tuple[str, ...]:
        """The signatures of a column's runs by seed; rows with equal ones are one at this scale."""
        column = self.by_column.get((case_key, protocol), [])
        return tuple(result.cell.stage.signature for result in column if result.cell.stage)

    def difference(self, one: tuple[str, str], other: tuple[str, str]) -> Spread:
        """One (case key, protocol) minus another, paired by seed; seeds that rest on the same two runs count once.

        Nothing where the two are measured on other data: such numbers have no difference.
        """
        if len({self.by_column[column][0].cell.case.data for column in (one, other) if column in self.by_column}) > 1:
            return Spread(0)
        signatures = [dict(zip(self._seeds(*column), self.runs(*column), strict=True)) for column in (one, other)]
        numbers = self.values(*one), self.values(*other)
        both = sorted(numbers[0].keys() & numbers[1].keys(), reverse=True)
        own = set({(signatures[0][seed], signatures[1][seed]): seed for seed in both}.values())
        first, second = ({seed: number for seed, number in found.items() if seed in own} for found in numbers)
        return paired(first, second)

    def _seeds(self, case_key: str, protocol: str) -> list[int]:
        column = self.by_column.get((case_key, protocol), [])
        return [result.cell.seed for result in column if result.cell.stage]

    def counts(self, only: str | None = None, protocol: str | None = None) -> Counter[str]:
        """How many cells (of row `only`, of `protocol`) stand how; baselines are counted with all rows."""
        counted = self.everything if only is None else [r for r in self.cells if r.cell.case.key == only]
        return Counter(result.status for result in counted if protocol in (None, result.cell.protocol))

    @property
    def seconds(self) -> float:
        """What all finished stages took together, each counted once."""
        return sum(float(record.get("seconds", 0)) for record in self.records.values())


def collect(ablation: Ablation, scale: Scale, info: DataInfo, home: Path, seeds: int) -> Results:
    """Look every cell of `ablation` up in the store of `home`."""
    memory = _Memory(Store(home), _earlier(home, scale, info))
    cells = tuple(map(memory.result, ablation.cells(scale, info, seeds)))
    baselines = tuple(map(memory.result, ablation.baselines(scale, info, seeds)))
    plan = Plan.of(result.cell for result in cells + baselines)
    records = {name: memory.standing(stage).record for name, stage in plan.stages.items()}
    finished = {name: record for name, record in records.items() if record.get("state") == "done"}
    return Results(ablation, scale, info, seeds, cells, baselines, finished)


def seeds_found(ablation: Ablation, scale: Scale, info: DataInfo, home: Path) -> int:
    """For how many seeds, from 0 on, the store has a run that is there for the ablation's sake.

    That is one that a launch of the ablation asked for or that no other ablation would have begun: the default row and
    what is fitted or drawn once are shared by many, and their seeds are not this ablation's. In a store that knows of
    no launch any run of the ablation counts.
    """
    store, launched, seeds = Store(home), _earlier(home, scale, info), 0
    while True:
        cells = _of_seed(ablation, scale, info, seeds)
        begun = {name for name in Plan.of(cells).stages if store.run(name).attempts}
        asked = not launched or any(
            _of_same_data(store, name, cell.stage)
            for cell in cells
            if cell.stage
            for name in launched.get(cell.name, ())
        )
        if not begun or not (asked or begun - _of_others(ablation, scale, info, home, seeds)):
            return seeds
        seeds += 1


def _of_seed(ablation: Ablation, scale: Scale, info: DataInfo, seed: int) -> list[Cell]:
    return [cell for cell in ablation.cells(scale, info, seed + 1) if cell.seed == seed]


def _of_others(ablation: Ablation, scale: Scale, info: DataInfo, home: Path, seed: int) -> set[str]:
    """The stages of that seed that any other ablation of the paper needs."""
    others = [other.given(scale, home) for name, other in ABLATIONS.items() if name != ablation.name]
    return {stage for other in others for stage in Plan.of(_of_seed(other, scale, info, seed)).stages}


def _of_same_data(store: Store, signature: str, today: Stage) -> bool:
    """Whether the planned stage `signature` reads the data that `today` reads, whatever folders these lie in."""
    if signature == today.signature:
        return True
    document = store.run(signature).document
    return document is not None and _fingerprints(document) == _fingerprints(today.document())


def _fingerprints(document: Mapping[str, Any]) -> set[str]:
    """The fingerprints of all data that a stage, as its document tells it, and its parents read."""
    own = {document["recipe"].get("fingerprint", "")} - {""}
    return own.union(*map(_fingerprints, document["parents"]))


@dataclass(frozen=True)
class _Standing:
    status: Status
    reason: str = ""
    record: Mapping[str, Any] = dataclasses.field(default_factory=dict)


class _Memory:
    """The store, each run read once."""

    def __init__(self, store: Store, earlier: Mapping[str, set[str]]) -> None:
        self.store, self.earlier = store, earlier
        self._seen: dict[str, _Standing] = {}

    def standing(self, stage: Stage) -> _Standing:
        """How a stage stands; what holds up a parent holds it up too."""
        if stage.signature not in self._seen:
            self._seen[stage.signature] = self._look(stage)
        return self._seen[stage.signature]

    def _look(self, stage: Stage) -> _Standing:
        run = self.store.run(stage.signature)
        if run.status == "done":
            return _Standing("done", record=run.record or {})
        if run.status in TROUBLE:
            reason = str((run.record or {}).get("reason") or "no reason recorded").splitlines()[0]
            return _Standing(run.status, f"{stage.signature}: {reason}")
        parents = [self.standing(parent) for parent in stage.parents]
        for status in (*TROUBLE, "running"):
            for parent in parents:
                if parent.status == status:
                    return parent
        if damaged := unreadable(run):  # one whose owner was elsewhere would count as running for ever
            return _Standing("missing", f"{stage.signature} is damaged: {', '.join(damaged)}")
        if run.status == "running":
            return _Standing("running")
        blocked = (run.record or {}).get("reason", "") if run.status == "blocked" else ""
        return _Standing("missing", next(filter(None, (blocked, *(parent.reason for parent in parents))), ""))

    def result(self, cell: Cell) -> Result:
        if cell.stage is None:
            return Result(cell, "cited") if cell.case.cited else Result(cell, "needs", f"needs {cell.case.needs}")
        standing = self.standing(cell.stage)
        if standing.status == "missing" and self._answered_before(cell):
            return Result(cell, "stale", "its finished run answers an earlier form of the question; run it again")
        if standing.status != "done":
            return Result(cell, standing.status, standing.reason)
        chain = [(stage, self.standing(stage).record) for stage in Plan.of([cell]).stages.values()]
        rates = [record.get("images_per_second") for stage, record in chain if stage.kind == "pretrain"]
        return Result(
            cell,
            "done",
            value=float(standing.record["metrics"][metric(cell.protocol)[0]]),
            seconds=sum(float(record.get("seconds", 0)) for _, record in chain),
            images_per_second=rates[0] if rates else standing.record.get("images_per_second"),
            record=standing.record,
        )

    def _answered_before(self, cell: Cell) -> bool:
        """Whether a run gave this number of the same data before; one of other data has no bearing on it."""
        assert cell.stage is not None
        done = [name for name in self.earlier.get(cell.name, ()) if self.store.run(name).status == "done"]
        return any(_of_same_data(self.store, name, cell.stage) for name in done)


def _earlier(home: Path, scale: Scale, info: DataInfo) -> dict[str, set[str]]:
    """Cell → signatures it had in any launch at this scale on data of this name: how a change since is seen.

    The name is not enough to know the data by: two folders may share it.
    """
    found: dict[str, set[str]] = {}
    for signature, labels in read_labels(home).items():
        for label in labels:
            if (label.scale, label.data) == (scale.name, info.name):
                found.setdefault(label.cell, set()).add(signature)
    return found


def mean_rate(results: Iterable[Result]) -> float | None:
    """Mean images per second of the pre-trainings behind `results`."""
    rates = [result.images_per_second for result in results if result.images_per_second is not None]
    return sum(rates) / len(rates) if rates else None
