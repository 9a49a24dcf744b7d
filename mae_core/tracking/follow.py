"""Following: the launcher's door to the tracker, a writer in a process of its own that neither slows nor ends it."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
from pathlib import Path

from mae_core.tracking.survey import nothing_to_do

SECONDS = 10.0


def later(home: Path, why: str) -> str:
    """The sentence for a person whose runs are not in the tracker."""
    return f"not synced: {why}; run `python -m mae_core.tracking sync --home {home}` later"


class Follower:
    """A writer that looks through the store every few seconds for as long as this process lives."""

    def __init__(self, home: Path, seconds: float = SECONDS) -> None:
        self.home = home
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  (a pipe that nobody reads could fill up)
        command = [sys.executable, "-m", "mae_core.tracking", "sync", "--follow", str(seconds), "--home", str(home)]
        # it ends with our end of its standard input, however we end; a Ctrl-C at the terminal is not for it
        self._writer = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=self._said, start_new_session=True
        )

    def finish(self, timeout: float = 30.0) -> str | None:
        """Let the writer look a last time, for so many seconds; a sentence if something is not synced, else None."""
        try:
            if nothing_to_do(self.home):
                return None
            assert self._writer.stdin is not None
            self._writer.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                return self._told(self._writer.wait(timeout))
            return later(self.home, f"the tracker took more than {timeout:g} s")
        finally:
            self._writer.kill()  # at any moment: the next writer goes on from here
            self._writer.communicate()
            self._said.close()

    def _told(self, status: int) -> str | None:
        if status == 0:
            return None
        self._said.seek(0)
        lines = self._said.read().decode(errors="replace").strip().splitlines()
        said = lines[-1] if lines else ""
        return said if said.startswith("not synced") else later(self.home, said or f"the writer ended with {status}")
