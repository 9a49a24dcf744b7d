"""Following: the launcher's door to the tracker, a writer in a process of its own that neither slows nor ends it."""

from __future__ import annotations

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
        self._failure = ""
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  (a pipe that nobody reads could fill up)
        command = [sys.executable, "-m", "mae_core.tracking", "sync", "--follow", str(seconds), "--home", str(home)]
        self._writer: subprocess.Popen[bytes] | None = None
        try:
            # it ends with our end of its standard input, however we end; a Ctrl-C at the terminal is not for it
            self._writer = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=self._said, start_new_session=True
            )
        except OSError as error:
            self._failure = f"the writer could not be started ({error})"

    def finish(self, timeout: float = 30.0) -> str | None:
        """Let the writer look a last time, for so many seconds; a sentence if something is not synced, else None."""
        try:
            return None if nothing_to_do(self.home) else self._last_look(timeout)
        except Exception as error:  # no tracker ends a launcher
            return later(self.home, f"{type(error).__name__}: {error}")
        finally:
            if self._writer is not None:
                self._writer.kill()  # at any moment: the next writer goes on from here
                self._writer.communicate()
            self._said.close()

    def _last_look(self, timeout: float) -> str | None:
        if self._writer is None or self._writer.stdin is None:
            return later(self.home, self._failure)
        self._writer.stdin.close()
        try:
            status = self._writer.wait(timeout)
        except subprocess.TimeoutExpired:
            return later(self.home, f"the tracker took more than {timeout:g} s")
        return None if status == 0 else self._told(status)

    def _told(self, status: int) -> str:
        self._said.seek(0)
        lines = self._said.read().decode(errors="replace").strip().splitlines()
        said = lines[-1] if lines else ""
        return said if said.startswith("not synced") else later(self.home, said or f"the writer ended with {status}")
