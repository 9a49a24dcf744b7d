"""What a report has to say beside its tables."""

from pathlib import Path

from ablations.paper import ABLATIONS
from ablations.paper.decisions import concerning, decisions
from reports.tables.facts import recipes_of
from tests.reports.laboratory import Laboratory


def test_every_decision_stands_in_a_report_of_the_table_it_concerns(tmp_path: Path) -> None:
    listed = {
        decision
        for ablation in ABLATIONS.values()
        for decision in concerning(ablation.name, recipes_of(Laboratory(tmp_path, ablation).imagine(lambda _: None)))
    }
    never_run_there = {"knn", "ridge", "dalle"}  # DALL-E's file has to be in the home
    assert {d.open for d in set(decisions()) - listed if not never_run_there & set(d.concerns)} == set()
