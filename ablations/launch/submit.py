"""Hand a launch to a cluster: foretell its cost, write it down, submit it, see that a keeper is there, and return."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from ablations.launch.execute import Reporter, prepare
from ablations.launch.forecast import Forecast
from ablations.launch.launch import Launch
from mae_core.errors import UserError
from mae_core.launch.slurm.launches import ClusterLaunch, Launches
from mae_core.launch.slurm.queue import max_array_size
from mae_core.launch.slurm.settings import ClusterError, find, load
from mae_core.launch.slurm.submitting.snapshot import keep_file, take_snapshot
from mae_core.launch.slurm.submitting.submit import Cluster, Round
from mae_core.store.run import Store


@dataclass(frozen=True)
class Words:
    """What was said on the command line, for the command that builds the reports later."""

    names: tuple[str, ...]
    data: str | None


def forecast(launch: Launch, max_gpu_hours: float | None, console: Console) -> None:
    """Print what submitting would do and cost. Raises UserError where it would be refused."""
    path = find(launch.home)
    try:
        most = max_array_size()
    except ClusterError:
        most = None
    foretold = Forecast.of(launch.plan(), Store(launch.home), load(path), most)
    foretold.show(console, path)
    foretold.check(max_gpu_hours)


def submit(launch: Launch, words: Words, max_gpu_hours: float | None, reports: Reporter, console: Console) -> int:
    """Submit what is neither finished nor queued nor running; 0 once that is with the cluster."""
    begun = time.monotonic()
    path = find(launch.home)
    settings = load(path)
    Forecast.of(launch.plan(), Store(launch.home), settings).check(max_gpu_hours)
    plan, store = prepare(launch)
    if all(store.run(signature).finished is not None for signature in plan.stages):
        for one, built in zip(launch.selected, reports(launch, time.monotonic() - begun), strict=True):
            console.print(f"{one.ablation.name}: everything was finished. {built.verdict}\n{built.latest}")
        return 0
    snapshot = take_snapshot(launch.home)
    commands = [_report_command(launch, words, settings.python or sys.executable)]
    request = ClusterLaunch.of(plan.stages, commands, snapshot, path.absolute())
    Launches(launch.home).begin(request)
    done = Cluster(launch.home, settings, snapshot).submit(list(plan.stages.values()), again=True, keeper=True)
    _tell(done, launch, console)
    return 0


def _report_command(launch: Launch, words: Words, python: str) -> list[str]:
    names = [str(keep_file(launch.home, Path(name))) if name.endswith(".py") else name for name in words.names]
    command = [python, "-m", "reports.build", *names, "--scale", launch.scale.name, "--seeds", str(launch.seeds)]
    if words.data is not None:
        folder = Path(words.data)
        command += ["--data", str(folder.absolute()) if folder.is_dir() else words.data]
    return [*command, "--home", str(launch.home)]


def _tell(done: Round, launch: Launch, console: Console) -> None:
    found = done.standing
    before = f"{len(found.done)} were finished, {len(found.queued)} in the queue, {len(found.elsewhere)} elsewhere"
    console.print(f"{done.stages} stages submitted in {len(done.submitted)} job arrays; {before}.", soft_wrap=True)
    left = len(found.open) - done.stages
    if done.refused and not done.submitted:
        raise UserError(f"{done.refused} Nothing was submitted; correct cluster.toml, or try again later.")
    if left:
        why = f" ({done.refused})" if done.refused else ""
        console.print(f"{left} more follow as the queue has room{why}.", soft_wrap=True)
    names = " ".join(one.ablation.name for one in launch.selected)
    console.print(
        "This terminal may be closed: a keeper job sees to the rest and builds the report. "
        f"`python -m ablations.status {names} --home {launch.home}` shows how far it is.",
        soft_wrap=True,
    )
