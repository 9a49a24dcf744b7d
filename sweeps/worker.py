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
from collections.abc import Callable, Sequence
from pathlib import Path

from optuna.trial import Trial

from mae_core.arguments import Parser
from mae_core.data.catalogue import DataInfo, describe
from mae_core.errors import UserError
from mae_core.launch.slurm.job import requeue
from mae_core.launch.worker import Wish
from mae_core.scales import Scale, scale_named
from mae_core.signature import Stage
from mae_core.stages.obtain import obtain
from mae_core.store.attempt import Heartbeat, Watch
from mae_core.store.run import Store
from sweeps.record import Recorder
from sweeps.rungs import Rung, rungs_of, searched
from sweeps.selection import select
from sweeps.study import Study
from sweeps.trials import Files, Trials, register

WAIT_SECONDS = 0.5  # while others are at the last trials, or at a stage of this one


class Worker:
    """One process at a study."""

    def __init__(self, study: Study, trials: Trials, scale: Scale, info: DataInfo, stop: Callable[[], bool]) -> None:
        self.study, self.trials, self.scale, self.info, self.stop = study, trials, scale, info, stop
        self.store, self.watch = Store(trials.files.home), Watch()
        self.recorder = Recorder(trials)

    def run(self) -> None:
        """Work until the study has ended, has failed too often, or the wish to stop comes."""
        while not self.stop() and not self.trials.ended and not self.trials.failed:
            asked = self.trials.next(lambda found: self.study.stage(found, self.scale, self.info))
            self.recorder.write()
            if asked is None:
                time.sleep(WAIT_SECONDS)
                continue
            self._try(*asked)
        self.recorder.write()

    def _try(self, trial: Trial, stage: Stage) -> None:
        """Have the trial's stages done, parents first, looking at each rung whether it is worth going on."""
        for one in stage.with_parents():
            self.store.plan(one)
        long = searched(stage, self.study.space)
        for one in stage.with_parents():
            rungs = rungs_of(one, self.study.rungs) if one is long else []
            for rung in [*rungs, None]:
                ending, reason = self._obtain(one, rung)
                if ending == "stopped" and self.stop():
                    self.trials.give_back(trial)
                    return
                if ending == "diverged":
                    self.trials.prune(trial, f"diverged: {reason}")
                    return
                if ending not in ("done", "stopped"):
                    self.trials.fail(trial, f"{one.signature} {ending}: {reason}")
                    return
                if rung is not None and self._hopeless(trial, one, rung):
                    return
        self.trials.complete(trial, self.store.run(stage.signature).metrics["top1"])

    def _hopeless(self, trial: Trial, stage: Stage, rung: Rung) -> bool:
        """Tell how the trial does at `rung`; whether the pruner has ended it."""
        value = rung.value(self.store.run(stage.signature))
        if value is None:
            return False
        trial.report(value, rung.resource)
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


def work(study: Study, file: str, scale: Scale, info: DataInfo, home: Path, trials: int, wish: Wish) -> None:
    """Work on `study` in this process until it has `trials` trials or the wish to stop comes."""
    files = Files(home, file, scale.name, info.name)
    worker = register(files)
    with Heartbeat(worker):
        Worker(study, Trials(study, files, worker, trials), scale, info, wish.requested).run()


def _until_the_launcher_ends(wish: Wish) -> None:
    while os.read(sys.stdin.fileno(), 1):  # past Python's buffer, whose lock a thread may not hold when Python ends
        pass
    wish.stop = True


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = Parser(
        prog="python -m sweeps.worker", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", metavar="NAME", help="of the journal: a study's, or tune_rows-ABLATION")
    parser.add_argument("--scale", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--trials", type=int, required=True, help="of each study; 0: as it says itself")
    parser.add_argument("--launched", action="store_true", help="stop when standard input ends: the launcher is gone")
    parser.add_argument("--requeue", action="store_true", help="in a job: ask SLURM for it again when told to stop")
    return parser.parse_args(words)


def main(words: Sequence[str] | None = None) -> int:
    """The process that `sweeps.run` starts; its exit status."""
    asked = _arguments(words)
    try:
        scale, info, studies = scale_named(asked.scale), describe(asked.data, asked.home), select(asked.name)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    wish = Wish(signal.SIGUSR2)
    if asked.launched:
        threading.Thread(target=_until_the_launcher_ends, args=(wish,), daemon=True).start()
    for study in studies:
        work(study, asked.name, scale, info, asked.home, asked.trials or study.trials, wish)
    if wish.stop and asked.requeue and os.environ.get("SLURM_PROCID", "0") == "0":
        requeue(os.environ["SLURM_JOB_ID"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
