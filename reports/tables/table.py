"""Tables in the paper's layout, rows × protocols with the paper's numbers beside ours, as Markdown and LaTeX."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ablations.spec import PROTOCOL_LABELS
from reports.measures.metrics import metric
from reports.results import Results
from reports.tables.caption import run_as
from reports.tables.latex import latex_of
from reports.tables.quantities import QUANTITIES, Beside, told
from reports.tables.rows import Row, refuse_mixed
from reports.tables.setting import paper_setting, setting
from reports.verdicts.recommendation import best_beyond_noise

DEFAULT = " (default)"
BAR = r"\|"  # inside a Markdown cell
MARKS = (
    "The default row is in italics; a number is bold where all rows that are run on its data are done and, over three "
    "seeds or more, it is better than that of every other one beyond seed noise."
)
BASELINES = "Baselines at the same label budget."
DIFFERENCES = (
    "Differences are to the default row, ours paired by seed; none is told of rows on other data. One with a number in "
    "brackets rests on so many pairs, fewer than the seeds of a mean beside it, and need not be the means' difference."
)


@dataclass(frozen=True)
class Line:
    """One printed line: its cells, whether it is the paper's default row, and which of its cells are the best."""

    cells: tuple[str, ...]
    default: bool
    best: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Layout:
    """A table ready to print: a head and lines of equal length."""

    head: tuple[str, ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class _Column:
    """One printed column of numbers; rows of one line that differ in it are told side by side."""

    protocol: str
    head: str
    told: Callable[[Row], str]
    ours: bool = False


def ours(row: Row) -> str:
    """Our number, `84.93 ± 0.12 (3)` with n in brackets, and the status wherever it is not done."""
    status = "" if row.status == "done" else row.status
    if row.mean is None:
        return status
    plain = metric(row.protocol).plain
    spread = "" if row.std is None else f" ± {plain(row.std, like=row.mean)}"
    text = f"{plain(row.mean)}{spread} ({row.n_seeds})"
    return f"{text}, {status}" if status else text


def layout(results: Results, rows: Sequence[Row]) -> Layout:
    """The paper's layout of `rows`; rows that rest on the same runs are printed once, with both labels."""
    refuse_mixed(rows)
    ablation, run = results.ablation, run_as(results)
    by_case: dict[str, dict[str, Row]] = {}
    for row in rows:
        by_case.setdefault(row.case_key, {})[row.protocol] = row
    columns = [column for protocol in results.protocols for column in _columns(results, by_case, protocol)]
    best = {protocol: best_beyond_noise(results, protocol) for protocol in results.protocols}
    lines = []
    for keys in coinciding(by_case):
        label = " = ".join(ablation.case(key).label + (DEFAULT if key == ablation.default else "") for key in keys)
        cells = [label, *([" / ".join(dict.fromkeys(run[key] for key in keys if key in run))] if run else [])]
        marked = {len(cells) + at for at, c in enumerate(columns) if c.ours and best[c.protocol] & set(keys)}
        cells += [_told(column, [by_case[key] for key in keys]) for column in columns]
        lines.append(Line(tuple(cells), ablation.default in keys, frozenset(marked)))
    head = (ablation.axis, *(["run as"] if run else []), *(column.head for column in columns))
    return Layout(head, tuple(lines))


def coinciding(by_case: Mapping[str, Mapping[str, Row]]) -> list[list[str]]:
    """The case keys, those of rows that rest on the same runs together."""
    shared: dict[tuple[str, ...], list[str]] = {}  # equal runs → case keys
    for key, found in by_case.items():
        runs = tuple(row.signatures for row in found.values())
        shared.setdefault(runs if any(runs) else (key,), []).append(key)
    return list(shared.values())


def _columns(results: Results, by_case: Mapping[str, Mapping[str, Row]], protocol: str) -> list[_Column]:
    """Ours and its difference to the default row, then the paper's and its difference, where there are any."""
    name = _column_name(protocol)
    theirs = {key: found[protocol].paper for key, found in by_case.items() if protocol in found}
    papers = theirs.get(results.ablation.default)
    of_column = [result for result in results.cells if result.cell.protocol == protocol]
    columns = [_Column(protocol, f"{name}, ours ({setting(results, of_column)})", ours, ours=True)]
    if len(theirs) > 1 and results.ablation.default in theirs:
        columns.append(_Column(protocol, "difference", lambda row: difference(row, results.ablation.default)))
    if any(value is not None for value in theirs.values()):
        columns.append(_Column(protocol, f"{name}, paper ({paper_setting(results.ablation)})", _paper))
        if papers is not None and len(theirs) > 1:
            told = functools.partial(_papers_difference, results.ablation.default, papers)
            columns.append(_Column(protocol, "paper's difference", told))
    return columns


def difference(row: Row, default: str) -> str:
    """Ours minus the default row's, signed, `-0.03 (1)` where it has but one pair and a mean beside it more seeds.

    Empty in the default row itself and where there is none.
    """
    if row.diff is None or row.case_key == default:
        return ""
    return metric(row.protocol).plain(row.diff, "+") + (f" ({row.few_pairs})" if row.few_pairs else "")


def _paper(row: Row) -> str:
    return "" if row.paper is None else f"{row.paper:.1f}"


def _papers_difference(key: str, default: float, row: Row) -> str:
    return "" if row.paper is None or row.case_key == key else f"{row.paper - default:+.1f}"


def _told(column: _Column, sharing: Sequence[Mapping[str, Row]]) -> str:
    rows = [found[column.protocol] for found in sharing if column.protocol in found]
    return side_by_side([column.told(row) for row in (rows[:1] if column.ours else rows)])


def side_by_side(told: Iterable[str]) -> str:
    """What is told of rows that are printed as one: once where it is the same of all, else of each in their order."""
    known = list(filter(None, told))
    return " / ".join(dict.fromkeys(known) if len(set(known)) == 1 else known)


def _column_name(protocol: str) -> str:
    quantity, name = metric(protocol), PROTOCOL_LABELS.get(protocol, protocol)
    return name if quantity.unit == "%" and quantity.name != "mce" else f"{name} [{quantity.label}]"


def baseline_layout(results: Results, rows: Sequence[Row]) -> Layout:
    """The trivial rivals, one a line."""
    head = ("baseline", "protocol", f"top-1 ({setting(results, results.baselines)})")
    lines = (Line((row.case, PROTOCOL_LABELS.get(row.protocol, row.protocol), ours(row)), False) for row in rows)
    return Layout(head, tuple(lines))


def quantities_layout(results: Results, found: Sequence[Beside]) -> Layout:
    """What is told of rows beside their numbers, a column each and the paper's beside it; rows without any left out."""
    told_of: dict[str, dict[str, Beside]] = {}
    for one in found:
        told_of.setdefault(one.case_key, {})[one.quantity] = one
    heads, columns = [results.ablation.axis], list[Callable[[Mapping[str, Beside]], str]]()
    for name in dict.fromkeys(one.quantity for one in found):
        quantity = QUANTITIES.get(name)
        label = name if quantity is None else f"{quantity.label}{quantity.unit and f' [{quantity.unit}]'}"
        heads.append(f"{label}, ours ({results.scale.name}, {results.info.name})")
        columns.append(functools.partial(_quantity, name))
        if any(one.paper is not None for one in found if one.quantity == name):
            heads.append(f"{label}, paper ({paper_setting(results.ablation)})")
            columns.append(functools.partial(_papers_quantity, name))
    default = results.ablation.default
    cases = [case for case in results.ablation.cases if case.key in told_of]
    lines = (
        Line(
            (case.label + (DEFAULT if case.key == default else ""), *(column(told_of[case.key]) for column in columns)),
            case.key == default,
        )
        for case in cases
    )
    return Layout(tuple(heads), tuple(lines))


def _quantity(name: str, of_row: Mapping[str, Beside]) -> str:
    return told(of_row[name]) if name in of_row else ""


def _papers_quantity(name: str, of_row: Mapping[str, Beside]) -> str:
    return "" if name not in of_row or of_row[name].paper is None else f"{of_row[name].paper:.1f}"


def _marked(line: Line, italic: Callable[[str], str], bold: Callable[[str], str]) -> list[str]:
    cells = [bold(cell) if at in line.best and cell else cell for at, cell in enumerate(line.cells)]
    return [italic(cell) if cell else cell for cell in cells] if line.default else cells


def markdown(table: Layout, caption: Iterable[str] = ()) -> str:
    """The table as GitHub Markdown, its default line in italics, the first paragraph of the caption above it."""
    lines = [_marked(line, lambda cell: f"*{cell}*", lambda cell: f"**{cell}**") for line in table.lines]
    ruled = [table.head, ("---",) + ("---:",) * (len(table.head) - 1), *lines]
    text = "\n".join(f"| {' | '.join(cell.replace('|', BAR) for cell in cells)} |" for cells in ruled)
    first, *rest = list(caption) or [""]
    return "\n\n".join(filter(None, [first, text, *rest])) + "\n"


def tabular(table: Layout) -> str:
    """The table as a LaTeX `tabular` for booktabs, its default line in italics, long heads in narrow columns."""
    heads = [rf"\shortstack[r]{{{_broken(latex_of(head))}}}" for head in table.head[1:]]
    lines = [" & ".join([latex_of(table.head[0]), *heads]) + r" \\", r"\midrule"]
    for line in table.lines:
        escaped = Line(tuple(map(latex_of, line.cells)), line.default, line.best)
        cells = _marked(escaped, lambda cell: rf"\textit{{{cell}}}", lambda cell: rf"\textbf{{{cell}}}")
        lines.append(" & ".join(cells) + r" \\")
    body = "\n".join(lines)
    return f"\\begin{{tabular}}{{l{'r' * (len(table.head) - 1)}}}\n\\toprule\n{body}\n\\bottomrule\n\\end{{tabular}}\n"


def latex(table: Layout, caption: Iterable[str], label: str) -> str:
    """The table as a LaTeX `table` that needs booktabs and graphicx alone, no wider than the text.

    Its caption is the first paragraph; the others stand below the table, as notes.
    """
    first, *others = list(caption) or [""]
    notes = f"\\par\\smallskip\n{{\\footnotesize\\raggedright {latex_of(' '.join(others))}\\par}}\n" if others else ""
    return (
        "% \\usepackage{booktabs,graphicx}\n\\begin{table}\n\\centering\n"
        f"\\caption{{{latex_of(first)}}}\n\\label{{tab:{label}}}\n"
        f"\\resizebox{{\\textwidth}}{{!}}{{%\n{tabular(table)}}}\n{notes}\\end{{table}}\n"
    )


def _broken(head: str) -> str:
    """A head such as `fine-tuning, ours (mini, …)` on two lines."""
    first, bracket, rest = head.partition(" (")
    return rf"{first}\\{{\scriptsize ({rest}}}" if bracket else head
