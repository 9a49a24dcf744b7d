"""Looking after what is kept: listed, checked, pruned, and what it takes of the disk."""
