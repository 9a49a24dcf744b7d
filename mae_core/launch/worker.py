"""A worker: imports torch once, then does the stages it is told to, one line of JSON each.

    python -m mae_core.launch.worker --home DIR

It reads `{"signature": …}` from standard input and answers `{"signature": …, "ending": …, "reason": …}`. When the
input ends (the launcher is gone, or wants no more) it saves what it is at, at the next step, and exits.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import signal
import sys
import threading
import warnings
from pathlib import Path
from typing import TextIO


class Wish:
    """The request to stop: set by a signal or by the end of the input, read at step boundaries."""

    number: int | None = None  # of the signal that came first

    def __init__(self, *more: signal.Signals) -> None:
        self.stop = False
        for number in (signal.SIGTERM, signal.SIGINT, *more):
            signal.signal(number, self._set)

    def _set(self, number: int, *_: object) -> None:
        self.number = self.number or number
        self.stop = True

    def requested(self) -> bool:
        """Whether to save and stop at the next step."""
        return self.stop


def _read(lines: TextIO, orders: queue.Queue[str | None], wish: Wish) -> None:
    for line in lines:
        orders.put(line)
    wish.stop = True  # the launcher is gone
    orders.put(None)


def serve(home: Path, orders_in: TextIO, answers: TextIO) -> None:
    """Answer orders until there are no more."""
    wish = Wish()
    orders: queue.Queue[str | None] = queue.Queue()
    threading.Thread(target=_read, args=(orders_in, orders, wish), daemon=True).start()

    from mae_core.stages.obtain import obtain  # torch: seconds, spent once per worker
    from mae_core.store.attempt import Watch
    from mae_core.store.run import Store

    store, watch = Store(home), Watch()
    _answer(answers, {"ready": os.getpid()})
    while (line := orders.get()) is not None and not wish.stop:
        signature = json.loads(line)["signature"]
        outcome = obtain(signature, store, watch, wish.requested)
        _answer(answers, {"signature": signature, "ending": outcome.ending, "reason": outcome.reason})


def _answer(answers: TextIO, content: dict[str, object]) -> None:
    answers.write(json.dumps(content) + "\n")
    answers.flush()


def main() -> None:
    """Serve on the standard streams; what libraries print goes to standard error, not into the answers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    home = parser.parse_args().home
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    warnings.filterwarnings("ignore")
    try:
        serve(home, sys.stdin, answers)
    except BrokenPipeError:
        os._exit(1)


if __name__ == "__main__":
    main()
