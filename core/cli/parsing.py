"""Arguments: what is mistyped is answered with what was perhaps meant."""

from __future__ import annotations

import argparse
import difflib
import os
import re
import sys
from typing import Iterable, NoReturn

from core.cli.output import complain


def near(word: str, known: Iterable[str], what: str) -> str:
    """A sentence that names what is most like `word`, or else all there is."""
    known = list(known)
    close = difflib.get_close_matches(word, known, n=3, cutoff=0.5)
    if close:
        return f"Did you mean {' or '.join(close)}?"
    return f"The {what}s are: {', '.join(known)}."


class Parser(argparse.ArgumentParser):
    """An `argparse.ArgumentParser` whose errors are short and suggest near options."""

    def __init__(self, **options):
        # Abbreviated options would change their meaning when another one is added.
        super().__init__(allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the arguments and exit with status 2."""
        hint = f"{self.prog} --help explains it."
        unknown = re.match(r"unrecognized arguments: (--[^ =]+)", message)
        if unknown:
            message = f"there is no option {unknown[1]}"
            hint = near(unknown[1], self._option_string_actions, "option")
        complain(f"{self.prog}: {message}.", hint)
        sys.exit(2)


def count(text: str) -> int:
    """A whole number from 1 on."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is less than 1")
    return number


def seconds(text: str) -> float:
    """A length of time in seconds, above 0 and at most 600."""
    number = float(text)
    if not 0 < number <= 600:
        raise argparse.ArgumentTypeError(f"{text} is not above 0 and at most 600")
    return number


def sandbox_waiver(parser: argparse.ArgumentParser) -> None:
    """Declare ``--no-sandbox``, which waives the sandbox for this command."""

    class Waive(argparse.Action):
        def __call__(self, *_):
            os.environ["EARSHOT_NO_SANDBOX"] = "1"

    parser.add_argument(
        "--no-sandbox",
        nargs=0,
        action=Waive,
        help="run programs even where bubblewrap is missing: only those you trust",
    )
