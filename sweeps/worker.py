"""A sweep's worker: asks for a trial, has its stages done, tells the number, until the study has all its trials.

    python -m sweeps.worker NAME --scale S --data D --home DIR --trials N

In a job of its own on a cluster it asks SLURM for it again when it was told to stop before the study's end. Any number
of them, on any machines that share the home, work on one study.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from optuna.trial import Trial

from mae_core.arguments import Parser
from mae_core.data.catalogue import describe
from mae_core.errors import UserError
from mae_core.launch.slurm.job import requeue
from mae_core.launch.worker import Wish
from mae_core.scales import scale_named
from mae_core.signature import Stage
from mae_core.stages.obtain import obtain
from mae_core.store.attempt import Heartbeat, Watch
from mae_core.store.run import Store
from mae_core.store.space import disk_full, full_sentence
from sweeps.halving import DIVERGED
from sweeps.record import Recorder
from sweeps.rungs import Rung, rungs_of, searched
from sweeps.selection import select
from sweeps.study import Study
from sweeps.trials import BLOCKED, Files, Trials, register

WAIT_SECONDS = 0.5  # while others are at the last trials, or at a stage of this one


class Worker:
    """One process at a study."""

    def __init__(self, trials: Trials, stop: Callable[[], bool]) -> None:
        self.trials, self.stop = trials, stop
        files = trials.files
        self.store, self.watch = Store(files.home), Watch()
        self.rungs = rungs_of(trials.study, files.scale, files.info)
        self.recorder = Recorder(trials)

    def run(self) -> str:
        """Work until the study has ended, has failed too often, or the wish to stop comes; else what is in the way."""
        blocked = ""
        while not (blocked or self.stop() or self.trials.ended or self.trials.failed):
            asked = self.trials.next()
            self.recorder.write()
            if asked is None:
                time.sleep(WAIT_SECONDS)
            else:
                blocked = self._try(*asked)
        self.recorder.write()
        return blocked

    def _try(self, trial: Trial, stage: Stage) -> str:
        """Have the trial's stages done, parents first, looking at each rung whether it is worth going on.

        What is in the way of any trial, if something is: a full disk is no fault of this one, which is given back.
        """
        for one in stage.with_parents():
            self.store.plan(one)
        long = searched(stage, self.trials.study.space)
        for one in stage.with_parents():
            for rung in [*(self.rungs if one is long else ()), None]:
                ending, reason = self._obtain(one, rung)
                if ending == "blocked" or (ending == "stopped" and self.stop()):
                    self.trials.give_back(trial)
                    return reason if ending == "blocked" else ""
                if ending == "diverged":
                    self.trials.prune(trial, f"{DIVERGED}: {reason}")
                    return ""
                if ending not in ("done", "stopped"):
                    self.trials.fail(trial, f"{one.signature} {ending}: {reason}")
                    return ""
                if rung is not None and self._over(trial, one, rung):
                    return ""
        self.trials.complete(trial, self.store.run(stage.signature).metrics["top1"])
        return ""

    def _over(self, trial: Trial, stage: Stage, rung: Rung) -> bool:
        """Tell how the trial does at `rung`; whether it is over: ended by the pruner, or another worker's by now."""
        value = rung.value(self.store.run(stage.signature))
        if value is None:
            return False
        if not self.trials.report(trial, value, rung.resource):
            return True
        if not trial.should_prune():
            return False
        self.trials.prune(trial, f"after {rung.epoch:g} epochs of {stage.kind}")
        return True

    def _obtain(self, stage: Stage, rung: Rung | None) -> tuple[str, str]:
        """Have `stage` done, up to `rung` where one is given."""
        self.store.plan(stage)
        reached = rung.reached(self.store.run(stage.signature)) if rung else _never

        def wish() -> bool:
            return self.stop() or reached()

        while not wish():
            outcome = obtain(stage.signature, self.store, self.watch, wish)
            if outcome.ending not in ("busy", "waiting"):
                return outcome.ending, outcome.reason
            time.sleep(WAIT_SECONDS)  # another trial, or another launcher, is at this stage
        return "stopped", ""


def _never() -> bool:
    return False


def work(study: Study, files: Files, trials: int, wish: Wish, since: float | None = None) -> str:
    """Work on `study` in this process until it has `trials` trials or the wish to stop comes; else what is in the way.

    Args:
        study: what to search.
        files: where its memory is.
        trials: complete and pruned ones after which it ends.
        wish: the request to stop.
        since: when the launch began, in seconds since the epoch; failures before it do not count. None: now.
    """
    worker = register(files)
    with Heartbeat(worker):
        return Worker(Trials(study, files, worker, trials, since), wish.requested).run()


def _until_the_launcher_ends(wish: Wish) -> None:
    while os.read(sys.stdin.fileno(), 1):  # past Python's buffer, whose lock a thread may not hold when Python ends
        pass
    wish.stop = True


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = Parser(
        prog="python -m sweeps.worker", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", metavar="NAME", help="a study's, or tune_rows-ABLATION")
    parser.add_argument("--scale", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--trials", type=int, required=True, help="of each study; 0: as it says itself")
    parser.add_argument(
        "--launched", type=float, metavar="SECONDS", help="by a launcher, when: its end is that of standard input"
    )
    parser.add_argument("--requeue", action="store_true", help="in a job: ask SLURM for it again when told to stop")
    return parser.parse_args(words)


def main(words: Sequence[str] | None = None) -> int:
    """The process that `sweeps.run` starts; its exit status."""
    asked = _arguments(words)
    try:
        if asked.trials < 0:
            raise UserError(
                f"--trials {asked.trials} asks for nothing; give 1 or more, or 0 for as many as it says itself."
            )
        scale, info, selected = scale_named(asked.scale), describe(asked.data, asked.home), select(asked.name)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    wish = Wish(signal.SIGUSR2)
    if asked.launched is not None:
        threading.Thread(target=_until_the_launcher_ends, args=(wish,), daemon=True).start()
    files = Files(asked.home, selected.file, scale, info)
    if blocked := _work_on(selected.studies, files, asked, wish):
        print(blocked, file=sys.stderr)
        return BLOCKED
    if wish.stop and asked.requeue and os.environ.get("SLURM_PROCID", "0") == "0":
        requeue(os.environ["SLURM_JOB_ID"])
    return 0


def _work_on(studies: Iterable[Study], files: Files, asked: argparse.Namespace, wish: Wish) -> str:
    """Work on one study after the other; what is in the way, as soon as something is."""
    try:
        told = (work(study, files, asked.trials or study.trials, wish, asked.launched) for study in studies)
        return next(filter(None, told), "")
    except OSError as error:  # not even the journal could be written
        if not disk_full(error):
            raise
        return full_sentence(files.home)


if __name__ == "__main__":
    sys.exit(main())
