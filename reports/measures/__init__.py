"""What a row's numbers mean, and what is known beside them: curves, FLOPs, memory, the loss of a guess."""
