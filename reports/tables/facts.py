"""Facts: what a report has to say beside its tables: verdicts, captions, costs, what is open; `report.json`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ablations.paper.decisions import concerning
from ablations.spec import PROTOCOL_LABELS
from mae_core.recipes import Recipe
from reports.figures.ablation import places
from reports.measures.metrics import metric
from reports.results import STATUSES, Results
from reports.tables import baselines, caption
from reports.tables.setting import evaluation_data
from reports.verdicts import recommendation, verdict


def facts(
    results: Results, wall_seconds: float | None, trivial: Mapping[str, Mapping[str, float]], health: list[str]
) -> dict[str, Any]:
    """What there is to say in words and for figures drawn later.

    `trivial`: target → trivial predictor → loss; `health`: the doctor's findings.
    """
    ablation, judgements, rivals = results.ablation, verdict.judge(results), baselines.compare(results)
    return {
        "ablation": ablation.name,
        "title": ablation.title,
        "source": ablation.source,
        "default": ablation.default,
        "scale": results.scale.name,
        "data": results.info.name,
        "fingerprint": results.info.fingerprint,  # names may be shared
        "evaluated_on": evaluation_data(results),
        "seeds": results.seeds,
        "counts": {status: results.counts()[status] for status in STATUSES if results.counts()[status]},
        "seconds": round(results.seconds, 1),
        "verdict": verdict.sentence(judgements),
        "recommendation": recommendation.advice(results),
        "baselines": baselines.sentence(results, rivals),
        "comparisons": [comparison.told() for comparison in rivals],
        "caption": caption.caption(results, wall_seconds),
        "origin": caption.origin(results),
        "machine": caption.machine(results),
        "claims": [_claim(judgement) for judgement in judgements],
        "decisions": [
            {"what the paper leaves open": d.open, "what we chose": d.choice, "where": list(d.where)}
            for d in concerning(ablation.name, recipes_of(results))
        ],
        "open": _open(results),
        "health": health,
        "trivial": {target: dict(losses) for target, losses in trivial.items()},
        "axes": _axes(results),
    }


def _claim(judged: verdict.Judgement) -> dict[str, str]:
    return {
        "claim": judged.claim.text,
        "verdict": judged.state,
        "evidence": judged.evidence,
        "seeds that would tell": judged.seeds_wanted,
    }


def recipes_of(results: Results) -> set[Recipe]:
    """What is computed at this scale, baselines included, and what the paper's rows ask for at theirs."""
    found = {stage.recipe for result in results.everything for stage in result.cell.stages()}
    for case in results.ablation.cases:
        asked = (case.recipe, *case.through, *case.evaluations.values())
        found |= {recipe for recipe in asked if recipe is not None}
    return found


def _axes(results: Results) -> dict[str, Any]:
    """Where the rows stand in a figure, and what its axes say."""
    where, ablation = places(results.ablation), results.ablation
    return {
        "axis": ablation.axis,
        "quantity": metric(results.protocols[0]).label,
        "joined": where.joined,
        "doubling": where.doubling,
        "places": {key: place if where.joined else where.labels[key] for key, place in where.at.items()},
        "series": {case.key: case.series for case in ablation.cases},
        "protocols": {protocol: PROTOCOL_LABELS.get(protocol, protocol) for protocol in results.protocols},
    }


def _open(results: Results) -> list[str]:
    """The cells that are not done, those with the same reason together."""
    groups: dict[tuple[str, str], list[str]] = {}
    for result in results.everything:
        if result.status != "done":
            groups.setdefault((result.status, result.reason), []).append(result.cell.name)
    ordered = sorted(groups.items(), key=lambda item: STATUSES.index(item[0][0]))
    return [f"{status}: {', '.join(names)}" + (f" ({reason})" if reason else "") for (status, reason), names in ordered]
