"""Stages that fit what pre-training predicts, and how their results are read back."""
