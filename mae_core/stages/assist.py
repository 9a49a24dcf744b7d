"""What ranks other than 0 do while rank 0 obtains a stage: train their share, and hear how it ended."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from mae_core.signature import from_document
from mae_core.stages.logs import log, logging_to
from mae_core.stages.work import perform
from mae_core.store.attempt import Attempt
from mae_core.store.run import Store
from mae_core.training.ranks import OtherRankError, RankLostError, Ranks
from mae_core.training.workspace import DivergedError, ReleasedError, StoppedError, Workspace

A_MINUTE = timedelta(minutes=1)


def assist(store: Store, stop_requested: Callable[[], bool], ranks: Ranks) -> dict[str, Any]:
    """Do this rank's part of what rank 0 obtains: its `ending` and `reason`.

    Raises what failed on this rank alone; the process should end of it, so that the others notice.
    """
    try:
        message = ranks.hear()
        if "ending" not in message:
            message = _take_part(message, store, stop_requested, ranks)
    except RankLostError as error:
        return {"ending": "stopped", "reason": str(error)}
    return message


def _take_part(
    message: dict[str, Any], store: Store, stop_requested: Callable[[], bool], ranks: Ranks
) -> dict[str, Any]:
    attempt = Attempt(Path(message["attempt"]))
    workspace = Workspace(store.home, attempt, stop_requested=stop_requested, ranks=ranks)
    workspace.shortages = message["shortages"]
    with logging_to(attempt.folder / f"log-{ranks.rank}.txt"):
        try:
            perform(from_document(message["stage"]), store, workspace)
        except (ReleasedError, StoppedError, DivergedError, OtherRankError):
            return ranks.hear()
        except RankLostError:
            raise
        except Exception as error:
            log.exception("failed")
            try:
                return ranks.hear(A_MINUTE)  # rank 0 knows of a failure that was raised on all
            except RankLostError:
                raise error from None
    return ranks.hear()
