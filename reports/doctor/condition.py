"""Condition: whether there is anything of a run to examine, and which of its files are not what was written."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from mae_core.store import journal
from mae_core.store.attempt import FINISHED, RECORD
from mae_core.store.files import is_damaged
from mae_core.store.run import RECIPE, Run
from mae_core.store.upkeep.damage import of_run
from reports.doctor.finding import Finding

NOT_BEGUN = Finding(
    "The run has not begun: nothing has worked on it.",
    "its launch has not come to it yet, or ended before it did.",
    "wait for the launch, or repeat it; `python -m ablations.status` shows how far it is.",
)


def unreadable(run: Run) -> list[str]:
    """What is damaged of the files that say what the run is and how it ended, by their places in its folder.

    A recipe that is not there is no damage: trackers do not have that of a run under way.
    """
    places = []
    recipe = run.folder / RECIPE
    if run.document is None and recipe.exists():
        places.append(recipe)
    record = _last_word(run)
    if record is not None and (is_damaged(record) or (_is_finished(run) and not record.exists())):
        places.append(record)
    return _told(run, places)


def unreadable_journal(run: Run) -> list[str]:
    """The place of the journal that counts, where lines of it were altered; one under way may end in half a line."""
    last = run.finished or (run.attempts[-1] if run.attempts else None)
    path = last.folder / journal.NAME if last else None
    if path is None or not path.is_file() or b"\n" not in path.read_bytes()[journal.whole(path) :]:
        return []
    return _told(run, [path])


def altered(run: Run) -> list[str]:
    """All its files that are not what was recorded of them; every byte is read."""
    return _told(run, [damage.path for damage in of_run(run) if damage.path.name != FINISHED])


def damaged(names: Collection[str]) -> Finding:
    """That the files `names` are damaged."""
    return Finding(
        f"The run is damaged: {', '.join(names)}.",
        "what was written was cut short, altered or removed since, by a full disk, an interrupted copy or an edit.",
        "copy it anew from where it is whole, or move the run's folder away and repeat its launch.",
    )


def _is_finished(run: Run) -> bool:
    return (run.folder / FINISHED).is_symlink()


def _last_word(run: Run) -> Path | None:
    """Where the run's record is, or should be once it has ended; None where nothing has worked on it."""
    if _is_finished(run):
        return run.folder / (run.folder / FINISHED).readlink().name / RECORD
    return run.attempts[-1].folder / RECORD if run.attempts else None


def _told(run: Run, places: Collection[Path]) -> list[str]:
    return [place.relative_to(run.folder).as_posix() for place in dict.fromkeys(places)]
