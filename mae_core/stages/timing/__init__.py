"""Stages that measure rather than learn: time and memory of real steps."""
