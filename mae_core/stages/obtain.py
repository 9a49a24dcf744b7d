"""The only door to work: find the finished run, or claim it, resume or start it, and record how it ended."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch

from mae_core.errors import StoreError
from mae_core.signature import Stage, from_document
from mae_core.stages.assist import assist
from mae_core.stages.device import device_name
from mae_core.stages.logs import LOG, log, logging_to
from mae_core.stages.result import Result
from mae_core.stages.work import TRAINED, perform
from mae_core.store.attempt import RECORD, Attempt, Heartbeat, Watch, finish, take
from mae_core.store.ends import counted, shortages
from mae_core.store.files import checksum, is_damaged, write_sealed
from mae_core.store.provenance import provenance
from mae_core.store.run import Run, Store
from mae_core.store.space import disk_full, full_sentence, release, reserve
from mae_core.training import checkpoints
from mae_core.training.ranks import ALONE, RankLostError, Ranks
from mae_core.training.workspace import DivergedError, StoppedError, Workspace

Ending = Literal["done", "busy", "waiting", "stopped", "blocked", "failed", "diverged"]


@dataclass(frozen=True)
class Outcome:
    """How asking for a stage ended.

    `busy`: somebody else is at it; `waiting`: its parents are not finished; `blocked`: the disk is full.
    """

    ending: Ending
    reason: str = ""


def obtain(
    signature: str,
    store: Store,
    watch: Watch,
    stop_requested: Callable[[], bool] = lambda: False,
    ranks: Ranks = ALONE,
) -> Outcome:
    """Have the stage `signature` of the store done, by anyone, once.

    Ranks that train together all call this, for the same stages in the same order, and all get rank 0's outcome.
    After any but done, busy or waiting they part, to join again as new processes.
    """
    if not ranks.first:
        return Outcome(**assist(store, stop_requested, ranks))
    outcome = _obtain(signature, store, watch, stop_requested, ranks)
    ranks.tell({"ending": outcome.ending, "reason": outcome.reason})
    return outcome


def _obtain(signature: str, store: Store, watch: Watch, stop_requested: Callable[[], bool], ranks: Ranks) -> Outcome:
    run = store.run(signature)
    if run.finished is not None:
        return Outcome("done")
    if run.document is None:
        return Outcome("failed", f"{signature} was never planned, or its recipe file is damaged; repeat the command.")
    try:
        stage = from_document(run.document)
    except StoreError as error:
        return Outcome("failed", str(error))
    if any(store.run(parent.signature).finished is None for parent in stage.parents):
        return Outcome("waiting")
    try:
        attempt = _claim(run, watch)
        if attempt is None:
            return Outcome("busy")
        reserve(attempt.folder)
        with Heartbeat(attempt) as heartbeat:
            earlier = [a.folder for a in run.attempts]
            workspace = Workspace(store.home, attempt, earlier, stop_requested, heartbeat)
            workspace.shortages = shortages(earlier)
            if stage.kind in TRAINED:
                workspace.ranks = ranks
                word = {"attempt": str(attempt.folder), "shortages": workspace.shortages}
                ranks.tell({"stage": stage.document(), **word})
            return _attempt(stage, store, workspace)
    except OSError as error:  # not even the record of it could be written
        if not disk_full(error):
            raise
        return Outcome("blocked", full_sentence(store.home))


def _claim(run: Run, watch: Watch) -> Attempt | None:
    """The next attempt at `run`, unless the last one's owner lives, or finished it while we looked."""
    last = run.attempts[-1] if run.attempts else None
    if last is not None and _at_work(last, watch):
        return None
    if Run(run.folder).finished is not None:
        return None
    return take(run.folder, last.number + 1 if last else 1)


def _at_work(attempt: Attempt, watch: Watch) -> bool:
    """Whether its owner lives and is at it, or between its record and the link that makes it count."""
    if is_damaged(attempt.folder / RECORD):  # it has ended, however
        return False
    return watch.alive(attempt) and (attempt.record or {"state": "done"})["state"] == "done"


def _attempt(stage: Stage, store: Store, workspace: Workspace) -> Outcome:
    """Do the stage in the workspace and write down how that ended."""
    with logging_to(workspace.folder / LOG):
        log.info("%s, attempt %d", stage.signature, workspace.attempt.number)
        for damaged in filter(is_damaged, (folder / RECORD for folder in workspace.earlier)):
            workspace.remark(f"the record of {damaged.parent.name} was damaged: what it had finished was done anew")
        try:
            return _finished(stage, workspace, perform(stage, store, workspace))
        except StoppedError:
            return _ended(stage, workspace, "stopped", reason="asked to stop; the next attempt goes on from here")
        except RankLostError as error:
            return _ended(stage, workspace, "stopped", reason=f"{error}; the next attempt goes on from its checkpoint")
        except DivergedError as error:
            return _ended(stage, workspace, "diverged", reason=str(error))
        except Exception as error:
            release(workspace.folder)
            if disk_full(error):
                return _ended(stage, workspace, "blocked", reason=full_sentence(store.home))
            log.exception("failed")
            reason = f"{type(error).__name__}: {error}"
            return _ended(stage, workspace, "failed", reason=reason, traceback=traceback.format_exc())


def _finished(stage: Stage, workspace: Workspace, result: Result) -> Outcome:
    kept = [path for path in sorted(workspace.folder.iterdir()) if path.suffix in {".safetensors", ".npz", ".jsonl"}]
    outcome = _ended(
        stage,
        workspace,
        "done",
        metrics=result.metrics,
        images_per_second=result.images_per_second,
        remarks=[*workspace.remarks, *result.remarks],
        artefacts={path.name: checksum(path) for path in kept},
    )
    if finish(workspace.attempt):
        for folder in (workspace.folder, *workspace.earlier):  # nobody resumes a finished run
            checkpoints.drop(folder)
    return outcome


def _ended(stage: Stage, workspace: Workspace, state: Ending, *, reason: str = "", **more: Any) -> Outcome:
    try:
        workspace.close()
    except OSError as error:  # what the last checkpoint rests on is durable
        if state != "blocked" or not disk_full(error):
            raise
    origin = provenance(device=device_name(stage.recipe), threads=torch.get_num_threads())
    if state == "blocked":
        origin["diff"] = ""  # it may be longer than what was reserved
    record = {
        "state": state,
        "signature": stage.signature,
        "reason": reason,
        "metrics": {},
        "seconds": round(workspace.seconds, 3),
        "attempts": workspace.attempt.number,
        "ends": counted(workspace.earlier),  # of earlier attempts: time limits and preemptions apart from deaths
        "ranks": workspace.ranks.world,
        "ended": time.time(),
        "provenance": origin,
        **more,
    }
    write_sealed(workspace.folder / RECORD, record)
    release(workspace.folder)
    log.info("%s %s", state, reason)
    return Outcome(state, reason)
