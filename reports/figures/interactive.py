"""Interactive figures of a report's page: hover for the numbers, click the legend to show and hide."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from reports.figures.marks.words import TARGETS
from reports.measures.metrics import metric

COLOURS = {"finetune": "#0072B2", "linear_probe": "#D55E00"}
OTHER = ("#009E73", "#B07AA1", "#806000")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross")
LEFT_OUT = "legendonly"
TURN = ("#0072B2", "#D55E00", "#009E73", "#B07AA1", "#806000", "#56B4E9", "#E69F00", "#555555")
DASHES = ("solid", "longdash", "dashdot")  # of curves of one colour, and of neighbours


class Interactive:
    """A plotly figure that notebooks show by themselves, and pages with the script that they carry once."""

    def __init__(self, figure: go.Figure, name: str) -> None:
        """`name` becomes the id of its place in the page."""
        self.figure, self.name = figure, name

    def __repr__(self) -> str:
        """What notebooks show without plotly; an address would make equal reports differ."""
        return f"The interactive figure {self.name!r}"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        place = self.figure.to_html(full_html=False, include_plotlyjs=False, div_id=self.name, config=CONFIG)
        return {"application/vnd.plotly.v1+json": json.loads(self.figure.to_json()), "text/html": place}


CONFIG = {"displayModeBar": False, "responsive": True}  # its buttons would cover the legend
LAYOUT: dict[str, Any] = {
    "template": "plotly_white",
    "font": {"size": 12},
    "margin": {"l": 60, "r": 60, "t": 30, "b": 50},
    "legend": {"orientation": "h", "y": -0.2, "yanchor": "top"},
    "height": 520,
}


def comparison(rows: pd.DataFrame, baselines: pd.DataFrame, facts: Mapping[str, Any]) -> Interactive:
    """Protocols in one panel: ours with spread on the left-hand axis, the paper's on the right-hand one.

    Those that measure another quantity than the first, as hours beside accuracies, are left to the figure.
    """
    figure, at = go.Figure(), facts["places"]
    rows = rows[[metric(protocol).label == facts["quantity"] for protocol in rows["protocol"]]]
    for number, (protocol, found) in enumerate(rows.groupby("protocol", sort=False)):
        first, name = COLOURS.get(str(protocol), OTHER[number % len(OTHER)]), facts["protocols"][protocol]
        by_series = found.groupby(found["case_key"].map(facts["series"]).fillna(""), sort=False)
        for place, (series, points) in enumerate(by_series):
            colour = OTHER[(number + place - 1) % len(OTHER)] if place else first
            label = f"{name}, {series}" if series else str(name)
            _add_series(figure, points, facts, label, colour, SYMBOLS[(number + place) % len(SYMBOLS)])
    ends = list(dict.fromkeys(at.values()))
    ends = [min(ends), max(ends)] if facts["joined"] else [ends[0], ends[-1]]
    for row in baselines[baselines["mean"].notna()].itertuples():
        figure.add_scatter(
            x=ends, y=[row.mean, row.mean], mode="lines", name=f"{row.case} {row.mean:.1f}",
            line={"dash": "dash", "width": 1, "color": "#777777"}, visible=LEFT_OUT, hoverinfo="name",
        )  # fmt: skip
    figure.update_layout(
        **LAYOUT, xaxis_title=facts["axis"], yaxis_title=f"ours: {facts['quantity']}",
        yaxis2={
            "title": f"paper: {facts['quantity']}", "overlaying": "y", "side": "right", "showgrid": False,
            "tickmode": "auto",
        },
    )  # fmt: skip
    if not facts["joined"]:
        named = list(dict.fromkeys(at[key] for key in rows["case_key"]))
        figure.update_xaxes(categoryorder="array", categoryarray=named)
        figure.update_layout(legend={"y": 1.05, "yanchor": "bottom"}, height=620)  # away from the rows' long names
    if facts["doubling"]:
        figure.update_xaxes(type="log", tickvals=list(at.values()), ticktext=[f"{x:g}" for x in at.values()])
    return Interactive(figure, "comparison")


def _add_series(
    figure: go.Figure, points: pd.DataFrame, facts: Mapping[str, Any], label: str, colour: str, symbol: str
) -> None:
    """Our points where there are any, and the paper's."""
    x = [facts["places"][key] for key in points["case_key"]]
    mode = "lines+markers" if facts["joined"] else "markers"
    if points["mean"].notna().any():
        same = _same(points) if facts["joined"] else []
        std = points["std"] if points["std"].notna().any() else None  # one seed has none, and no bar
        figure.add_scatter(
            x=_gapped(x, same), y=_gapped(points["mean"], same), mode=mode, name=f"{label}, ours",
            error_y=None if std is None else {"array": _gapped(std, same)}, line_color=colour, legendgroup=label,
            marker={"symbol": symbol, "size": 8}, hoverinfo="text", hovertext=_gapped(_told(points), same),
        )  # fmt: skip
        for n in same:
            figure.add_scatter(
                x=x[n : n + 2], y=points["mean"].iloc[n : n + 2], mode="lines", line={"color": colour, "dash": "dot"},
                legendgroup=label, showlegend=False, hoverinfo="skip",
            )  # fmt: skip
    if points["paper"].notna().any():
        figure.add_scatter(
            x=x, y=points["paper"], mode=mode, name=f"{label}, paper (right-hand axis)", yaxis="y2",
            line={"color": colour, "dash": "dot", "width": 1.2}, hoverinfo="text",
            marker={"symbol": f"{symbol}-open", "size": 7},
            hovertext=[f"{case}<br>paper: {value:g}" for case, value in points[["case", "paper"]].values],
        )  # fmt: skip


