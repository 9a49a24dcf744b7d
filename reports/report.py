"""The report of one ablation: a folder with its tables, figure, panels and executed notebook, replaced as a whole."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from ablations.place import place_of
from ablations.spec import Ablation
from mae_core.data.catalogue import DataInfo
from mae_core.scales import Scale
from mae_core.store.run import Store
from reports.folders.latest import renew
from reports.folders.swap import swapped
from reports.measures.curves import Curve, pretraining_curves, write_curves, write_probes
from reports.measures.memory import peak_memory
from reports.pages import notebook
from reports.pages.sections import sections
from reports.results import TROUBLE, Results, collect
from reports.tables import quantities, rows, table
from reports.tables.quantities import Beside
from reports.tables.rows import Row

if TYPE_CHECKING:  # whatever imports matplotlib is imported where it is used, while the notebook's kernel starts up
    from reports.figures.panels import Panels


@dataclass(frozen=True)
class Built:
    """A report that was built."""

    folder: Path  # reports/by-scale/SCALE-DATA/NAME, as `place_of` has it
    latest: Path  # reports/NAME, its copy
    files: tuple[Path, ...]
    verdict: str  # one sentence
    counts: Counter[str]  # cells by status
    seconds: float  # it took

    @property
    def failed(self) -> bool:
        """Whether some cell failed or diverged."""
        return any(self.counts[status] for status in TROUBLE)


def build(
    ablation: Ablation,
    scale: Scale,
    info: DataInfo,
    home: Path,
    seeds: int,
    *,
    only: str | None = None,
    protocol: str | None = None,
    wall_seconds: float | None = None,
    memory: Path | None = None,
    kernel: notebook.Kernel | None = None,
) -> Built:
    """Build the report of `ablation` for seeds 0 … seeds-1 from the store of `home`, or of the home `memory`.

    The report is put into `home`. It shows all rows; with `only` or `protocol`, the cells of that row
    or of that protocol alone are counted.
    `wall_seconds`, how long the launch took so far, stands in the caption. `kernel` executes the notebook; one of its
    own where there is none.
    """
    started, remembered = time.perf_counter(), memory or home
    reports = home / "reports"
    latest = reports / ablation.name
    reports.mkdir(parents=True, exist_ok=True)
    with FileLock(reports / f".{ablation.name}.lock"):
        folder = place_of(reports, scale, info) / ablation.name
        folder.parent.mkdir(parents=True, exist_ok=True)
        with swapped(folder) as partial, nullcontext(kernel) if kernel else notebook.Kernel() as running:
            results = collect(ablation, scale, info, remembered, seeds)
            told = _write(results, remembered, partial, running, wall_seconds)
        renew(folder, latest)
        _index(reports)
    return Built(
        folder=folder,
        latest=latest,
        files=tuple(sorted(folder.iterdir())),
        verdict=told["verdict"],
        counts=results.counts(only, protocol),
        seconds=time.perf_counter() - started,
    )


def _index(reports: Path) -> None:
    from reports.pages import index

    index.write(reports)


def _write(
    results: Results, home: Path, folder: Path, kernel: notebook.Kernel, wall_seconds: float | None
) -> dict[str, Any]:
    """Write all files of the report to `folder`; the facts are returned."""
    from reports.doctor.rounds import rounds
    from reports.figures.panels import found_panels
    from reports.measures.predictors import trivial_of_targets
    from reports.tables.facts import facts

    table_rows, baseline_rows = rows.table_rows(results), rows.baseline_rows(results)
    found, learnt = found_panels(results, home), pretraining_curves(results, home)
    trivial = trivial_of_targets(learnt, results.ablation.default, Store(home))
    told = facts(results, wall_seconds, trivial, rounds([results], home))
    rows.write_rows(table_rows, folder / "table.csv")
    rows.write_rows(baseline_rows, folder / "baselines.csv")
    beside = quantities.quantities(results)
    quantities.write_quantities(beside, folder / "quantities.csv")
    rows.write_cells(results, folder / "cells.csv")
    write_curves(learnt, folder / "curves.csv")
    write_probes(learnt, folder / "probes.csv")
    _write_tables(results, table_rows, baseline_rows, beside, told, folder)
    (folder / "report.json").write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    _draw(results, (table_rows, baseline_rows), found, learnt, trivial, peak_memory(results, home), folder)
    drawn = {path.name for path in folder.iterdir()}
    made = notebook.assemble(f"{told['title']} ({told['source']})", sections(told, drawn))
    ended_early = kernel.execute(made, folder)
    if ended_early:
        made["cells"].insert(0, notebook.remark(f"This notebook was not executed to its end: {ended_early}"))
    notebook.write(made, folder / "report.ipynb")
    (folder / "report.html").write_text(notebook.html(made), encoding="utf-8")
    return told


def _draw(
    results: Results,
    numbers: tuple[Sequence[Row], Sequence[Row]],  # the table's, the baselines'
    found: dict[str, Panels],
    learnt: Sequence[Curve],
    trivial: Mapping[str, Mapping[str, float]],
    memory: Mapping[str, float],
    folder: Path,
) -> None:
    from reports.figures import ablation, costs, differences, losses, panels, probing

    ablation.draw(results, *numbers, folder)
    differences.draw(results, numbers[0], folder)
    losses.draw(results, learnt, trivial, folder)
    probing.draw(results, learnt, folder)
    costs.draw(results, numbers[0], memory, folder)
    panels.draw(results, found, folder)


def _write_tables(
    results: Results,
    table_rows: Sequence[Row],
    baseline_rows: Sequence[Row],
    beside: Sequence[Beside],
    told: Mapping[str, Any],
    folder: Path,
) -> None:
    """The table, and those of other quantities and of the baselines below it where there are any."""
    name = results.ablation.name
    tables = [(table.layout(results, table_rows), [*told["caption"], f"{table.MARKS} {table.DIFFERENCES}"], name)]
    for suffix, layout, words in (
        ("quantities", table.quantities_layout(results, beside), quantities.notes(beside)),
        ("baselines", table.baseline_layout(results, baseline_rows), f"{told['baselines']} {table.BASELINES}"),
    ):
        tables += [(layout, [words], f"{name}-{suffix}")] if layout.lines else []
    markdown = "\n".join(table.markdown(layout, words) for layout, words, _ in tables)
    (folder / "table.md").write_text(markdown, encoding="utf-8")
    latex = "\n".join(table.latex(layout, words, label) for layout, words, label in tables)
    (folder / "table.tex").write_text(latex, encoding="utf-8")
