"""Benchmarks: ratios measured side by side in one process run, never single absolute times."""
