"""Pretended SLURM commands, at the process boundary: scripts that answer what a test wrote down."""

import os
import stat
from pathlib import Path

import pytest


@pytest.fixture
def commands(tmp_path, monkeypatch):
    """A function that makes `name` a command that runs a shell text; nothing else of SLURM is found."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin")

    def make(name: str, text: str) -> Path:
        path = folder / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    return make
