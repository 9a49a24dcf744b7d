"""A sweep on this machine: workers side by side, then the winners, then the report."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from ablations.launch.display import Display
from ablations.launch.execute import have_data
from mae_core.data.catalogue import DataInfo
from mae_core.launch.local import Pool, environment_for, processes_for
from mae_core.scales import Scale
from mae_core.signature import Stage
from mae_core.store.run import Store
from mae_core.store.space import full_sentence
from mae_core.tracking.follow import Follower
from sweeps.findings.report import write
from sweeps.findings.winners import Undecided, Verdict, decide
from sweeps.record import Recorder
from sweeps.selection import Selection
from sweeps.trials import BLOCKED, Files, Trials, missing, register

SYNC_SECONDS = 30.0
LOOK_SECONDS = 0.5
REHIRES = 5  # workers that died since the last trial ended, before the launcher gives up
LOG = "workers.log"


@dataclass(frozen=True)
class Sweep:
    """One command's studies, which share a journal file."""

    selected: Selection
    scale: Scale
    info: DataInfo
    home: Path
    trials: int | None  # None: as each study says
    seeds: int
    workers: int | None = None  # None: 8 on a cluster, else as many as cores allow

    @property
    def files(self) -> Files:
        """Where its memory is."""
        return Files(self.home, self.selected.file, self.scale, self.info)

    def run(self, console: Console) -> int:
        """Search, decide, report; the exit status."""
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR2):  # the last: SLURM, before a time limit
            signal.signal(number, _interrupt)
        have_data(self.info, self.home)
        since, me = time.time(), register(self.files)
        follower = Follower(self.home)
        try:
            views = [
                Trials(study, self.files, me, self.trials or study.trials, since) for study in self.selected.studies
            ]
            _say_what_else_is_there(views, console)
            recorders = [Recorder(view) for view in views]
            _write_all(recorders)  # a worker that was killed may have told a trial and not written it down
            lacking = Search(self, views, since).run(console)
            _write_all(recorders)
            verdicts = [self._decide(view, console) for view in views]
            folder = write(views, verdicts, lacking)
        finally:
            unsynced = follower.finish(SYNC_SECONDS)
        told = [f"{verdict.study.name}: {verdict.sentence()}" for verdict in verdicts]
        for sentence in filter(None, [lacking, *told, f"The report is in {folder}.", unsynced]):
            console.print(sentence, soft_wrap=True)
        return 0 if not lacking and all(isinstance(verdict, Verdict) for verdict in verdicts) else 1

    def _decide(self, view: Trials, console: Console) -> Verdict | Undecided:
        store = Store(self.home)

        def do(stages: Iterable[Stage]) -> None:
            wanted = [one for stage in stages for one in stage.with_parents()]
            for stage in wanted:
                store.plan(stage)
            pool = Pool(store, wanted, self.scale.threads)
            with Display(console, store, {}) as display:
                pool.run(display.tick)

        return decide(view, store, self.seeds, do)


class Search:
    """The workers of one launch, hired anew where they die, until every study has its trials or none can go on."""

    def __init__(self, sweep: Sweep, views: Sequence[Trials], since: float) -> None:
        self.sweep, self.views, self.since = sweep, views, since
        self.wanted = sum(view.wanted for view in views)
        self.count = min(self.wanted, sweep.workers or processes_for(sweep.scale.threads, self.wanted))
        self.spare = 0  # workers to hire before another trial ends
        self.died, self.blocked = 0, False
        self.workers: list[subprocess.Popen[bytes]] = []

    def run(self, console: Console) -> str:
        """Keep workers at it; a sentence on what is missing in the end, and why."""
        told = -1
        try:
            while True:
                done = self.wanted - missing(self.views)
                if done != told:
                    console.print(f"{done}/{self.wanted} trials of {self.sweep.selected.file}")
                    told, self.spare = done, self.count + REHIRES
                self._let_go()
                while self._worthwhile and len(self.workers) < self.count:
                    self.workers.append(self._hire())
                    self.spare -= 1
                if not self.workers:
                    return self._lacking()
                time.sleep(LOOK_SECONDS)
        finally:
            for worker in self.workers:
                worker.terminate()
            for worker in self.workers:
                worker.wait()

    @property
    def _worthwhile(self) -> bool:
        """Whether another worker would have something to do."""
        return self.spare > 0 and not self.blocked and not all(view.ended or view.failed for view in self.views)

    def _let_go(self) -> None:
        left = [worker.returncode for worker in self.workers if worker.poll() is not None]
        self.blocked = self.blocked or BLOCKED in left
        self.died += sum(status not in (0, BLOCKED) for status in left)
        self.workers = [worker for worker in self.workers if worker.poll() is None]

    def _hire(self) -> subprocess.Popen[bytes]:
        sweep = self.sweep
        words = [sweep.selected.name, "--scale", sweep.scale.name, "--data", sweep.info.data, "--home", str(sweep.home)]
        words += ["--trials", str(sweep.trials or 0), "--launched", repr(self.since)]
        with (sweep.home / LOG).open("ab") as errors:
            return subprocess.Popen(
                [sys.executable, "-m", "sweeps.worker", *words],
                stdin=subprocess.PIPE, stdout=errors, stderr=errors, env=environment_for(sweep.scale.threads),
                start_new_session=True,
            )  # fmt: skip

    def _lacking(self) -> str:
        count = missing(self.views)
        if not count:
            return ""
        reasons = list(dict.fromkeys(reason for view in self.views for reason in view.reasons))
        if self.blocked:
            reasons.append(full_sentence(self.sweep.home))
        if self.died:
            reasons.append(f"{self.died} worker{'s' * (self.died > 1)} died")
        why = "; ".join(reasons) or "nobody took them"
        log = self.sweep.home / LOG
        return f"{count} of {self.wanted} trials are missing: {why}. What the workers said is in {log}."


def _say_what_else_is_there(views: Iterable[Trials], console: Console) -> None:
    for view in views:
        if view.others:
            console.print(
                f"{view.files.journal} has trials of another {view.study.name}: its settings, data, space or stages "
                "have changed since. They stay there and do not count.",
                soft_wrap=True,
            )


def _write_all(recorders: Iterable[Recorder]) -> None:
    for recorder in recorders:
        recorder.write()


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
