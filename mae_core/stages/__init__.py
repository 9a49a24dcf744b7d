"""The work: one module per kind of stage, and `obtain`, the only door to it."""
