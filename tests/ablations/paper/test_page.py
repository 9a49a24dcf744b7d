"""The page of tables and figures says of every spec what is true of it."""

import re
from collections import Counter
from pathlib import Path

import pytest

from ablations.paper import ABLATIONS
from ablations.spec.needs import DALLE, Both

PAGE = (Path(__file__).parents[3] / "docs" / "tables-and-figures.md").read_text()


@pytest.mark.parametrize("ablation", ABLATIONS.values(), ids=list(ABLATIONS))
def test_every_spec_is_listed_with_its_rows(ablation):
    (line,) = re.findall(rf"^\| `{ablation.name}` \|(.*)\|$", PAGE, flags=re.MULTILINE)
    states = Counter(case.state for case in ablation.cases)
    counts = [str(states[state] or "") for state in ("run", "needs", "cited")]
    assert [cell.strip() for cell in line.split("|")] == [ablation.source, ablation.title, *counts]


def test_every_file_that_a_row_needs_is_listed():
    needs = {case.needs for ablation in ABLATIONS.values() for case in ablation.cases if case.needs} | {DALLE}
    needs = {part for need in needs for part in ((need.weights, need.folder) if isinstance(need, Both) else (need,))}
    assert [need for need in needs if f"`{need.place}`" not in PAGE] == []
