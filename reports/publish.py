"""The command that lays built reports out as pages to commit: `python -m reports.publish FOLDER --scale mini`.

Tables and figures alone, in the paper's order, as a folder of Markdown that any forge shows. The runs behind them go
beside it with `python -m mae_core.store export`.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ablations.paper import ABLATIONS
from ablations.place import place_of
from mae_core.arguments import Parser
from mae_core.data.catalogue import describe
from mae_core.errors import UserError
from mae_core.home import home_folder
from mae_core.scales import scale_named
from reports.pages import sheet

FIGURES = ("figure.png", "panels.png")  # the first that there is
PAGE = "README.md"


def publish(reports: Path, folder: Path) -> list[str]:
    """Copy table and figure of each report in `reports` (by-scale/SCALE-DATA) to `folder`, and write its page.

    Returns the ablations that are there, in the paper's order. What an earlier publication left in `folder` goes.
    """
    found = [name for name in ABLATIONS if (reports / name / "report.json").is_file()]
    if not found:
        raise UserError(f"There is no report in {reports}; build some with `python -m reports.build all`.")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    told = [json.loads((reports / name / "report.json").read_text()) for name in found]
    parts = [_section(reports / name, report, folder) for name, report in zip(found, told, strict=True)]
    (folder / PAGE).write_text("\n\n".join([*_introduction(reports, told, folder), *parts]) + "\n")
    return found


def _introduction(reports: Path, told: Sequence[dict[str, Any]], folder: Path) -> Iterator[str]:
    scale, data = told[0]["scale"], told[0]["data"]
    purpose = scale_named(scale).purpose
    yield f"# Results at {scale} on {data}"
    yield (
        f"Scale `{scale}`, meant as {purpose}. The numbers are ours, at this scale; the paper's stand beside them for "
        "their order only."
    )
    origins = dict.fromkeys(report["origin"] for report in told if report["origin"])
    yield "\n".join(f"- {origin}" for origin in origins)
    one_page = reports / sheet.NAME / "table.md"
    if one_page.is_file():
        shutil.copy(one_page, folder / f"{sheet.NAME}.md")
        yield f"The six parts of Table 1 stand on [one page]({sheet.NAME}.md)."
    rows = [f"| [{r['title']}](#{_anchor(r)}) | {r['seeds']} | {_counted(r)} | {_minutes(r)} |" for r in told]
    yield "\n".join(["| | seeds | cells | minutes of computing |", "| --- | ---: | --- | ---: |", *rows])
    yield "Minutes are those of all stages a report rests on; stages that several share are counted in each."


def _section(report: Path, told: dict[str, Any], folder: Path) -> str:
    name, title = told["ablation"], f"{told['title']} ({told['source']})"
    shutil.copy(report / "table.md", folder / f"{name}.md")
    drawn = next((report / figure for figure in FIGURES if (report / figure).is_file()), None)
    lines = [f"## {title}"]
    if drawn is not None:
        shutil.copy(drawn, folder / f"{name}.png")
        lines.append(f"![{told['title']}]({name}.png)")
    claims = [f"- {one['claim']}: {one['verdict']} ({one['evidence']})" for one in told["claims"]]
    return "\n\n".join(
        [*lines, told["verdict"], *filter(None, ["\n".join(claims)]), told["baselines"], f"[Table]({name}.md)"]
    )


def _anchor(told: dict[str, Any]) -> str:
    """As forges name headings: lower case, blanks as hyphens, nothing but letters, digits and hyphens."""
    heading = f"{told['title']} ({told['source']})".lower().replace(" ", "-")
    return "".join(letter for letter in heading if letter.isalnum() or letter == "-")


def _counted(told: dict[str, Any]) -> str:
    return ", ".join(f"{count} {status}" for status, count in sorted(told["counts"].items()))


def _minutes(told: dict[str, Any]) -> str:
    return f"{told['seconds'] / 60:.1f}"


def main(words: Sequence[str] | None = None) -> int:
    """Exit status: 0 published, 2 bad usage or no report."""
    parser = Parser(prog="python -m reports.publish", description="Lay built reports out as Markdown pages to commit.")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="is replaced, as a whole")
    parser.add_argument("--scale", default="mini", help="default: mini")
    parser.add_argument("--data", help="a data set or image folder; default: the scale's")
    parser.add_argument("--home", help="default: $MAE_HOME, else ./out")
    try:
        return _publish(parser.parse_args(words))
    except UserError as error:
        print(error, file=sys.stderr)
        return 2


def _publish(arguments: argparse.Namespace) -> int:
    scale, home, folder = scale_named(arguments.scale), home_folder(arguments.home), arguments.folder
    if folder.exists() and not (folder / PAGE).is_file() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"{folder} holds something else than published results; name a new folder, or empty this one.")
    info = describe(scale.data if arguments.data is None else arguments.data, home)
    names = publish(place_of(home / "reports", scale, info), folder)
    print(f"{len(names)} reports in {folder / PAGE}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
