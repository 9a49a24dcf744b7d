"""The memory: one folder per run, readable with plain tools, written so that a kill at any moment loses nothing."""
