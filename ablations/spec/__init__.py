"""Specs as values: what a module of one's own, or one of `ablations.paper`, is written in."""

from ablations.spec.ablation import Ablation
from ablations.spec.case import Case
from ablations.spec.cells import Cell
from ablations.spec.protocols import PROTOCOL_LABELS, Protocols

__all__ = ["PROTOCOL_LABELS", "Ablation", "Case", "Cell", "Protocols"]
