"""The science and the work: recipes, data, model, training, stages, store. Importing it loads no torch."""