def _same(points: pd.DataFrame) -> list[int]:
    """The places of points whose next neighbours have their numbers from the same runs: no line joins measurements."""
    runs = points["signatures"].where(points["mean"].notna(), "").fillna("")
    return [n for n, (one, other) in enumerate(itertools.pairwise(runs)) if one and one == other]


def _gapped(values: Iterable[Any], after: Collection[int]) -> list[Any]:
    """`values` with None, where a line is interrupted, behind the places `after`."""
    parts = ([value, None] if n in after else [value] for n, value in enumerate(values))
    return [*itertools.chain(*parts)]


def _told(points: pd.DataFrame) -> list[str]:
    """What stands beside the pointer: the number, its spread, its difference to the default row, its cost."""
    first: dict[str, str] = {}
    rows = points.to_dict("records")
    own = [first.setdefault(row["signatures"], row["case"]) if _known(row["mean"]) else row["case"] for row in rows]
    again = [f"<br>the same runs as {case}" if case != row["case"] else "" for case, row in zip(own, rows, strict=True)]
    return [_hover(row) + more for row, more in zip(rows, again, strict=True)]


def _hover(row: Mapping[Any, Any]) -> str:
    lines = [f"<b>{row['case']}</b>: {row['mean']:.2f}" + (f" ± {row['std']:.2f}" if _known(row["std"]) else "")]
    lines[0] += f" (n = {row['n_seeds']}), {row['status']}"
    if _known(row["diff"]):
        low, high = row["diff_low"], row["diff_high"]
        interval = f", 95 % interval {low:+.2f} to {high:+.2f}" if _known(low) else ""
        lines.append(f"to the default row: {row['diff']:+.2f}{interval}")
    if _known(row["seconds"]):
        lines.append(f"{row['seconds']:,.0f} s each, {row['model']}")
    return "<br>".join(lines)


def _known(value: Any) -> bool:
    return value is not None and not math.isnan(value)


def losses(curves: pd.DataFrame, trivial: Mapping[str, Mapping[str, float]]) -> Interactive:
    """Pre-training losses by epoch, a panel for each target, as their losses have different units.

    A curve for each row; trivial predictors dashed, each named with its target where there are several.
    """
    targets = list(dict.fromkeys(curves["target"]))
    figure = make_subplots(rows=max(len(targets), 1), cols=1, vertical_spacing=0.25 / max(len(targets), 1))
    number = 0
    for place, target in enumerate(targets, start=1):
        found, words = curves[curves["target"] == target], TARGETS.get(target, target)
        for case, points in found.groupby("case", sort=False):
            figure.add_scatter(
                x=points["epoch"], y=points["loss"], mode="lines", name=str(case), row=place, col=1,
                line={"color": TURN[number % len(TURN)], "dash": DASHES[number % len(DASHES)]},
                hovertemplate=f"{case}, {words}<br>epoch %{{x:.1f}}: %{{y:.4f}}<extra></extra>",
            )  # fmt: skip
            number += 1
        ends = [found["epoch"].min(), found["epoch"].max()]
        for name, loss in trivial.get(target, {}).items():
            figure.add_scatter(
                x=ends, y=[loss, loss], mode="lines", row=place, col=1, hoverinfo="name",
                name=f"{name}{f', {words}' if len(targets) > 1 else ''} {loss:.3f}",
                line={"dash": "dash", "width": 1, "color": "#777777"},
            )  # fmt: skip
        figure.update_yaxes(title_text=f"loss on {words}", row=place, col=1)
    figure.update_xaxes(title_text="epoch", row=len(targets), col=1)
    more = max(len(targets) - 1, 0)
    legend = LAYOUT["legend"] | {"y": LAYOUT["legend"]["y"] / (more + 1)}
    figure.update_layout(**LAYOUT | {"height": LAYOUT["height"] + 300 * more, "legend": legend})
    return Interactive(figure, "pretraining")


def probing(probes: pd.DataFrame) -> Interactive:
    """The accuracy of quick probes by epoch, a curve for each row; nearest neighbours dotted and shown on a click."""
    figure = go.Figure()
    for number, (case, curves) in enumerate(probes.groupby("case", sort=False)):
        for probe, points in curves.groupby("probe", sort=False):
            ridge = probe == "ridge_top1"
            figure.add_scatter(
                x=points["epoch"], y=points["top1"], mode="lines+markers",
                name=f"{case}, {'ridge' if ridge else 'neighbours'}", visible=True if ridge else LEFT_OUT,
                line={"color": TURN[number % len(TURN)], "dash": "solid" if ridge else "dot"},
                hovertemplate=f"{case}<br>epoch %{{x:g}}: %{{y:.1f}} %<extra></extra>",
            )  # fmt: skip
    figure.update_layout(**LAYOUT, xaxis_title="epoch", yaxis_title="top-1 of a quick probe (%)")
    return Interactive(figure, "probing")
