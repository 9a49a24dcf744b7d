"""Weights in and out: released MAE checkpoints, timm, Hugging Face and this project's own files."""
