"""The bundle: a report's folder as its notebook sees it, without the store and without anything training needs."""

from __future__ import annotations

import json
from collections.abc import Hashable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from IPython.display import SVG, Image, Markdown

from reports.verdicts.statistics import spread

if TYPE_CHECKING:
    from reports.figures.interactive import Interactive

KEPT = 1e-4  # the last decimal of table.csv


class Bundle:
    """A folder with `table.csv`, `table.md`, `figure.svg` and the rest of a report."""

    def __init__(self, folder: Path | str = ".") -> None:
        self.folder = Path(folder)

    def facts(self) -> dict[str, Any]:
        """Scale, data, seeds, verdicts, costs: what `report.json` holds."""
        facts: dict[str, Any] = json.loads((self.folder / "report.json").read_text(encoding="utf-8"))
        return facts

    def figure(self, name: str = "figure") -> SVG:
        """The ablation's figure, or `differences`, `losses`, `probing`, `costs`."""
        return SVG(filename=str(self.folder / f"{name}.svg"))

    def panels(self) -> Image:
        """Masked, reconstructed and original images of a few rows."""
        return Image(filename=str(self.folder / "panels.png"), alt="masked, reconstructed, filled-in, original images")

    def compare(self) -> Interactive:
        """The protocols of one quantity in one panel: hover for the numbers, click the legend to show and hide."""
        from reports.figures.interactive import comparison

        return comparison(self._csv("table.csv"), self._csv("baselines.csv"), self.facts()["axes"])

    def losses(self) -> Interactive:
        """The pre-training losses by epoch."""
        from reports.figures.interactive import losses

        return losses(self._csv("curves.csv"), self.facts()["trivial"])

    def probing(self) -> Interactive:
        """The accuracy of quick probes by epoch of pre-training."""
        from reports.figures.interactive import probing

        return probing(self._csv("probes.csv"))

    def table(self) -> Markdown:
        """The table in the paper's layout, with its caption, other quantities of its rows and the baselines."""
        return Markdown(filename=str(self.folder / "table.md"))

    def claims(self) -> Markdown:
        """The paper's claims, what is to be said of each, and why."""
        claims = pd.DataFrame(self.facts()["claims"], dtype=object)
        return Markdown(claims.fillna("").to_markdown(index=False))

    def decisions(self) -> Markdown:
        """What the paper leaves open of this ablation, what we chose, and where the code says so."""
        rows = [
            {**row, "where": ", ".join(f"`{place}`" for place in row["where"])} for row in self.facts()["decisions"]
        ]
        return Markdown(pd.DataFrame(rows, dtype=object).to_markdown(index=False))

    def rows(self) -> pd.DataFrame:
        """`table.csv` and `baselines.csv`, a line for each case and protocol."""
        parts = [self._csv(name) for name in ("table.csv", "baselines.csv")]
        return pd.concat([part for part in parts if len(part)], ignore_index=True)

    def quantities(self) -> pd.DataFrame:
        """`quantities.csv`: FLOPs, speed-ups and what fitting a target measured, a line for each row and quantity."""
        return self._csv("quantities.csv")

    def origins(self) -> pd.DataFrame:
        """What each number cost, how fast its pre-training was, and the runs it rests on."""
        columns = ["case", "protocol", "status", "n_seeds", "seconds", "images_per_second", "signatures"]
        return self.rows()[columns]

    def cells(self) -> pd.DataFrame:
        """`cells.csv`, a line for each number before any averaging."""
        return self._csv("cells.csv")

    def differences(self) -> pd.DataFrame:
        """Each row minus the default row, with the 95 % t-interval, and over how many pairs of seeds: by protocol.

        The pairs can be fewer than the seeds of either mean: only seeds that both rows have make one.
        """
        rows = self._csv("table.csv")
        wanted = rows[rows["case_key"].ne(self.facts()["default"]) & rows["diff"].notna()]
        paired = self._paired()
        pairs = [
            len(paired[key, protocol]) for key, protocol in zip(wanted["case_key"], wanted["protocol"], strict=True)
        ]
        columns = ["diff", "diff_low", "diff_high", "pairs"]
        return wanted.assign(pairs=pairs).set_index(["case", "protocol"])[columns]

    def recomputed(self) -> pd.DataFrame:
        """Every number of the table computed anew from the seeds in `cells.csv`.

        Raises ValueError where the table says anything else.
        """
        lines = []
        paired = self._paired()
        for (key, protocol), column in self._done().groupby(["case_key", "protocol"], sort=False):
            ours = spread(column.drop_duplicates("signature")["value"].tolist())
            difference = spread(paired[key, protocol])
            gap = difference.mean, difference.low, difference.high
            lines.append((key, protocol, ours.n, ours.mean, ours.std, ours.low, ours.high, *gap))
        columns = ["n_seeds", "mean", "std", "ci_low", "ci_high", "diff", "diff_low", "diff_high"]
        anew = pd.DataFrame(lines, columns=["case_key", "protocol", *columns]).set_index(["case_key", "protocol"])
        anew = anew.astype(float)
        told = self.rows().set_index(["case_key", "protocol"])[columns].reindex(anew.index).astype(float)
        if not np.allclose(anew, told, rtol=0, atol=KEPT, equal_nan=True):
            raise ValueError("table.csv is not what cells.csv gives; build the report again.")
        return anew.round(2)

    def _done(self) -> pd.DataFrame:
        cells = self.cells()
        return cells[cells["value"].notna()]

    def _paired(self) -> dict[tuple[Hashable, Hashable], list[float]]:
        """(case key, protocol) → its numbers minus the default row's, a pair of runs each; none on other data."""
        cells, default = self._done(), self.facts()["default"]
        found: dict[tuple[Hashable, Hashable], list[float]] = {}
        for (key, protocol), column in cells.groupby(["case_key", "protocol"], sort=False):
            usual = cells[(cells["case_key"] == default) & (cells["protocol"] == protocol)]
            usual = usual[usual["evaluated_on"].isin(column["evaluated_on"])]
            both = column.merge(usual, on="seed").drop_duplicates(["signature_x", "signature_y"])
            found[key, protocol] = (both["value_x"] - both["value_y"]).tolist()
        return found

    def _csv(self, name: str) -> pd.DataFrame:
        return pd.read_csv(self.folder / name, dtype={"case_key": str, "case": str})
