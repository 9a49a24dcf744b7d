"""From a command line to finished stages: here, or as job arrays on a cluster."""
