"""Declared Optuna searches over the settings an ablation does not vary."""
