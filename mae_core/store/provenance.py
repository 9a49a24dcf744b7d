"""Where a number came from: code, versions, machine."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = ("torch", "torchvision", "timm", "numpy", "scikit-learn", "pydantic")
CODE = Path(__file__).parents[1]  # mae_core: what computes
SNAPSHOT = "snapshot.json"  # beside a copy of the code: what `code_version` was where it was copied from


def _git(*words: str) -> str | None:
    try:
        answer = subprocess.run(
            ["git", "-C", str(CODE), *words], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None


@functools.cache
def code_version() -> dict[str, Any]:
    """The commit, whether and how the tree differs from it, and a digest of the source that computes."""
    digest = hashlib.sha256()
    for path in sorted(CODE.rglob("*.py")):
        digest.update(path.relative_to(CODE).as_posix().encode() + b"\0" + path.read_bytes())
    copied = CODE.parent / SNAPSHOT
    if copied.is_file():
        return {**json.loads(copied.read_text()), "source": digest.hexdigest()[:16]}
    diff = _git("diff", "HEAD", "--", str(CODE)) or ""
    return {
        "commit": _git("rev-parse", "HEAD") or "unknown",
        "dirty": bool(diff),
        "diff": diff,
        "source": digest.hexdigest()[:16],
    }


@functools.cache
def processor() -> str:
    """The CPU's model name: equal bits are promised on equal models."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def provenance(*, device: str, threads: int) -> dict[str, Any]:
    """Everything a reader needs to judge whether two numbers are comparable."""
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return {
        **code_version(),
        "python": platform.python_version(),
        "versions": versions,
        "host": platform.node(),
        "platform": platform.platform(),
        "processor": processor(),
        "cores": os.cpu_count(),
        "device": device,
        "threads": threads,
    }
