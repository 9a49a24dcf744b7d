"""Table 1, part by part: each varies one setting of the default row, 800 epochs of ViT-L/16."""
