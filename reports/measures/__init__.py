"""What is known of a row beside its accuracy: curves, FLOPs, memory, and the loss of a guess."""
