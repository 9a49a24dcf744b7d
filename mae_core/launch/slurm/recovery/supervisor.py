"""The supervisor: a small process that starts a rank's work as its child and sees how that ends.

The kernel that lacks memory kills the largest process, and a process that hangs is of no use any more; this one lives
to tell.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
from collections.abc import Callable
from pathlib import Path

from mae_core.store.ends import How
from mae_core.training.watchdog import EXIT_HUNG

VMSTAT = Path("/proc/vmstat")  # Linux counts here whom it killed for want of memory, on this machine
FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR2)
DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of prctl


def killed_for_memory() -> int:
    """Processes that this machine's kernel killed for want of memory since it started."""
    with contextlib.suppress(OSError):
        for line in VMSTAT.read_text().splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0


def supervised(work: Callable[[], int], tell: Callable[[How | None], None]) -> int:
    """The exit status of `work`, done in a child process.

    Args:
        work: in the child, returns its exit status.
        tell: called with how the child was killed, or with None where it left with the status of one that hung.
    """
    before, parent = killed_for_memory(), os.getpid()
    child = os.fork()
    if child == 0:
        _die_with(parent)
        return work()
    for number in FORWARDED:
        signal.signal(number, lambda number, _: _forward(number, child))
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    for number in FORWARDED:  # whoever ends the job now waits until it is told
        signal.signal(number, signal.SIG_IGN)
    if status == -signal.SIGKILL and killed_for_memory() > before:
        tell("memory")
    elif status < 0:
        tell("killed" if status == -signal.SIGKILL else "crashed")
    elif status == EXIT_HUNG:
        tell(None)
    return status if status >= 0 else 128 - status


def _forward(number: int, child: int) -> None:
    with contextlib.suppress(ProcessLookupError):  # it has just left
        os.kill(child, number)


def _die_with(parent: int) -> None:
    with contextlib.suppress(OSError, AttributeError):  # where the C library is another
        ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)
    if os.getppid() != parent:  # it died in between
        os._exit(1)
