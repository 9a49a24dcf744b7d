"""How a report's folder takes the place of the one before."""
