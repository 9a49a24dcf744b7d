"""The writer: the one that speaks to MLflow. Whatever it was killed at, doing it again changes nothing."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Experiment, Metric, Param, RunTag, ViewType
from mlflow.entities import Run as Tracked
from mlflow.exceptions import MlflowException

from mae_core.store.attempt import Watch
from mae_core.store.files import sweep
from mae_core.tracking.content.curve import Point, batches, digest, points
from mae_core.tracking.content.description import UNPLANNED, Description, origin
from mae_core.tracking.content.reports import ReportItem, report_items
from mae_core.tracking.content.views import Views, views
from mae_core.tracking.database import prepare
from mae_core.tracking.destination import Destination
from mae_core.tracking.positions import Position, Positions
from mae_core.tracking.studies.survey import StudyItem, study_items
from mae_core.tracking.survey import Item, items

METRICS_A_BATCH = 800  # MLflow takes 1000 things at once
PARAMS_A_BATCH = 100
# the destination is well, and what it refuses is one run
ABOUT_ONE_RUN = {"BAD_REQUEST", "INVALID_PARAMETER_VALUE", "INVALID_STATE", "RESOURCE_DOES_NOT_EXIST"}


Sent = TypeVar("Sent", Item, StudyItem, ReportItem)


@dataclass
class Pass:
    """What one look through the store came to."""

    replayed: int = 0  # runs
    refused: list[str] = field(default_factory=list)  # one sentence for each run that was not
    views: Views = field(default_factory=lambda: Views({}))


class Writer:
    """MLflow at one destination; the caller holds the destination's lock."""

    def __init__(self, destination: Destination) -> None:
        self.destination = destination
        self.positions = Positions(destination.folder)
        sweep(destination.folder)
        memo = self.positions.memo
        if destination.database is not None:
            prepare(destination.database, migrate=destination.is_default and memo.mlflow != mlflow.__version__)
        self.client = MlflowClient(tracking_uri=destination.uri)
        self.experiments = self._experiments()
        if (
            not memo.experiments.items()
            <= {name: found.experiment_id for name, found in self.experiments.items()}.items()
        ):
            self.positions.clear()  # another database or server than the one that was written to
        self.positions.put_memo(replace(self.positions.memo, mlflow=mlflow.__version__))
        # where runs without a position may be; in an empty place none can
        ids = [found.experiment_id for found in self.experiments.values() if found.lifecycle_stage == "active"]
        self.ids = ids if ids and self.client.search_runs(ids, max_results=1) else []

    def catch_up(self, watch: Watch | None = None) -> Pass:
        """Send all that is lacking. Raises whatever MLflow raises where the destination as a whole fails."""
        done, found = Pass(), []
        for item in items(self.destination, watch):
            position = self._send(item, self._replay, done)
            found.append((position.experiment_id, item.ablations, item.description))
        for told in study_items(self.destination, watch):
            position = self._send(told, self._tell, done)
            found.append((position.experiment_id, told.ablations, told.description))
        pages = list(report_items(self.destination))
        for report in pages:
            self._send(report, self._attach, done)
        done.views = views(found, pages)
        self._show(done.views)
        return done

    def _send(self, item: Sent, how: Callable[[Sent], Position], done: Pass) -> Position:
        """Send what is lacking of one run; the position that it has then."""
        if not item.pending:
            return item.position
        try:
            position = how(item)
        except MlflowException as error:
            if error.error_code not in ABOUT_ONE_RUN:
                raise
            done.refused.append(f"{item.key}: {error.message}")
            return item.position
        done.replayed += not isinstance(item, ReportItem)
        return position

    def _replay(self, item: Item) -> Position:
        told, position, made = item.description, self._trusted(item), False
        if not position.run_id:
            position, made = self._enter(item)
        new = told.digest != position.told
        params = [] if position.told else [Param(name, value) for name, value in told.params.items()]
        item = replace(item, position=position)
        taken, noted = item.new_usage()
        more = [point for row in taken for point in points(row)] + (_final_points(item) if new else [])
        position = replace(self._replay_curve(item, params, more), usage=noted)
        if new:
            self._describe(told, position.run_id, made=made)
            position = replace(position, told=told.digest)
        return self._keep(item.key, position)

    def _trusted(self, item: Item) -> Position:
        """The position; a new one where the MLflow run is gone, out of place, or holds rows that the run took back."""
        position = item.position
        if not self._is_there(position):
            return Position()
        unplanned = self.experiments.get(UNPLANNED)
        if unplanned and position.experiment_id == unplanned.experiment_id and item.description.experiment != UNPLANNED:
            self.client.delete_run(position.run_id)  # it has cells now; MLflow cannot move runs
            return Position()
        goes_on = item.attempt.number == position.attempt or not position.reach or not item.has_new_rows
        if not goes_on and position.digest != digest(item.rows[: position.reach]):
            self.client.delete_run(position.run_id)  # MLflow cannot delete points, only runs
            return Position()
        return position

    def _tell(self, item: StudyItem) -> Position:
        """Have a study or a trial there as it is described, anew where its parameters are no longer those told."""
        told, position, made = item.description, item.position, False
        if not self._is_there(position):
            position = Position()
        if position.digest != item.params:
            found = self._find(item.marks)
            if found and any(told.params.get(name, value) != value for name, value in found.data.params.items()):
                self.client.delete_run(found.info.run_id)  # MLflow cannot change parameters
                found = None
            position, made = self._placed(found, told, item.key)
        self._log(position.run_id, item.points, [Param(name, value) for name, value in told.params.items()])
        self._describe(told, position.run_id, made=made)
        return self._keep(item.key, replace(position, told=told.digest, digest=item.params))

    def _attach(self, item: ReportItem) -> Position:
        """Send a report, in the place of an earlier build of it."""
        with tempfile.TemporaryDirectory() as staged:
            try:
                for path in item.files:
                    shutil.copy(path, staged)
            except FileNotFoundError:  # it was replaced just now
                return item.position
            self.client.log_artifacts(item.run.run_id, staged, item.place)
        return self._keep(item.key, replace(item.run, told=item.digest))

    def _is_there(self, position: Position) -> bool:
        """Whether the MLflow run is there and not deleted."""
        if not position.run_id:
            return False
        try:
            return bool(self.client.get_run(position.run_id).info.lifecycle_stage == "active")
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return False

    def _enter(self, item: Item) -> tuple[Position, bool]:
        """The MLflow run of `item`, and whether it was made just now, not by a writer killed before noting it."""
        marks = {"mae.signature": item.run.signature, "mae.origin": origin(item.run)}
        return self._placed(self._find(marks), item.description, item.key)

    def _placed(self, found: Tracked | None, told: Description, key: str) -> tuple[Position, bool]:
        """The position of a run that was found, else of one made now, and whether it was made."""
        made = found is None
        if found is None:
            place = self._experiment(told.experiment)
            found = self.client.create_run(place, start_time=told.start, tags=dict(told.tags), run_name=told.name)
        return self._keep(key, Position(found.info.run_id, found.info.experiment_id)), made

    def _find(self, marks: Mapping[str, str]) -> Tracked | None:
        """The run that has all these tags."""
        if self.ids:
            wanted = " AND ".join(f"tags.`{name}` = '{value}'" for name, value in marks.items())
            for run in self.client.search_runs(self.ids, wanted, max_results=1):
                return run
        return None

    def _replay_curve(self, item: Item, params: list[Param], more: list[Point]) -> Position:
        """Send the rows that are new; `params` and `more` points ride along, as each request has its price."""
        position = item.position
        if item.has_new_rows:
            if position.attempt != item.attempt.number:
                position = replace(position, attempt=item.attempt.number, length=0)
            for batch in batches(item.rows, position.rows, METRICS_A_BATCH):
                position = self._keep(item.key, replace(position, reach=batch.rows, digest=batch.digest))
                self._log(position.run_id, batch.points + more, params)
                params, more = [], []
                position = replace(position, rows=batch.rows)
            position = self._keep(item.key, replace(position, length=item.length or 0))
        self._log(position.run_id, more, params)
        return position

    def _describe(self, told: Description, run_id: str, *, made: bool) -> None:
        """Tags, status and artefacts; the tags and the name of a run `made` just now are there."""
        if not made:
            tags = [RunTag(name, value) for name, value in told.tags.items()]
            self.client.log_batch(run_id, tags=tags, synchronous=True)
            self.client.update_run(run_id, status="RUNNING" if told.end is None else None, name=told.name)
        if told.end is not None:
            self.client.set_terminated(run_id, told.status, told.end)
        if told.artefacts:
            with tempfile.TemporaryDirectory() as staged:
                for path in told.artefacts:
                    shutil.copy(path, staged)
                for name, text in told.documents.items():
                    (Path(staged) / name).write_text(text, encoding="utf-8")
                self.client.log_artifacts(run_id, staged)

    def _log(self, run_id: str, found: list[Point], params: list[Param]) -> None:
        metrics = [Metric(point.key, point.value, point.time, point.step) for point in found]
        while metrics or params:
            self.client.log_batch(run_id, metrics[:METRICS_A_BATCH], params[:PARAMS_A_BATCH], synchronous=True)
            metrics, params = metrics[METRICS_A_BATCH:], params[PARAMS_A_BATCH:]

    def _keep(self, key: str, position: Position) -> Position:
        self.positions.put(key, position)
        return position

    def _experiments(self) -> dict[str, Experiment]:
        found, token = list[Experiment](), None
        while True:
            page = self.client.search_experiments(ViewType.ALL, filter_string="name LIKE 'mae-%'", page_token=token)
            found += page
            token = page.token
            if not token:
                return {experiment.name: experiment for experiment in found}

    def _experiment(self, name: str) -> str:
        """The id of the experiment `name`, made if absent."""
        if name not in self.experiments:
            database = self.destination.database
            place = (database.parent / "mlartifacts" / name).as_uri() if database else None  # else the server decides
            try:
                # without a kind, MLflow's page asks for one at the first visit
                self.client.create_experiment(name, place, {"mlflow.experimentKind": "custom_model_development"})
            except MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":  # another home may have made it meanwhile
                    raise
            self.experiments = self._experiments()
        experiment = self.experiments[name]
        if experiment.lifecycle_stage != "active":
            number = experiment.experiment_id
            raise MlflowException(
                f"The experiment {name} was deleted there; restore it with `mlflow experiments restore -x {number}`"
            )
        memo = self.positions.memo
        if name not in memo.experiments:
            self.positions.put_memo(replace(memo, experiments={**memo.experiments, name: experiment.experiment_id}))
        return str(experiment.experiment_id)

    def _show(self, shown: Views) -> None:
        memo = self.positions.memo
        if shown.digest == memo.views:
            return
        for experiment, tags in shown.tags.items():
            for key, value in tags.items():
                self.client.set_experiment_tag(experiment, key, value)
        self.positions.put_memo(replace(memo, views=shown.digest))


def _final_points(item: Item) -> list[Point]:
    """The final metrics at the last step, but for those that the curve ends with."""
    curve = [point for row in item.rows for point in points(row)]
    there = {(point.key, point.step, point.value) for point in curve}
    last, end = max((point.step for point in curve), default=0), item.description.end or 0
    final = [Point(key, last, end, value) for key, value in item.description.metrics.items()]
    return [point for point in final if (point.key, point.step, point.value) not in there]
