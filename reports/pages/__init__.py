"""Pages: notebooks, their HTML, and the index from which everything is reached."""
