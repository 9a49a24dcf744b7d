"""Where the reports of a home lie, and how one takes the place of another."""
