"""Errors a user can cause. Each carries one sentence that says what to do; commands print it and exit with 2."""


class UserError(ValueError):
    """Bad usage or bad input; its text is one sentence for the person at the keyboard."""


class RecipeError(UserError):
    """A recipe that cannot be computed: unknown field, value out of range, impossible combination."""


class DataError(UserError):
    """Data that are absent, unreadable, or not the data a run was started on."""


class StoreError(UserError):
    """A home or run folder that cannot be read or written."""


class TrackerError(UserError):
    """A tracking server or database that cannot be read from."""
