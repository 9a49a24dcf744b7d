"""Comparisons: MAE beside other methods, sizes, data sets and tasks."""
