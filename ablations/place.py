"""Places: by-scale/SCALE-DATA, the folder of a scale's reports on some data, and how two data sets share a name."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from mae_core.data.catalogue import DataInfo
from mae_core.scales import Scale

DIGITS = 8  # of the data's fingerprint, where their name is taken
ABSENT = ":absent"  # ends the fingerprint of data that are not on this machine, whatever they are


def place_of(reports: Path, scale: Scale, info: DataInfo) -> Path:
    """Where in the folder `reports` those of `scale` on the data `info` are, or will be.

    That is by-scale/SCALE-DATA, unless other data of the same name have reports there: two folders may be called alike,
    and one may have changed since. Then a few digits of the data's fingerprint follow.
    """
    usual = reports / "by-scale" / f"{scale.name}-{info.name}"
    digits = hashlib.sha256(info.fingerprint.encode()).hexdigest()[:DIGITS]
    own = usual.with_name(f"{usual.name}-{digits}")
    return own if own.is_dir() or _has_others(usual, info.fingerprint) else usual


def _has_others(folder: Path, fingerprint: str) -> bool:
    """Whether a report in `folder`, of an ablation or a sweep, is known to be of other data."""
    if not _known(fingerprint):
        return False
    found = {_fingerprint(path) for path in folder.rglob("report.json")}
    return any(_known(one) for one in found - {fingerprint})


def _fingerprint(report: Path) -> str:
    """That of the data that a report is of; empty where it does not say."""
    try:
        facts = json.loads(report.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    return str(facts.get("fingerprint", ""))


def _known(fingerprint: str) -> bool:
    return bool(fingerprint) and not fingerprint.endswith(ABSENT)
