"""The doctor: what ails a run, by what the store remembers of it: the likely cause and what to do."""
