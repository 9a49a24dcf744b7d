"""Ranks joined from the environment that started this process: torchrun's, or a SLURM step's, as submitit starts one.

    torchrun --nproc-per-node 2 -m mae_core.launch.ranks --home DIR SIGNATURE…
    srun python -m mae_core.launch.ranks --home DIR SIGNATURE…

Exit status: 0 all done, waiting or busy elsewhere; 1 a stage failed; 75 stopped before its end, try again.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import socket
import sys
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from mae_core.launch.worker import Wish
from mae_core.training.watchdog import EXIT_HUNG, grace, patience

if TYPE_CHECKING:
    from mae_core.training.ranks import Ranks

PORTS = range(20_000, 32_768)  # below those that systems hand out by themselves
ENDLESS = 30 * 24 * 3600.0  # seconds, where there is no watchdog


@dataclass(frozen=True)
class Place:
    """Where this process stands among those started together, and where they meet."""

    rank: int
    world: int
    local_rank: int  # on its node
    address: str
    port: int


def place(environment: Mapping[str, str]) -> Place | None:
    """The place that `environment` gives; None where this process was started alone."""
    if "RANK" in environment and "WORLD_SIZE" in environment:
        names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_PORT")
        rank, world, local_rank, port = (int(environment.get(name, "0")) for name in names)
        found = Place(rank, world, local_rank, environment.get("MASTER_ADDR", "localhost"), port)
    elif "SLURM_STEP_NUM_TASKS" in environment:  # set by srun; an allocation's shell and batch script have no ranks
        rank, world, local_rank = (
            int(environment[f"SLURM_{name}"]) for name in ("PROCID", "STEP_NUM_TASKS", "LOCALID")
        )
        found = Place(rank, world, local_rank, _address(environment), _port(environment))
    else:
        return None
    return found if found.world > 1 else None


def _address(environment: Mapping[str, str]) -> str:
    """The first node, which has rank 0, by its name or, where that means nothing here, by its address."""
    from submitit.slurm.slurm import _parse_node_list

    nodes = environment.get("SLURM_STEP_NODELIST") or environment["SLURM_JOB_NODELIST"]
    first: str = _parse_node_list(nodes)[0]
    try:
        socket.getaddrinfo(first, None)
    except OSError:
        return environment.get("SLURM_LAUNCH_NODE_IPADDR") or "localhost"
    return first


def _port(environment: Mapping[str, str]) -> int:
    """A port that the steps of one job agree on; another after a requeue, as the old one may linger."""
    names = ("SLURM_JOB_ID", "SLURM_STEP_ID", "SLURM_RESTART_COUNT")
    return random.Random("/".join(environment.get(name, "") for name in names)).choice(PORTS)


@contextlib.contextmanager
def joined() -> Iterator[Ranks]:
    """The ranks of this process: NCCL between GPUs, gloo between CPUs; alone where it was started alone.

    Raises RankLostError where the others do not come.
    """
    from torch import cuda, distributed

    from mae_core.training.ranks import ALONE, RankLostError, Ranks

    here = place(os.environ)
    if here is None:
        yield ALONE
        return
    os.environ |= {"MASTER_ADDR": here.address, "MASTER_PORT": str(here.port)}
    if cuda.is_available():
        cuda.set_device(here.local_rank % cuda.device_count())  # a task may see its own GPU alone
    seconds = patience() or ENDLESS
    waiting = timedelta(seconds=seconds + 2 * grace(seconds))  # whoever hangs is to be noticed before
    backend = "cpu:gloo,cuda:nccl" if cuda.is_available() else "gloo"
    try:
        store, rank, world = next(distributed.rendezvous("env://", here.rank, here.world, timeout=waiting))
        group = distributed.PrefixStore("group", store)
        distributed.init_process_group(backend, store=group, rank=rank, world_size=world, timeout=waiting)
    except (RuntimeError, ValueError) as error:
        raise RankLostError(f"the other ranks did not come: {error}") from error
    ranks = Ranks(rank, world, distributed.PrefixStore("words", store))
    yield ranks
    # rank 0 keeps the store: it goes last. After an error nobody waits for anybody
    with contextlib.suppress(RankLostError):
        ranks.agree()
        distributed.destroy_process_group()


def main() -> int:
    """Do the stages, one after the other, on all ranks together; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("signatures", nargs="+", metavar="SIGNATURE")
    arguments = parser.parse_args()
    wish = Wish()
    warnings.filterwarnings("ignore")

    from mae_core.stages.obtain import obtain
    from mae_core.store.attempt import Watch
    from mae_core.store.run import Store

    with joined() as ranks:
        for signature in arguments.signatures:
            outcome = obtain(signature, Store(arguments.home), Watch(), wish.requested, ranks)
            if ranks.first:
                print(f"{signature}: {outcome.ending} {outcome.reason}".rstrip(), flush=True)
            if outcome.ending == "stopped":
                return EXIT_HUNG
            if outcome.ending not in ("done", "busy", "waiting"):
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
