"""From a plan to job arrays in the queue."""
