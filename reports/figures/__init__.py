"""Figures: of one ablation, of what it cost, of all of them, in one style."""
