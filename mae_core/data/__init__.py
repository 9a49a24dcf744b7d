"""Images and labels: which data there are, how they get here, which part is used, and how an image becomes a view."""
