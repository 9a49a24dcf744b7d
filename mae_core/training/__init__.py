"""How weights change: optimisers, schedules and the loop that steps them."""
