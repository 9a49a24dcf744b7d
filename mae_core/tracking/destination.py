"""The destination: where MLflow keeps its runs, and where the home remembers what is already there."""

from __future__ import annotations

import hashlib
import os
import socket
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

DATABASE = "mlflow.db"
FOLDER = "tracking"
PROBE_SECONDS = 5.0
SQLITE = "sqlite:///"


@dataclass(frozen=True)
class Destination:
    """A tracking URI as this home uses it."""

    home: Path
    uri: str

    @classmethod
    def of(cls, home: Path) -> Destination:
        """MLFLOW_TRACKING_URI, else the database in the home."""
        return cls.at(home, os.environ.get("MLFLOW_TRACKING_URI") or f"{SQLITE}{home / DATABASE}")

    @classmethod
    def at(cls, home: Path, uri: str) -> Destination:
        """`uri`, a database by its absolute path."""
        if uri.startswith(SQLITE) and ":memory:" not in uri:
            uri = f"{SQLITE}{Path(uri.removeprefix(SQLITE)).absolute()}"
        return cls(home, uri)

    @property
    def database(self) -> Path | None:
        """The SQLite file, where it is one."""
        return Path(self.uri.removeprefix(SQLITE).partition("?")[0]) if self.uri.startswith(SQLITE) else None

    @property
    def is_default(self) -> bool:
        """Whether it is the home's own database, which only this writer makes and migrates."""
        return self.database == self.home / DATABASE

    @property
    def remote(self) -> bool:
        """Whether it is a server spoken to by HTTP."""
        return self.uri.startswith(("http://", "https://"))

    @cached_property
    def shown(self) -> str:
        """The URI without name and password."""
        parts = urlsplit(self.uri)
        return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])) if "@" in parts.netloc else self.uri

    @cached_property
    def folder(self) -> Path:
        """Where the positions of this destination are; it moves with a home that holds its own database."""
        name = DATABASE if self.is_default else self.shown
        return self.home / FOLDER / hashlib.sha256(name.encode()).hexdigest()[:16]

    @property
    def lock(self) -> Path:
        """Held by the one writer."""
        return self.folder.with_suffix(".lock")

    @property
    def refusal(self) -> str | None:
        """Why nothing can be kept there, if so."""
        scheme = urlsplit(self.uri).scheme
        if scheme in ("", "file"):
            return f"{self.shown} is a folder, where MLflow would double repeated points; name a server or a database"
        if scheme.startswith("sqlite") and (self.database is None or ":memory:" in self.uri):
            return f"{self.shown} does not outlive the writer; name a database file"
        return None

    def unreachable(self) -> str | None:
        """Why no server answers there, if so; any answer counts as life. It takes 5 s at the most."""
        if not self.remote:
            return None
        try:
            with urllib.request.urlopen(f"{self.uri.rstrip('/')}/health", timeout=PROBE_SECONDS):
                return None
        except urllib.error.HTTPError:
            return None
        except urllib.error.URLError as error:
            if isinstance(error.reason, ssl.SSLError):  # MLflow has settings of its own for certificates
                return None
            reason = error.reason
        except (OSError, ValueError) as error:
            reason = error
        waited = isinstance(reason, TimeoutError | socket.timeout)
        why = f"did not answer within {PROBE_SECONDS:.0f} s" if waited else f"cannot be reached ({reason})"
        return f"{self.shown} {why}"
