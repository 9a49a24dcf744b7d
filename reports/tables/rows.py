"""Rows: the lines of `table.csv` and `baselines.csv`, each a number over seeds with its spread, cost and origin."""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ablations.spec import PROTOCOL_LABELS
from mae_core.errors import UserError
from mae_core.recipes import VIT_B, VIT_H, VIT_L, EncoderRecipe
from reports.measures.metrics import metric
from reports.results import STATUSES, Result, Results, Status
from reports.verdicts.statistics import Spread, spread

DIGITS = 4  # decimals kept; every table and notebook prints from the kept value, so they agree

_NAMED = {
    (shape["embed_dim"], shape["depth"], shape["num_heads"]): name
    for name, shape in (("ViT-B", VIT_B), ("ViT-L", VIT_L), ("ViT-H", VIT_H))
}


@dataclass(frozen=True)
class Row:
    """One line of `table.csv`: case × protocol × model × metric. Columns are the fields, in this order."""

    ablation: str
    case_key: str
    case: str
    model: str
    protocol: str
    metric: str
    unit: str
    scale: str
    data: str
    n_seeds: int
    mean: float | None
    std: float | None
    ci_low: float | None  # 95 % t-interval over seeds
    ci_high: float | None
    diff: float | None  # to the default row, over the seeds both have
    diff_low: float | None
    diff_high: float | None
    paper: float | None
    status: Status
    seconds: float | None  # mean over seeds of what one such number costs, pre-training included
    images_per_second: float | None  # of the pre-training, else of the training itself
    signatures: str  # of the stages that give the numbers, by seed, separated by blanks
    few_pairs: int | None = None  # the difference's, where fewer than the seeds of either mean; printed, but no column
    fingerprint: str = ""  # of the data, which may share their name with others; no column either


COLUMNS = tuple(field.name for field in dataclasses.fields(Row) if field.name not in ("few_pairs", "fingerprint"))


def model_label(encoder: EncoderRecipe) -> str:
    """The paper's name of an encoder, else blocks x width / patch size: `ViT-4x64/4`."""
    shape = encoder.embed_dim, encoder.depth, encoder.num_heads
    return f"{_NAMED.get(shape, f'ViT-{encoder.depth}x{encoder.embed_dim}')}/{encoder.patch_size}"


def _model(result: Result) -> str:
    encoder = result.encoder or result.cell.case.recipe
    if encoder is not None:
        return model_label(encoder)
    return PROTOCOL_LABELS.get(result.cell.protocol, result.cell.protocol) if result.cell.stage else ""


def table_rows(results: Results) -> list[Row]:
    """A row for each case and protocol, in the order of the spec."""
    return _rows(results, results.cells)


def baseline_rows(results: Results) -> list[Row]:
    """A row for each of the trivial rivals."""
    return _rows(results, results.baselines)


def _rows(results: Results, cells: Iterable[Result]) -> list[Row]:
    columns = dict.fromkeys((result.cell.case.key, result.cell.protocol) for result in cells)
    return [_row(results, results.by_column[column]) for column in columns]


def worst(statuses: Iterable[Status]) -> Status:
    """The status of several cells together: the worst news among them."""
    return min(statuses, key=STATUSES.index)


def _row(results: Results, column: Sequence[Result]) -> Row:
    cell = column[0].cell
    signatures, ours = _seeds(column), _own(column)
    done = [result for result in column if result.status == "done"]
    rates = [result.images_per_second for result in done if result.images_per_second is not None]
    mean, std, low, high = _kept(ours)
    usual = results.ablation.default, cell.protocol
    paired = results.difference((cell.case.key, cell.protocol), usual)
    difference, _, below, above = _kept(paired)
    fewer = paired.n < max(ours.n, _own(results.by_column.get(usual, [])).n)
    return Row(
        ablation=cell.ablation,
        case_key=cell.case.key,
        case=cell.case.label,
        model=_model(column[0]),
        protocol=cell.protocol,
        metric=metric(cell.protocol).name,
        unit=metric(cell.protocol).unit,
        scale=results.scale.name,
        data=results.info.name,
        n_seeds=ours.n,
        mean=mean,
        std=std,
        ci_low=low,
        ci_high=high,
        diff=difference,
        diff_low=below,
        diff_high=above,
        paper=cell.paper,
        status=worst(result.status for result in column),
        seconds=_mean([result.seconds for result in done if result.seconds is not None]),
        images_per_second=_mean(rates),
        signatures=" ".join(sorted(signatures, key=signatures.__getitem__)),
        few_pairs=paired.n if paired.n and fewer else None,
        fingerprint=results.info.fingerprint,
    )


def _seeds(column: Sequence[Result]) -> dict[str, int]:
    """Signature → the first seed whose number it gives: seeds may share a run."""
    return {r.cell.stage.signature: r.cell.seed for r in reversed(column) if r.cell.stage}


def _own(column: Sequence[Result]) -> Spread:
    """The spread of a column's numbers, each run counted once."""
    values = {result.cell.seed: result.value for result in column if result.value is not None}
    return spread([values[seed] for seed in sorted(_seeds(column).values()) if seed in values])


def _kept(numbers: Spread) -> tuple[float | None, float | None, float | None, float | None]:
    """Mean, std, low, high as they are kept."""
    values = numbers.mean, numbers.std, numbers.low, numbers.high
    mean, std, low, high = (None if value is None else round(value, DIGITS) for value in values)
    return mean, std, low, high


def _mean(values: Sequence[float]) -> float | None:
    return round(sum(values) / len(values), 1) if values else None


def refuse_mixed(rows: Iterable[Row]) -> None:
    """Raise UserError where `rows` are of several scales or data sets: their numbers mean different things.

    Data sets of one name are told apart by their fingerprints, where these are known.
    """
    known = {(f"{row.scale} on {row.data}", row.fingerprint) for row in rows}
    settings = sorted({setting for setting, _ in known})
    if len(settings) > 1:
        raise UserError(f"One table cannot hold numbers of {' and '.join(settings)}; build a report for each.")
    if len({fingerprint for _, fingerprint in known if fingerprint}) > 1:
        raise UserError(
            f"One table cannot hold numbers of two data sets, though both are {settings[0]}; build a report for each."
        )


def write_rows(rows: Sequence[Row], path: Path) -> None:
    """Write `rows` as CSV; empty fields where there is no number. Raises UserError for rows of several scales."""
    refuse_mixed(rows)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(map(dataclasses.asdict, rows))


CELL_COLUMNS = (
    "cell", "case_key", "protocol", "seed", "status", "value", "seconds", "images_per_second", "signature",
    "commit", "attempts", "reason", "evaluated_on",
)  # fmt: skip


def write_cells(results: Results, path: Path) -> None:
    """Write every cell, seed by seed, so that each mean can be traced to its runs."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(CELL_COLUMNS)
        for result in results.everything:
            cell, record = result.cell, result.record
            writer.writerow(
                (cell.name, cell.case.key, cell.protocol, cell.seed, result.status, result.value, result.seconds,
                 result.images_per_second, cell.stage.signature if cell.stage else "",
                 record.get("provenance", {}).get("commit", ""), record.get("attempts"), result.reason,
                 results.data_of(cell.case).name)
            )  # fmt: skip
