"""The latest: of each ablation a copy of the report that was built last, whatever its scale and data."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from reports.folders.swap import swapped

PAGE = "report.html"  # megabytes of script, which nobody edits in place


def renew(folder: Path, latest: Path) -> None:
    """Make `latest` a copy of the report in `folder`; the page is one file in both where the disk has hard links."""
    with swapped(latest) as partial:
        shutil.copytree(folder, partial, dirs_exist_ok=True, copy_function=_copied)


def _copied(source: str, target: str) -> None:
    if Path(source).name == PAGE:
        try:
            os.link(source, target)
        except OSError:  # the disk has none
            pass
        else:
            return
    shutil.copy2(source, target)
