"""What people call the stages of a plan."""

from __future__ import annotations

from ablations.plan import Plan


def stage_names(plan: Plan) -> dict[str, str]:
    """For each signature, the first cell it gives or prepares and how many more rows share it."""
    names: dict[str, str] = {}
    shared: dict[str, set[str]] = {}
    for cell in plan.cells:
        for stage in cell.stages():
            row = f"{cell.ablation}/{cell.case.key}"
            name = cell.name if stage is cell.stage else f"{row}/{stage.kind}/{cell.seed}"
            names.setdefault(stage.signature, name)
            shared.setdefault(stage.signature, set()).add(row)
    return {signature: name + _shared(len(shared[signature]) - 1) for signature, name in names.items()}


def _shared(more: int) -> str:
    return f" (shared by {more} more row{'s' * (more > 1)})" if more else ""
