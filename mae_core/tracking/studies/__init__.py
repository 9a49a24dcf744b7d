"""Studies in MLflow: a run for each, named as it is, and under it a run for each of its trials."""
