"""Real groups of gloo processes for tests: forked, so that torch is imported once."""

import multiprocessing
import os
import pickle
import socket
import traceback
from datetime import timedelta

from torch import distributed

from mae_core.training.ranks import Ranks


def free_port():
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _rank(rank, world, port, work, answers, seconds, released):
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    try:
        wait = timedelta(seconds=seconds)
        store = distributed.TCPStore("127.0.0.1", port, world, rank == 0, timeout=wait)
        distributed.init_process_group("gloo", store=store, rank=rank, world_size=world, timeout=wait)
        answer = work(Ranks(rank, world, distributed.PrefixStore("words", store)))
    except BaseException as error:
        traceback.print_exc()
        answer = error
    answers.put((rank, pickle.dumps(answer)))
    answers.close()
    answers.join_thread()
    if rank == 0:  # it keeps the store, and goes last
        os.read(released, 1)
    os._exit(0)  # what the parent forked, such as pytest's exit handlers, is not this process's to run


def in_ranks(world, work, seconds=60, dying=()):
    """What `work(ranks)` answers on each of `world` processes, by rank: errors too; None where it dies."""
    context = multiprocessing.get_context("fork")
    answers, port = context.Queue(), free_port()
    released, release = os.pipe()
    processes = [
        context.Process(target=_rank, args=(rank, world, port, work, answers, seconds, released))
        for rank in range(world)
    ]
    for process in processes:
        process.start()
    try:
        found = dict(answers.get(timeout=seconds) for _ in range(world - len(dying)))
    finally:
        os.write(release, b".")
        for process in processes:
            process.join(5)
            process.kill()
        os.close(released)
        os.close(release)
    return [pickle.loads(found[rank]) if rank in found else None for rank in range(world)]
