"""Sections: the texts of a report's notebook, and the short calls that show what each is about."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

PANELS = (
    "*Reconstruction* is the model's guess as it is, as the paper shows it: where the loss covers masked patches only, "
    "what it draws over visible ones is not learnt and looks like noise. *Filled in* is our addition: the guess in "
    "the masked places alone. Images are not normalised, and the same in every block."
)
LOSSES = (
    "Bands, and bars on the right, are one standard deviation over seeds. "
    "Dashed: what a guess without learning scores, at the default row or the first of that target. It is computed from "
    "a few train images, cropped and masked as pre-training sees them (of runs from before these were kept: from the "
    "test images of the panels, whole). Harmonic in-painting makes each hidden pixel the mean of its four neighbours. "
    "Of components it is their mean, estimated from the share of variance they explain; of tokens their shares on "
    "held-out images. A model that stays at such a line has learnt no more than it."
)
PROBING = (
    "Quick probes of the class token while it is learnt, the first before any training: each fifth of a few labelled "
    "train images is scored by a ridge regression, and by nearest neighbours, fitted to the other four. These are no "
    "test images, and this is not the linear-probing protocol of the table: few labels, one penalty, no crops. All "
    "rows are looked at on the same images. Bands, and bars on the right, are one "
    "standard deviation over seeds."
)
COSTS = (
    "The figure of costs has pre-training FLOPs on its axis, as seconds and speeds depend on what ran beside; "
    "its bars are the speed of the fastest seed. "
    "Seconds are the mean over seeds of what one number costs from nothing, its pre-training included; images/s are "
    "the pre-training's, or the stage's own where nothing is pre-trained. `bundle.rows()` has all columns, "
    "`bundle.cells()` every number seed by seed."
)
ANEW = "Computed here from the seeds in `cells.csv`; this cell fails where the table says anything else."
DECISIONS = "None of these choices is the authors'; docs/decisions.md has those of all tables."
INTERACTIVE = "Point at a mark for its numbers; click a name in the legend to hide or show it, twice to see it alone."
MOST_REASONS = 20  # printed; cells.csv has them all

Section = tuple[str, str]  # a text, and the call that shows what it is about (empty: none)


def sections(facts: Mapping[str, Any], drawn: Collection[str]) -> Iterator[Section]:
    """The sections of a report of which the files `drawn` exist, what matters most first."""
    left = [line for line in facts["open"] if not line.startswith(("cited", "needs"))]
    told = [facts["verdict"], facts["baselines"]]
    if left:
        told.append(f"**Not everything is done**: {counted(facts['counts'])}; see the last section.")
    yield "\n\n".join(told), "bundle.figure()"
    if facts["health"]:
        yield f"## The doctor's findings\n\n{_points(facts['health'])}", ""
    yield "## Table", "bundle.table()"
    if facts["recommendation"]:
        points = _points(facts["recommendation"])
        yield f"## What to take on {facts['evaluated_on']}, at scale {facts['scale']}\n\n{points}", ""
    if facts["claims"]:
        yield "## The paper's claims\n\nFewer than three seeds never decide one.", "bundle.claims()"
    yield f"## Protocols in one panel\n\n{INTERACTIVE}", "bundle.compare()"
    if facts["comparisons"]:
        yield f"## MAE at the default row minus each baseline\n\nPaired by seed.\n\n{_points(facts['comparisons'])}", ""
    yield from _figures(drawn, facts["machine"])
    if facts["decisions"]:
        yield f"## What the paper leaves open, and what we chose\n\n{DECISIONS}", "bundle.decisions()"
    yield f"## Where the numbers come from\n\n{facts['origin']}\n\n{COSTS}", "bundle.origins()"
    if facts["counts"].get("done"):
        yield f"## Every number anew\n\n{ANEW}", "bundle.recomputed()"
    if facts["open"]:
        yield f"## What is not done\n\n{_points(facts['open'][:MOST_REASONS])}", ""


def _figures(drawn: Collection[str], machine: str) -> Iterator[Section]:
    if "differences.svg" in drawn:
        text = "Paired by seed, 95 % t-interval; `bundle.differences()` has the numbers."
        yield f"## Each row minus the default row\n\n{text}", "bundle.figure('differences')"
    if "panels.png" in drawn:
        yield f"## What the models see and guess\n\n{PANELS}", "bundle.panels()"
    if "losses.svg" in drawn:
        yield f"## Pre-training\n\n{LOSSES}", "bundle.figure('losses')"
        yield INTERACTIVE, "bundle.losses()"
    if "probing.svg" in drawn:
        yield f"## Probe accuracy during pre-training\n\n{PROBING}", "bundle.figure('probing')"
        yield INTERACTIVE, "bundle.probing()"
    if "costs.svg" in drawn:
        yield f"## What it costs\n\n{machine}", "bundle.figure('costs')"


def counted(counts: Mapping[str, int]) -> str:
    """`3 done, 1 failed`."""
    return ", ".join(f"{n} {status}" for status, n in counts.items())


def _points(lines: Collection[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)
