"""Where stages run: in persistent workers on this machine, or in jobs on a cluster."""
