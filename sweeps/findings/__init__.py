"""What a search came to: its winners, the rows it tuned, its report."""
