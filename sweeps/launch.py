"""A sweep on this machine: workers side by side, then the winners, then the report."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterable
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
from mae_core.tracking.follow import Follower
from sweeps.findings.report import write
from sweeps.findings.winners import Verdict, decide
from sweeps.record import Recorder
from sweeps.study import Study
from sweeps.trials import Files, Trials, register

SYNC_SECONDS = 30.0
LOOK_SECONDS = 0.5
REHIRES = 5  # workers that died, before the launcher gives up


@dataclass(frozen=True)
class Sweep:
    """One command's studies, which share a journal file."""

    studies: list[Study]
    file: str
    scale: Scale
    info: DataInfo
    home: Path
    trials: int | None  # None: as each study says
    seeds: int

    def run(self, console: Console) -> int:
        """Search, decide, report; the exit status."""
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR2):  # the last: SLURM, before a time limit
            signal.signal(number, _interrupt)
        have_data(self.info, self.home)
        files = Files(self.home, self.file, self.scale.name, self.info.name)
        me = register(files)
        follower = Follower(self.home)
        try:
            views = [Trials(study, files, me, self.trials or study.trials) for study in self.studies]
            recorders = [Recorder(view) for view in views]
            _write_all(recorders)  # a worker that was killed may have told a trial and not written it down
            self._search(views, console)
            _write_all(recorders)
            verdicts = [self._decide(view, console) for view in views]
            folder = write(self.file, views, verdicts, self.scale, self.info, self.home)
        finally:
            unsynced = follower.finish(SYNC_SECONDS)
        for verdict in verdicts:
            if verdict is not None:
                console.print(f"{verdict.study.name}: {verdict.sentence()}", soft_wrap=True)
        console.print(f"The report is in {folder}.", soft_wrap=True)
        if unsynced:
            console.print(unsynced, soft_wrap=True)
        return 0 if all(verdicts) else 1

    def _search(self, views: list[Trials], console: Console) -> None:
        """Keep workers at it until every study has its trials."""
        wanted = sum(view.wanted for view in views)
        workers: list[subprocess.Popen[bytes]] = []
        hired, told, count = 0, -1, processes_for(self.scale.threads, wanted)
        try:
            while True:
                done = sum(min(view.counted, view.wanted) for view in views)
                if done != told:
                    console.print(f"{done}/{wanted} trials of {self.file}")
                    told = done
                workers = [worker for worker in workers if worker.poll() is None]
                if not workers and (done >= wanted or hired >= count + REHIRES):
                    return
                while done < wanted and len(workers) < count and hired < count + REHIRES:
                    workers.append(self._hire())
                    hired += 1
                time.sleep(LOOK_SECONDS)
        finally:
            for worker in workers:
                worker.terminate()
            for worker in workers:
                worker.wait()

    def _hire(self) -> subprocess.Popen[bytes]:
        words = [self.file, "--scale", self.scale.name, "--data", self.info.data, "--home", str(self.home)]
        with (self.home / "workers.log").open("ab") as errors:
            return subprocess.Popen(
                [sys.executable, "-m", "sweeps.worker", *words, "--trials", str(self.trials or 0), "--launched"],
                stdin=subprocess.PIPE, stdout=errors, stderr=errors, env=environment_for(self.scale.threads),
                start_new_session=True,
            )  # fmt: skip

    def _decide(self, view: Trials, console: Console) -> Verdict | None:
        store = Store(self.home)

        def do(stages: Iterable[Stage]) -> None:
            wanted = [one for stage in stages for one in stage.with_parents()]
            for stage in wanted:
                store.plan(stage)
            pool = Pool(store, wanted, self.scale.threads)
            with Display(console, store, {}) as display:
                pool.run(display.tick)

        return decide(view.study, view, self.scale, self.info, store, self.seeds, do)


def _write_all(recorders: Iterable[Recorder]) -> None:
    for recorder in recorders:
        recorder.write()


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
