"""Verdicts: what the numbers allow to say, and with what certainty."""
