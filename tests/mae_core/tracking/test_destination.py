"""The destination: which tracker is meant, where its positions are, whether anybody is there."""

import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from mae_core.tracking import destination as subject
from mae_core.tracking.destination import Destination


def test_without_a_tracking_uri_it_is_the_homes_own_database(tmp_path: Path) -> None:
    found = Destination.of(tmp_path)
    assert (found.database, found.is_default, found.remote) == (tmp_path / "mlflow.db", True, False)


def test_a_tracking_uri_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://example.org/mlflow")
    found = Destination.of(tmp_path)
    assert (found.uri, found.database, found.is_default, found.remote) == (
        "https://example.org/mlflow",
        None,
        False,
        True,
    )


def test_a_relative_database_is_one_place_from_wherever_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///mlflow.db")
    assert Destination.of(tmp_path).is_default


def test_positions_are_kept_apart_for_each_destination(tmp_path: Path) -> None:
    uris = [
        "https://example.org",
        "https://example.com",
        f"sqlite:///{tmp_path}/a.db",
        f"sqlite:///{tmp_path}/mlflow.db",
    ]
    assert len({Destination(tmp_path, uri).folder for uri in uris}) == 4


def test_a_changed_password_is_the_same_destination(tmp_path: Path) -> None:
    assert (
        Destination(tmp_path, "https://me:old@example.org").folder
        == Destination(tmp_path, "https://example.org").folder
    )


def test_a_password_is_not_shown(tmp_path: Path) -> None:
    assert Destination(tmp_path, "https://me:secret@example.org/x").shown == "https://example.org/x"


def test_positions_of_the_homes_own_database_move_with_the_home(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    assert Destination.of(one).folder.relative_to(one) == Destination.of(other).folder.relative_to(other)


@pytest.mark.parametrize("uri", ["mlruns", "file:///mlruns", "sqlite://", "sqlite:///:memory:"])
def test_what_would_keep_points_twice_or_not_at_all_is_refused(tmp_path: Path, uri: str) -> None:
    assert Destination(tmp_path, uri).refusal


@pytest.mark.parametrize("uri", ["http://example.org", "sqlite:///mlflow.db", "postgresql://example.org/mlflow"])
def test_servers_and_databases_are_accepted(tmp_path: Path, uri: str) -> None:
    assert Destination(tmp_path, uri).refusal is None


@pytest.fixture
def silent() -> Iterator[int]:
    """A port that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_a_port_that_swallows_all_is_unreachable_in_bounded_time(
    tmp_path: Path, silent: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subject, "PROBE_SECONDS", 0.2)
    begun = time.monotonic()
    assert "did not answer" in (Destination(tmp_path, f"http://127.0.0.1:{silent}").unreachable() or "")
    assert time.monotonic() - begun < 2


def test_a_closed_port_is_unreachable(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert "cannot be reached" in (Destination(tmp_path, f"http://127.0.0.1:{port}").unreachable() or "")


class Refusing(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_error(403)

    def log_message(self, *_: object) -> None: ...


def test_any_answer_is_a_sign_of_life(tmp_path: Path) -> None:
    with HTTPServer(("127.0.0.1", 0), Refusing) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        assert Destination(tmp_path, f"http://127.0.0.1:{server.server_port}").unreachable() is None
