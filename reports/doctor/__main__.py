"""The command: `python -m reports.doctor RUN`, a signature, the beginning of one, or a cell's name."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from mae_core.arguments import Parser
from mae_core.errors import UserError
from mae_core.home import home_folder
from mae_core.store.run import RECIPE, Run, Store
from mae_core.tracking.content.labels import read_labels
from reports.doctor.checks import examine
from reports.doctor.condition import NOT_BEGUN, damaged, unreadable
from reports.doctor.finding import Finding
from reports.doctor.patient import Patient
from reports.doctor.unexamined import GONE, unexamined


def _runs(name: str, home: Path) -> list[Run]:
    """The runs that `name` means: one by its signature, or all that a cell's name had. Raises UserError for none."""
    store = Store(home)
    if "/" in name:
        runs = [store.run(s) for s, labels in read_labels(home).items() if any(one.cell == name for one in labels)]
    else:
        runs = [run for run in store.runs() if run.signature.startswith(name)]
        if len(runs) > 1:
            raise UserError(f"{name} begins {len(runs)} signatures in {store.folder}; write more of it.")
    if not runs:
        raise UserError(f"There is no run {name} in {home}; `python -m mae_core.store show` lists them.")
    return runs


def _findings(run: Run, home: Path) -> Iterator[tuple[str, Finding]]:
    """What ails `run` and what it rests on, each with the signature that it is of."""
    patient = Patient.of(run, home)
    if patient is None:  # nothing says what it is, so no check applies
        names = unreadable(run) or [RECIPE] * bool(run.attempts)
        yield run.signature, damaged(names) if names else NOT_BEGUN
        return
    if not run.attempts:
        yield run.signature, NOT_BEGUN
    for finding in (*examine(patient), *unexamined(patient)):
        yield run.signature, finding
    for parent in patient.stage.parents:
        one = Patient(Store(home).run(parent.signature), parent, home)
        found = (*examine(one), *unexamined(one))
        for finding in found or (() if one.run.attempts or not run.attempts else (GONE,)):
            yield parent.signature, finding


def main(words: Sequence[str] | None = None) -> int:
    """Exit status: 0 healthy (nothing is printed), 1 something ails the run or it cannot be examined, 2 no such run."""
    parser = Parser(prog="python -m reports.doctor", description=__doc__)
    parser.add_argument("run", metavar="RUN", help="a signature, its beginning, or ABLATION/CASE/PROTOCOL/SEED")
    parser.add_argument("--home", help="default: $MAE_HOME, else ./out")
    arguments = parser.parse_args(words)
    try:
        home = home_folder(arguments.home)
        found = [one for run in _runs(arguments.run, home) for one in _findings(run, home)]
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    for signature, finding in found:
        print(f"{signature}: {finding.symptom}\n  likely cause: {finding.cause}\n  do: {finding.remedy}")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
