"""Image folders: which files they hold, what those are, and how one becomes an array of bytes."""
