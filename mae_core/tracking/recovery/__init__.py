"""The way back: results from a tracker alone, in a process of its own that may load MLflow."""
