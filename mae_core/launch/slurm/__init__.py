"""Stages as job arrays on SLURM: settings, submission, the job's body, and the keeper that sees a launch through."""
