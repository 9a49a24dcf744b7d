"""The keeper: a small job that sees launches through when their launcher has gone.

    python -m mae_core.launch.slurm.keeper --home DIR

It tops up what the site's limits kept back, submits again what was lost, gives up what gets no further, keeps the
tracker in step, and builds the reports. It may die at any moment: the same `ablations.run` command brings another.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from mae_core.errors import UserError
from mae_core.launch.slurm import queue as slurm
from mae_core.launch.slurm.job import STOPPED, requeue
from mae_core.launch.slurm.launches import ClusterLaunch, Launches
from mae_core.launch.slurm.recovery.policy import Policy
from mae_core.launch.slurm.settings import load
from mae_core.launch.slurm.standing import Standing
from mae_core.launch.slurm.submitting.submit import Cluster, dismissed
from mae_core.launch.worker import Wish
from mae_core.signature import Stage, from_document
from mae_core.store.attempt import Watch
from mae_core.tracking.follow import Follower

SYNC_SECONDS = 60.0  # for the tracker, at the end
LONGEST_SECONDS = 300.0  # between looks, while SLURM refuses
TROUBLED_SECONDS = 30.0  # between looks, while the settings cannot be read
# SLURM is not well, or its settings, or the disk: nothing is known, so nothing is done until it passes
TROUBLES = (UserError, OSError)


class Keeper:
    """Sees the launches of a home through."""

    def __init__(self, home: Path, wish: Wish) -> None:
        self.home, self.wish, self.watch = home, wish, Watch()
        self._stages: dict[str, list[Stage]] = {}  # by launch
        self._refusals = 0  # rounds running in which SLURM took nothing, or did not answer

    def keep(self) -> int:
        """Go on until every launch is through or the job must stop; the exit status."""
        while not self.wish.stop:
            seconds = TROUBLED_SECONDS
            launches = Launches(self.home).under_way()
            if not launches and self._dismissed():
                return 0
            refused = False
            for launch in launches:
                try:
                    settings = load(Path(launch.settings))
                    seconds = settings.poll_seconds
                    refused |= self._tend(launch, Cluster(self.home, settings, Path(launch.snapshot)))
                except TROUBLES as error:
                    refused = True
                    _say(str(error))
            self._refusals = self._refusals + 1 if refused else 0
            self._wait(pause(seconds, self._refusals))
        return STOPPED

    def _dismissed(self) -> bool:
        try:
            return not self.home.is_dir() or dismissed(self.home)
        except OSError as error:
            _say(str(error))
            return False

    def _wait(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not self.wish.stop:
            time.sleep(0.2)

    def _tend(self, launch: ClusterLaunch, cluster: Cluster) -> bool:
        """A round for one launch; whether SLURM took nothing of what was offered."""
        stages = self._stages_of(launch, cluster)
        policy = Policy(launch, cluster.store, cluster.settings.tries)
        done = cluster.submit(stages, watch=self.watch, spare=policy.spare)
        if done.stages:
            _say(f"{launch.name}: {done.stages} stages submitted in {len(done.submitted)} arrays")
        if done.refused:
            _say(f"{launch.name}: {done.refused} It is tried again.")
        if not done.submitted and not done.refused and not done.standing.moving:
            self._finish(launch, done.standing)
        return bool(done.refused) and not done.submitted

    def _stages_of(self, launch: ClusterLaunch, cluster: Cluster) -> list[Stage]:
        if launch.name not in self._stages:
            documents = [cluster.store.run(signature).document for signature in launch.signatures]
            self._stages[launch.name] = [from_document(document) for document in documents if document]
        return self._stages[launch.name]

    def _finish(self, launch: ClusterLaunch, found: Standing) -> None:
        """Build the reports of a launch that nothing is left to do for."""
        _say(f"{launch.name}: {len(found.done)} done, {len(found.ended)} failed, {len(found.open)} blocked")
        environment = slurm.scrubbed() | {"PYTHONPATH": launch.snapshot}
        said = []
        for words in launch.reports:
            built = subprocess.run(words, cwd=launch.snapshot, env=environment, stdin=subprocess.DEVNULL, check=False)
            if self.wish.stop:  # the signal reached the report too; it is built when this job runs again
                return
            said.append(f"{' '.join(words)}: exit status {built.returncode}")
        Launches(self.home).end(launch, "\n".join(said))


def pause(seconds: float, refusals: int) -> float:
    """Seconds until the next round: twice as long after each refusal, up to some minutes or what the settings ask."""
    return max(seconds, min(LONGEST_SECONDS, seconds * 2.0 ** min(refusals, 30)))


def _say(text: str) -> None:
    print(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}", flush=True)


def main() -> int:
    """Keep; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    home = parser.parse_args().home
    wish = Wish(signal.SIGUSR2)
    follower = Follower(home)
    try:
        status = Keeper(home, wish).keep()
    finally:
        unsynced = follower.finish(0.0 if wish.stop else SYNC_SECONDS)
    if unsynced:
        _say(unsynced)
    if status == STOPPED:
        _say("requeued" if requeue(os.environ["SLURM_JOB_ID"]) else "stopped")
    return status


if __name__ == "__main__":
    sys.exit(main())
