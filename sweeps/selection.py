"""Which studies a command line means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ablations.selection import Selected
from ablations.selection import select as select_ablations
from mae_core.errors import UserError, hint
from sweeps.studies import STUDIES, tune_rows
from sweeps.study import Study

TUNE_ROWS = "tune_rows"


@dataclass(frozen=True)
class Selection:
    """The studies of one command, which share a journal."""

    name: str  # what selects them again, in any folder: `finetune_lr`, `tune_rows-mask_ratio:75`, `tune_rows-FILE`
    file: str  # of the journal, without its ending: a spec file's path gives way to its ablation's name
    studies: list[Study]

    @property
    def words(self) -> list[str]:
        """What selects them on a command line."""
        kind, dash, ablation = self.name.partition("-")
        return [kind, ablation] if dash else [kind]


def named(words: Sequence[str]) -> str:
    """A command line's words as one: `finetune_lr`, or `tune_rows-mask_ratio` for `tune_rows mask_ratio`."""
    if words[0] == TUNE_ROWS and len(words) == 2:
        return f"{TUNE_ROWS}-{words[1]}"
    if len(words) != 1:
        raise UserError("Name one study, or write tune_rows and an ablation.")
    return words[0]


def select(name: str) -> Selection:
    """The studies of that name: one, or one for each row of an ablation. Raises UserError for a name without any."""
    kind, _, ablation = name.partition("-")
    if kind == TUNE_ROWS:
        return _rows_of(ablation)
    if name not in STUDIES:
        known = [*STUDIES, TUNE_ROWS]
        choices = f"choose one of {', '.join(known)}."
        raise UserError(f"There is no study {name!r}; {hint(name, known, choices)}")
    return Selection(name, name, [STUDIES[name]])


def _rows_of(ablation: str) -> Selection:
    if not ablation:
        raise UserError("Say whose rows to tune, for example `tune_rows mask_ratio`.")
    selected = select_ablations([ablation])
    if len(selected) != 1:
        raise UserError(f"{TUNE_ROWS} tunes the rows of one ablation; name one, for example `tune_rows mask_ratio`.")
    (one,) = selected
    if one.protocol:
        raise UserError(f"{TUNE_ROWS} tunes rows, not protocols; write {ablation.rpartition('/')[0]}.")
    found = list(tune_rows(one.ablation, one.only))
    if not found:
        raise UserError(f"{ablation} has no row that is pre-trained here and fine-tuned for its number; tune another.")
    return Selection(f"{TUNE_ROWS}-{_again(one)}", f"{TUNE_ROWS}-{one.ablation.name}{_row(one)}", found)


def _again(one: Selected) -> str:
    return f"{Path(one.word).absolute() if one.file else one.word}{_row(one)}"


def _row(one: Selected) -> str:
    return f":{one.only}" if one.only else ""
