"""Pretended SLURM commands, at the process boundary: scripts that answer what a test wrote down."""

import os
import stat
import sys
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


SBATCH = """exec {python} - "$@" <<'END'
import re, sys
from pathlib import Path
folder = Path({folder!r})
text = Path(sys.argv[1]).read_text()
scripts = list(folder.glob("*.sh"))
if len(scripts) >= {most}:
    sys.exit("sbatch: error: Batch job submission failed: Job violates accounting/QOS policy")
number = len(scripts) + 1
(folder / f"{{number}}.sh").write_text(text)
print("Submitted batch job", number)
END"""
SQUEUE = """exec {python} - <<'END'
import re
from pathlib import Path
for path in sorted(Path({folder!r}).glob("*.sh")):
    text = path.read_text()
    name, indices = (re.search(f"--{{word}}=(\\\\S+)", text)[1].strip("'") for word in ("job-name", "array"))
    for part in indices.partition("%")[0].split(","):
        first, _, last = part.partition("-")
        for index in range(int(first), int(last or first) + 1):
            print(f"{{path.stem}}|{{path.stem}}|{{index}}|{{name}}|PENDING||Priority")
END"""


@pytest.fixture
def scheduler(commands, tmp_path):
    """A scheduler that takes arrays and never starts them; a function gives the scripts, in order. `most` at once."""
    folder = tmp_path / "jobs"
    folder.mkdir()

    def limit(most: int = 10_000) -> None:
        commands("sbatch", SBATCH.format(python=sys.executable, folder=str(folder), most=most))

    limit()
    commands("squeue", SQUEUE.format(python=sys.executable, folder=str(folder)))
    commands("sacct", "exit 1")
    commands("srun", "exit 1")
    commands("scontrol", "echo 'MaxArraySize = 1000'")
    return folder, limit
