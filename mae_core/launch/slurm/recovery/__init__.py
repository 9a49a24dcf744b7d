"""Recovery: how jobs that end badly are seen, tried again or given up, and nodes left alone."""
