"""The snapshot: the code as it was at launch, in the home, so that jobs run what was submitted."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import tempfile
from pathlib import Path

from mae_core.launch.slurm.submitting.arrays import cluster_folder
from mae_core.store.provenance import CODE, SNAPSHOT, code_version

PACKAGES = ("mae_core", "ablations", "sweeps", "reports")


def _files(root: Path) -> list[Path]:
    """Every file of our packages, but for what Python leaves behind."""
    found = [path for name in PACKAGES for path in (root / name).rglob("*") if path.is_file()]
    return sorted(path for path in found if "__pycache__" not in path.parts)


def take_snapshot(home: Path) -> Path:
    """The folder with a copy of the code as it is now; made once for each state of the code."""
    root = CODE.parent
    files = _files(root)
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    folder = cluster_folder(home) / "code" / digest.hexdigest()[:16]
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(dir=folder.parent))
    aside.chmod(0o755)
    for path in files:
        copy = aside / path.relative_to(root)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    (aside / SNAPSHOT).write_text(json.dumps(code_version()))
    with contextlib.suppress(OSError):  # another launcher was first, with the same files
        aside.rename(folder)
    shutil.rmtree(aside, ignore_errors=True)
    return folder


def keep_file(home: Path, path: Path) -> Path:
    """A copy of a spec file of the user's own, beside the code."""
    content = path.read_bytes()
    copy = cluster_folder(home) / "specs" / hashlib.sha256(content).hexdigest()[:16] / path.name
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_bytes(content)
    return copy
