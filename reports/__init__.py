"""Reports: what the store remembers, as tables, figures and notebooks. Nothing here loads torch or a tracker."""
