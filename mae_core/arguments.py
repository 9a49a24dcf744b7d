"""Command lines: bad usage is one sentence and exit status 2, like every other error of a user."""

from __future__ import annotations

import argparse
from typing import NoReturn


class Parser(argparse.ArgumentParser):
    """argparse's parser without the usage in front of its complaint; `--help` shows that."""

    def error(self, message: str) -> NoReturn:
        """End the command with one sentence."""
        self.exit(2, f"{message[:1].upper()}{message[1:]}; `{self.prog} --help` shows how it is used.\n")
