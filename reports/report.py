"""The report of one ablation: a folder with its tables, figure, panels and executed notebook, replaced as a whole."""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from ablations.spec import Ablation
from mae_core.data.catalogue import DataInfo
from mae_core.scales import Scale
from mae_core.store.files import TEMPORARY
from reports import baselines, caption, rows, table, verdict
from reports.pages import index, notebook
from reports.results import STATUSES, TROUBLE, Results, collect

PANELS = "The guess is shown as it is: where the loss covers masked patches only, visible ones are not learnt."
COSTS = (
    "Seconds are the mean over seeds of what one number costs from nothing, its pre-training included; images/s are "
    "the pre-training's. `bundle.rows()` has all columns, `bundle.cells()` every number seed by seed."
)
MOST_REASONS = 20  # printed; cells.csv has them all


@dataclass(frozen=True)
class Built:
    """A report that was built."""

    folder: Path  # reports/by-scale/SCALE-DATA/NAME
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
    wall_seconds: float | None = None,
    memory: Path | None = None,
) -> Built:
    """Build the report of `ablation` for seeds 0 … seeds-1 from the store of `home`, or of the home `memory`.

    The report is put into `home`. It shows all rows; with `only`, the cells of that row alone are counted.
    `wall_seconds`, how long the launch took so far, stands in the caption.
    """
    started, remembered = time.perf_counter(), memory or home
    reports = home / "reports"
    folder, latest = reports / "by-scale" / f"{scale.name}-{info.name}" / ablation.name, reports / ablation.name
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(reports / f".{ablation.name}.lock"):
        with _replacing(folder) as partial, notebook.Kernel(partial) as kernel:
            results = collect(ablation, scale, info, remembered, seeds)
            facts = _write(results, remembered, partial, kernel, wall_seconds)
        with _replacing(latest) as partial:
            shutil.copytree(folder, partial, dirs_exist_ok=True)
        index.write(reports)
    return Built(
        folder=folder,
        latest=latest,
        files=tuple(sorted(folder.iterdir())),
        verdict=facts["verdict"],
        counts=results.counts(only),
        seconds=time.perf_counter() - started,
    )


@contextlib.contextmanager
def _replacing(folder: Path) -> Iterator[Path]:
    """A folder that takes the place of `folder` once it is complete, so that no reader sees half of it."""
    prefix = f"{TEMPORARY}{folder.name}-"
    for left in folder.parent.glob(f"{prefix}*"):  # by a killed build; the lock makes this one alone
        shutil.rmtree(left, ignore_errors=True)
    partial = Path(tempfile.mkdtemp(prefix=prefix, dir=folder.parent))
    try:
        partial.chmod(0o755)
        yield partial
        if folder.exists():
            old = Path(tempfile.mkdtemp(prefix=prefix, dir=folder.parent))
            folder.replace(old)  # a folder may take the place of an empty one
            partial.rename(folder)
            shutil.rmtree(old)
        else:
            partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _write(
    results: Results, home: Path, folder: Path, kernel: notebook.Kernel, wall_seconds: float | None
) -> dict[str, Any]:
    """Write all files of the report to `folder`; the facts are returned."""
    from reports.figures import ablation as figure
    from reports.figures import panels

    table_rows, baseline_rows = rows.table_rows(results), rows.baseline_rows(results)
    facts = _facts(results, wall_seconds)
    rows.write_rows(table_rows, folder / "table.csv")
    rows.write_rows(baseline_rows, folder / "baselines.csv")
    rows.write_cells(results, folder / "cells.csv")
    printed, rivals = table.layout(results, table_rows), table.baseline_layout(results, baseline_rows)
    text = table.markdown(printed, facts["caption"])
    if rivals.lines:
        text += "\n" + table.markdown(rivals, ["Baselines at the same label budget."])
    (folder / "table.md").write_text(text, encoding="utf-8")
    (folder / "table.tex").write_text(table.latex(printed, facts["caption"], results.ablation.name), encoding="utf-8")
    (folder / "report.json").write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    figure.draw(results, table_rows, baseline_rows, folder)
    drawn = panels.draw(results, panels.found_panels(results, home), folder)
    made = notebook.assemble(
        f"{facts['title']} ({facts['source']})", _sections(facts, table_rows, panels=drawn is not None)
    )
    ended_early = kernel.execute(made)
    if ended_early:
        made["cells"].insert(0, notebook.remark(f"This notebook was not executed to its end: {ended_early}"))
    notebook.write(made, folder / "report.ipynb")
    (folder / "report.html").write_text(notebook.html(made), encoding="utf-8")
    return facts


def _facts(results: Results, wall_seconds: float | None) -> dict[str, Any]:
    """What there is to say in words, for the notebook, the index and other programs."""
    ablation, judgements, rivals = results.ablation, verdict.judge(results), baselines.compare(results)
    return {
        "ablation": ablation.name,
        "title": ablation.title,
        "source": ablation.source,
        "default": ablation.default,
        "scale": results.scale.name,
        "data": results.info.name,
        "seeds": results.seeds,
        "counts": {status: results.counts()[status] for status in STATUSES if results.counts()[status]},
        "seconds": round(results.seconds, 1),
        "verdict": verdict.sentence(judgements),
        "baselines": baselines.sentence(results, rivals),
        "comparisons": [comparison.told() for comparison in rivals],
        "caption": caption.caption(results, wall_seconds),
        "origin": caption.origin(results),
        "claims": [
            {
                "claim": j.claim.text,
                "verdict": j.state,
                "evidence": j.evidence,
                "seeds that would tell": j.seeds_to_tell,
            }
            for j in judgements
        ],
        "open": _open(results),
    }


def _open(results: Results) -> list[str]:
    """The cells that are not done, those with the same reason together."""
    groups: dict[tuple[str, str], list[str]] = {}
    for result in results.everything:
        if result.status != "done":
            groups.setdefault((result.status, result.reason), []).append(result.cell.name)
    ordered = sorted(groups.items(), key=lambda item: STATUSES.index(item[0][0]))
    return [f"{status}: {', '.join(names)}" + (f" ({reason})" if reason else "") for (status, reason), names in ordered]


def _sections(facts: Mapping[str, Any], table_rows: Sequence[rows.Row], *, panels: bool) -> Iterator[tuple[str, str]]:
    """The notebook's texts and the calls they introduce."""
    left = [line for line in facts["open"] if not line.startswith(("cited", "needs"))]
    told = [facts["verdict"], facts["baselines"]]
    if left:
        told.append(f"**Not everything is done**: {_counted(facts['counts'])}; see the last section.")
    yield "\n\n".join(told), "bundle.figure()"
    yield "## Table", "bundle.table()"
    if facts["claims"]:
        yield "## The paper's claims\n\nFewer than three seeds never decide one.", "bundle.claims()"
    if facts["comparisons"]:
        points = "\n".join(f"- {line}" for line in facts["comparisons"])
        yield f"## MAE at the default row minus each baseline\n\nPaired by seed.\n\n{points}", ""
    if any(row.diff is not None and row.case_key != facts["default"] for row in table_rows):
        yield "## Each row minus the default row\n\nPaired by seed, 95 % t-interval.", "bundle.differences()"
    if panels:
        yield f"## What the models see and guess\n\n{PANELS}", "bundle.panels()"
    yield f"## Where the numbers come from\n\n{facts['origin']}\n\n{COSTS}", "bundle.origins()"
    if facts["open"]:
        points = "\n".join(f"- {line}" for line in facts["open"][:MOST_REASONS])
        yield f"## What is not done\n\n{points}", ""


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{n} {status}" for status, n in counts.items())
