"""A store with made-up runs, written the way stages write them: what show, verify, prune, export and import see."""

from dataclasses import replace
from pathlib import Path

from mae_core.recipes import BASELINE, FINETUNE
from mae_core.signature import Stage
from mae_core.store.attempt import RECORD, Attempt, finish, take
from mae_core.store.checkpoint_files import FOLDER, file_name
from mae_core.store.files import checksum, write_sealed
from mae_core.store.journal import NAME, Journal
from mae_core.store.run import Run, Store
from mae_core.tracking.content.labels import write_labels

PRETRAIN = Stage(BASELINE)
FINETUNED = Stage(FINETUNE, (PRETRAIN,))


def other(seed: int) -> Stage:
    return Stage(replace(BASELINE, seed=seed))


def begin(home: Path, stage: Stage, rows: int = 3) -> Attempt:
    """A new attempt with a journal."""
    run = Store(home).plan(stage)
    attempt = take(run.folder, len(run.attempts) + 1)
    journal = Journal(attempt.folder / NAME)
    for step in range(rows):
        journal.append({"step": step, "loss": 1.0})
    journal.close()
    return attempt


def checkpoint(attempt: Attempt, step: int) -> Path:
    folder = attempt.folder / FOLDER
    folder.mkdir(exist_ok=True)
    (folder / "new").write_bytes(bytes([step]) * 100)
    length = (attempt.folder / NAME).stat().st_size
    return (folder / "new").rename(folder / file_name(step, length, checksum(folder / "new")[:16]))


def end(attempt: Attempt, state: str = "done", **metrics: float) -> Run:
    """The attempt ends with weights and panels; done, it finishes its run."""
    for name in ("weights.safetensors", "panels.npz"):
        (attempt.folder / name).write_bytes(name.encode() * 9)
    made = {name: checksum(attempt.folder / name) for name in ("weights.safetensors", "panels.npz", NAME)}
    record = {"state": state, "metrics": metrics, "seconds": 2.0, "artefacts": made if state == "done" else {}}
    write_sealed(attempt.folder / RECORD, record)
    if state == "done":
        finish(attempt)
    return Run(attempt.folder.parent)


def label(home: Path, stage: Stage, ablation: str = "mask_ratio", scale: str = "smoke") -> None:
    cell = {"name": f"{ablation}/75/finetune/0", "case": "75", "label": "75 %", "protocol": "finetune", "seed": 0}
    write_labels(home, ablation, scale, "fashion_mnist", [cell | {"signature": stage.signature}])
