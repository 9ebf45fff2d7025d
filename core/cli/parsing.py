"""Arguments: what is mistyped is answered with what was perhaps meant."""

from __future__ import annotations

import argparse
import difflib
import os
import re
import sys
from typing import TYPE_CHECKING, Any, Iterable, NoReturn

from core.cli.output import print_error
from core.errors import EarshotError

if TYPE_CHECKING:
    from core.corpus import Corpus
    from core.search.aligned_corpus import AlignedCorpus


def suggest_matches(word: str, options: Iterable[str], kind: str) -> str:
    """A sentence that names what is most like `word`, or else all there is."""
    options = list(options)
    close = difflib.get_close_matches(word, options, n=3, cutoff=0.5)
    if close:
        return f"Did you mean {' or '.join(close)}?"
    return f"The {kind}s are: {', '.join(options)}."


class CommandParser(argparse.ArgumentParser):
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
            hint = suggest_matches(unknown[1], self._option_string_actions, "option")
        print_error(f"{self.prog}: {message}.", hint)
        sys.exit(2)


def parse_positive_int(text: str) -> int:
    """A whole number from 1 on."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is less than 1")
    return number


def parse_fixed_values(texts: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Parameters of templates from texts such as ``02_1_beeps.tonic=60``.

    ``LOW..HIGH`` is a range of numbers to draw from, ``A|B`` some of the choices.

    Raises
    ------
    EarshotError
        When a text has another form. Whether a template takes the value is not asked here.
    """
    values: dict[str, dict[str, Any]] = {}
    for text in texts:
        found = re.fullmatch(r"([^.=]+)\.([^=]+)=(.*)", text, re.DOTALL)
        if not found:
            raise EarshotError(
                f"--set {text[:80]!r} fixes no parameter.",
                remedy="Write TEMPLATE.PARAMETER=VALUE, for example 02_1_beeps.tonic=60.",
            )
        values.setdefault(found[1], {})[found[2]] = _parse_value(found[3])
    return values


def _parse_value(text: str) -> Any:
    from core.programs import ChoiceSubset, NumberRange

    if "|" in text:
        return ChoiceSubset(tuple(_parse_scalar(each) for each in text.split("|")))
    low, dots, high = text.partition("..")
    ends = _parse_scalar(low), _parse_scalar(high)
    if dots and all(isinstance(end, (int, float)) for end in ends):
        return NumberRange(*ends)
    return _parse_scalar(text)


def _parse_scalar(text: str) -> str | int | float | bool:
    """A number or truth value where the text is one."""
    if text in ("true", "false"):
        return text == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text


def parse_nonnegative_int(text: str) -> int:
    """A whole number from 0 on."""
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{number} is less than 0")
    return number


def parse_seconds(text: str) -> float:
    """A length of time in seconds, above 0 and at most 600."""
    number = float(text)
    if not 0 < number <= 600:
        raise argparse.ArgumentTypeError(f"{text} is not above 0 and at most 600")
    return number


def open_corpus(args: argparse.Namespace) -> Corpus:
    """Open the corpus that the command names."""
    from core.corpus import Corpus  # Brings numpy and pandas, which --help does without.

    return Corpus.open(args.corpus)


def open_alignment(args: argparse.Namespace) -> AlignedCorpus:
    """Open the corpus and the alignment that the command names; without --alignment, the newest."""
    from core.search.aligned_corpus import open_aligned_corpus  # Brings torch.

    return open_aligned_corpus(open_corpus(args), args.alignment)


def add_sandbox_option(parser: argparse.ArgumentParser) -> None:
    """Declare ``--no-sandbox``, which waives the sandbox for this command."""

    class DisableSandbox(argparse.Action):
        def __call__(self, *_):
            os.environ["EARSHOT_NO_SANDBOX"] = "1"

    parser.add_argument(
        "--no-sandbox",
        nargs=0,
        action=DisableSandbox,
        help="run programs even where bubblewrap is missing: only those you trust",
    )
