"""Which studies a command line means."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from ablations.selection import select as select_ablations
from mae_core.errors import UserError
from sweeps.studies import STUDIES, tune_rows
from sweeps.study import Study

TUNE_ROWS = "tune_rows"


def file_name(words: Sequence[str]) -> str:
    """What the studies of a command share: `finetune_lr`, or `tune_rows-mask_ratio` for `tune_rows mask_ratio`."""
    if words[0] == TUNE_ROWS and len(words) == 2:
        return f"{TUNE_ROWS}-{words[1]}"
    if len(words) != 1:
        raise UserError("Name one study, or write tune_rows and an ablation.")
    return words[0]


def select(name: str) -> list[Study]:
    """The studies of that name: one, or one for each row of an ablation. Raises UserError for a name without any."""
    kind, _, ablation = name.partition("-")
    if kind == TUNE_ROWS:
        if not ablation:
            raise UserError("Say whose rows to tune, for example `tune_rows mask_ratio`.")
        selected = select_ablations([ablation])
        if any(one.protocol for one in selected):
            raise UserError(f"{TUNE_ROWS} tunes rows, not protocols; write {ablation.rpartition('/')[0]}.")
        found = [study for one in selected for study in tune_rows(one.ablation, one.only)]
        if not found:
            raise UserError(
                f"{ablation} has no row that is pre-trained here and fine-tuned for its number; tune another."
            )
        return found
    if name not in STUDIES:
        close = difflib.get_close_matches(name, [*STUDIES, TUNE_ROWS], n=1)
        hint = f"did you mean {close[0]}?" if close else f"choose one of {', '.join([*STUDIES, TUNE_ROWS])}."
        raise UserError(f"There is no study {name!r}; {hint}")
    return [STUDIES[name]]
