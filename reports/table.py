"""Tables in the paper's layout, rows × protocols with the paper's numbers beside ours, as Markdown and LaTeX."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ablations.spec import PROTOCOL_LABELS
from reports.caption import PAPER_SETTING, run_as, setting
from reports.results import Results, metric
from reports.rows import Row

DEFAULT = " (default)"
BAR = r"\|"  # inside a Markdown cell


@dataclass(frozen=True)
class Line:
    """One printed line: its cells, and whether it is the paper's default row."""

    cells: tuple[str, ...]
    default: bool


@dataclass(frozen=True)
class Layout:
    """A table ready to print: a head and lines of equal length."""

    head: tuple[str, ...]
    lines: tuple[Line, ...]


def ours(row: Row) -> str:
    """Our number, `84.93 ± 0.12 (3)` with n in brackets, and the status wherever it is not done."""
    status = "" if row.status == "done" else row.status
    if row.mean is None:
        return status
    text = f"{row.mean:.2f}" + (f" ± {row.std:.2f}" if row.std is not None else "") + f" ({row.n_seeds})"
    return f"{text}, {status}" if status else text


def _paper(row: Row) -> str:
    return "" if row.paper is None else f"{row.paper:.1f}"


def _column_name(protocol: str) -> str:
    name, unit = metric(protocol)
    return PROTOCOL_LABELS.get(protocol, protocol) + ("" if unit else f" {name}")


def layout(results: Results, rows: Sequence[Row]) -> Layout:
    """The paper's layout of `rows`; rows that rest on the same runs are printed once, with both labels."""
    ablation, run = results.ablation, run_as(results)
    by_case: dict[str, dict[str, Row]] = {}  # case key → protocol → row; a case may lack a protocol
    for row in rows:
        by_case.setdefault(row.case_key, {})[row.protocol] = row
    shared: dict[tuple[str, ...], list[str]] = {}  # equal runs → case keys
    for key, columns in by_case.items():
        runs = tuple(columns[protocol].signatures if protocol in columns else "" for protocol in results.protocols)
        shared.setdefault(runs if any(runs) else (key,), []).append(key)
    protocols = [_column_name(protocol) for protocol in results.protocols]
    head = [ablation.axis, *(["run as"] if run else [])]
    for protocol in protocols:
        head += [f"{protocol}, ours ({setting(results)})", f"{protocol}, paper ({PAPER_SETTING})"]
    lines = ([by_case[key] for key in keys] for keys in shared.values())
    return Layout(tuple(head), tuple(_line(cases, results.protocols, ablation.default, run) for cases in lines))


def _line(cases: Sequence[Mapping[str, Row]], protocols: Sequence[str], default: str, run: Mapping[str, str]) -> Line:
    """One line of the cases that rest on the same runs; empty where they lack a protocol."""
    firsts = [next(iter(columns.values())) for columns in cases]
    keys = [row.case_key for row in firsts]
    label = " = ".join(row.case + (DEFAULT if row.case_key == default else "") for row in firsts)
    cells = [label, *([" / ".join(dict.fromkeys(run[key] for key in keys if key in run))] if run else [])]
    for protocol in protocols:
        column = [columns[protocol] for columns in cases if protocol in columns]
        cells += [ours(column[0]) if column else "", " / ".join(dict.fromkeys(filter(None, map(_paper, column))))]
    return Line(tuple(cells), default in keys)


def baseline_layout(results: Results, rows: Sequence[Row]) -> Layout:
    """The trivial rivals, one a line."""
    head = ("baseline", "protocol", f"top-1 ({setting(results)})")
    lines = (Line((row.case, PROTOCOL_LABELS.get(row.protocol, row.protocol), ours(row)), False) for row in rows)
    return Layout(head, tuple(lines))


def markdown(table: Layout, caption: Iterable[str] = ()) -> str:
    """The table as GitHub Markdown, its default line bold, with the caption above."""
    lines = [tuple(f"**{cell}**" if line.default and cell else cell for cell in line.cells) for line in table.lines]
    ruled = [table.head, ("---",) + ("---:",) * (len(table.head) - 1), *lines]
    text = "\n".join(f"| {' | '.join(cell.replace('|', BAR) for cell in cells)} |" for cells in ruled)
    return "\n\n".join([*caption, text]) + "\n"


def latex(table: Layout, caption: Iterable[str], label: str) -> str:
    """The table as a LaTeX `table` for booktabs, its default line bold."""
    lines = [" & ".join(map(_escaped, table.head)) + r" \\", r"\midrule"]
    for line in table.lines:
        cells = [rf"\textbf{{{_escaped(cell)}}}" if line.default and cell else _escaped(cell) for cell in line.cells]
        lines.append(" & ".join(cells) + r" \\")
    body = "\n".join(lines)
    return (
        "% \\usepackage{booktabs}\n\\begin{table}\n\\centering\n"
        f"\\caption{{{_escaped(' '.join(caption))}}}\n\\label{{tab:{label}}}\n"
        f"\\begin{{tabular}}{{l{'r' * (len(table.head) - 1)}}}\n\\toprule\n{body}\n\\bottomrule\n"
        "\\end{tabular}\n\\end{table}\n"
    )


_SIGNS = {"±": r"$\pm$", "×": r"$\times$", "→": r"$\to$", "τ": r"$\tau$", "Δ": r"$\Delta$", "−": "$-$"}


def _escaped(text: str) -> str:
    from nbconvert.filters import escape_latex

    escaped: str = escape_latex(text)
    for sign, command in _SIGNS.items():
        escaped = escaped.replace(sign, command)
    return escaped
