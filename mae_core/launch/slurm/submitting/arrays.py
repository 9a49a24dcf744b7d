"""Job arrays as files: which stages each task of an array does. Written before submission, so that nothing is lost with
the launcher; SLURM's job name is the file's name, so that the queue alone tells what was submitted."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mae_core.store.files import read_sealed, write_sealed

PREFIX = "mae-"
KEEPER_FILE = "keeper.json"  # in a home's cluster folder: the keeper's job name

Task = tuple[str, int]  # name of the array, index in it


def cluster_folder(home: Path) -> Path:
    """Where a home keeps what concerns its cluster."""
    return home / "cluster"


def new_name() -> str:
    """A name no other array has."""
    return f"{PREFIX}{uuid.uuid4().hex[:12]}"


@dataclass(frozen=True)
class JobArray:
    """Tasks of one resource shape that are submitted together."""

    name: str
    kind: str  # of its stages; one of those with this shape
    tasks: Mapping[int, tuple[str, ...]]  # index → signatures, done one after the other
    after: str | None = None  # each task waits for the task of the same index of that array
    threads: int | None = None  # of each process

    @property
    def indices(self) -> str:
        """The indices as sbatch writes them: `0-3,7`."""
        parts: list[str] = []
        numbers = sorted(self.tasks)
        start = 0
        for at, number in enumerate(numbers):
            if at + 1 == len(numbers) or numbers[at + 1] != number + 1:
                parts.append(str(number) if start == at else f"{numbers[start]}-{number}")
                start = at + 1
        return ",".join(parts)


@dataclass(frozen=True)
class Submitted:
    """An array as it was submitted."""

    array: JobArray
    time: float  # when, in seconds since 1970
    job: str | None  # its job id; None where the launcher died before it could write it down


class Arrays:
    """The arrays of a home."""

    def __init__(self, home: Path) -> None:
        self.folder = cluster_folder(home) / "arrays"

    def write(self, array: JobArray) -> None:
        """Write down an array that is about to be submitted."""
        self.folder.mkdir(parents=True, exist_ok=True)
        content = {
            "kind": array.kind,
            "after": array.after,
            "threads": array.threads,
            "time": time.time(),
            "tasks": {str(index): list(signatures) for index, signatures in array.tasks.items()},
        }
        write_sealed(self.folder / f"{array.name}.json", content)

    def note_job(self, name: str, job: str) -> None:
        """Write down the id that SLURM gave."""
        write_sealed(self.folder / f"{name}.job", {"job": job})

    def withdraw(self, name: str) -> None:
        """Forget an array that SLURM refused."""
        (self.folder / f"{name}.json").unlink(missing_ok=True)

    def read(self, name: str) -> Submitted | None:
        """The array of that name; None where its file is absent or damaged."""
        content = read_sealed(self.folder / f"{name}.json")
        if content is None:
            return None
        tasks = {int(index): tuple(signatures) for index, signatures in content["tasks"].items()}
        job = read_sealed(self.folder / f"{name}.job")
        array = JobArray(name, content["kind"], tasks, content["after"], content["threads"])
        return Submitted(array, content["time"], job["job"] if job else None)

    def all(self) -> list[Submitted]:
        """Every array, oldest first."""
        found = [self.read(path.stem) for path in self.folder.glob(f"{PREFIX}*.json")]
        return sorted((one for one in found if one is not None), key=lambda one: one.time)


def tasks_of(arrays: list[Submitted]) -> dict[str, list[Task]]:
    """The tasks that were to do each stage, oldest first."""
    tasks: dict[str, list[Task]] = {}
    for one in arrays:
        for index, signature in _each(one.array):
            tasks.setdefault(signature, []).append((one.array.name, index))
    return tasks


def _each(array: JobArray) -> Iterator[tuple[int, str]]:
    for index, signatures in array.tasks.items():
        for signature in signatures:
            yield index, signature
