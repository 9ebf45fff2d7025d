"""Parsing of command-line arguments: types, choices and common options."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NoReturn

from core.cli.terminal_output import print_error, print_json_line, print_status_to_stderr
from core.clip_length_limits import MAX_CLIP_SECONDS
from core.errors import EarshotError, format_spelling_suggestions

if TYPE_CHECKING:
    from core.corpus import Corpus
    from core.search.aligned_corpus import AlignedCorpus
    from core.search.default_alignment_choice import Purpose

# As core.sonicpi.SONIC_PI_CHOICES, whose import takes longer than showing a help text.
SONIC_PI_CHOICES = ("3.2", "5")
MAX_QUOTED_CHARS = 80
JSON_OPTION = "--json"


class CommandParser(argparse.ArgumentParser):
    """An `argparse.ArgumentParser` with short errors that suggest similar options.

    Parameters
    ----------
    **options
        As of `argparse.ArgumentParser`. Options cannot be abbreviated: an abbreviation would
        change its meaning when another option is added.
    """

    def __init__(self, **options: Any):
        super().__init__(allow_abbrev=False, **options)
        self._has_json_option = False

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse arguments as argparse does, and remember whether an error is printed as JSON."""
        self._has_json_option = JSON_OPTION in (sys.argv[1:] if args is None else args)
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        """Print what is wrong with the arguments and exit with status 2."""
        remedy = f"{self.prog} --help explains it."
        unknown = re.match(r"unrecognized arguments: (--[^ =]+)", message)
        if unknown:
            message = f"there is no option {unknown[1]}"
            remedy = format_spelling_suggestions(unknown[1], self._option_string_actions, "option")
        if self._has_json_option:
            print_json_line(EarshotError(f"{message}.", remedy=remedy).to_dict())
        print_error(f"{self.prog}: {message}.", remedy)
        sys.exit(2)


def parse_int(text: str) -> int:
    """Parse a whole number."""
    return _parse_whole_number(text, None)


def parse_positive_int(text: str) -> int:
    """Parse a whole number of at least 1."""
    return _parse_whole_number(text, 1)


def parse_nonnegative_int(text: str) -> int:
    """Parse a whole number of at least 0."""
    return _parse_whole_number(text, 0)


def _parse_whole_number(text: str, minimum: int | None) -> int:
    try:
        number = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
    if minimum is not None and number < minimum:
        raise argparse.ArgumentTypeError(f"{number} is less than {minimum}")
    return number


def parse_float(text: str) -> float:
    """Parse a number."""
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None


def add_sonic_pi_option(parser: argparse.ArgumentParser, default: str | None, of: str) -> None:
    """Add the option --sonic-pi; `of` names the clips that it affects."""
    parser.add_argument(
        "--sonic-pi",
        choices=SONIC_PI_CHOICES,
        default=default,
        help=f"version of Sonic Pi whose sound {of} have ({default or SONIC_PI_CHOICES[0]})",
    )


def parse_duration_seconds(text: str) -> float:
    """Parse a duration in seconds, above 0 and at most 600."""
    number = parse_float(text)
    if not 0 < number <= MAX_CLIP_SECONDS:
        raise argparse.ArgumentTypeError(
            f"{text} is not a number of seconds above 0 and at most {MAX_CLIP_SECONDS}"
        )
    return number


def make_choice_parser(choices: Iterable[str]) -> Callable[[str], str]:
    """Make the parser of a choice whose words can be joined by hyphens or underscores.

    Parameters
    ----------
    choices : iterable of str
        Joined by underscores, as in Python and JSON.

    Returns
    -------
    callable
        Takes the text of the argument and returns one of `choices`.

    Examples
    --------
    >>> make_choice_parser(["infonce", "soft_infonce"])("soft-infonce")
    'soft_infonce'
    """
    accepted = tuple(choices)

    def parse_choice(text: str) -> str:
        choice = text.replace("-", "_")
        if choice not in accepted:
            raise argparse.ArgumentTypeError(
                f"{text!r} is not one of {', '.join(map(format_with_hyphens, accepted))}"
            )
        return choice

    return parse_choice


def format_choices_for_usage(choices: Iterable[str]) -> str:
    """Return the metavar of a choice, such as "{infonce,soft-infonce}"."""
    return "{" + ",".join(map(format_with_hyphens, choices)) + "}"


def format_with_hyphens(name: str) -> str:
    """Return a name as the command line spells it: "soft-infonce" for "soft_infonce"."""
    return name.replace("_", "-")


def parse_fixed_template_parameters(texts: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Parse parameters of templates such as ``02_1_beeps.tonic=60``.

    Parameters
    ----------
    texts : iterable of str
        ``LOW..HIGH`` is a range of numbers to draw from, ``A|B`` a subset of the choices.

    Returns
    -------
    dict of str to dict
        Values by template and parameter. Whether a template accepts them is not checked.

    Raises
    ------
    EarshotError
        If a text has another form.
    """
    # Imported late so that --help responds at once.
    from core.programs.cli_parameter_syntax import parse_parameter_text

    values: dict[str, dict[str, Any]] = {}
    for text in texts:
        match = re.fullmatch(r"([^.=]+)\.([^=]+)=(.*)", text, re.DOTALL)
        if not match:
            raise EarshotError(
                f"--set {text[:MAX_QUOTED_CHARS]!r} sets no parameter.",
                remedy="Write TEMPLATE.PARAMETER=VALUE, for example 02_1_beeps.tonic=60.",
            )
        values.setdefault(match[1], {})[match[2]] = parse_parameter_text(match[3])
    return values


def open_corpus_from_args(args: argparse.Namespace) -> Corpus:
    """Open the corpus that the command names."""
    # Imported late because it loads numpy and pandas, which --help does not need.
    from core.corpus import Corpus

    return Corpus.open(args.corpus)


def open_aligned_corpus_from_args(
    args: argparse.Namespace, purpose: Purpose = "prediction"
) -> AlignedCorpus:
    """Open the corpus and the alignment that the command names, and print which alignment it is.

    Parameters
    ----------
    args : argparse.Namespace
    purpose : {"prediction", "suggestion", "map", "any"}
        What the command uses the alignment for; it decides where --alignment is missing.
    """
    # Imported late because they load torch, which --help does not need.
    from core.search.aligned_corpus import open_aligned_corpus
    from core.search.default_alignment_choice import (
        build_choice_of_requested_alignment,
        choose_default_alignment,
        make_no_alignment_error,
    )

    corpus = open_corpus_from_args(args)
    if args.alignment is not None:
        choice = build_choice_of_requested_alignment(corpus.load_alignment(args.alignment))
    else:
        default_choice = choose_default_alignment(corpus, purpose)
        if default_choice is None:
            raise make_no_alignment_error(corpus)
        choice = default_choice
    aligned_corpus = open_aligned_corpus(corpus, choice.alignment_id)
    print_status_to_stderr(f"Uses {choice}.")
    return aligned_corpus


def open_searched_corpora_from_args(args: argparse.Namespace) -> list[AlignedCorpus]:
    """Open the corpora that the command names, with one alignment; print which alignment it is.

    Without ``--alignment``, a corpus that has none is searched by one of another corpus.
    """
    # Imported late because they load torch, which --help does not need.
    from core.corpus import Corpus
    from core.search.alignment_choice_for_other_corpora import (
        choose_prediction_alignment,
        load_alignment_by_name,
        make_no_common_alignment_error,
    )
    from core.search.default_alignment_choice import build_choice_of_requested_alignment
    from core.search.multi_corpus_search import open_corpora_with_one_alignment

    corpora = [Corpus.open(name) for name in list_searched_corpus_names(args)]
    if args.alignment is not None:
        owner, record = load_alignment_by_name(corpora[0], args.alignment)
        choice = build_choice_of_requested_alignment(record, owner_name=owner.name)
    else:
        shared_choice = choose_prediction_alignment(corpora)
        if shared_choice is None:
            raise make_no_common_alignment_error(corpora)
        choice = shared_choice
    aligned_corpora = open_corpora_with_one_alignment(
        corpora, choice.load_chosen_alignment_record(corpora[0])
    )
    print_status_to_stderr(f"Uses {choice}.")
    return aligned_corpora


def list_searched_corpus_names(args: argparse.Namespace) -> list[str]:
    """Return the names of the corpora to search: the argument, then those of ``--corpus``.

    Raises
    ------
    EarshotError
        When none is named.
    """
    named = [args.corpus_argument, *(args.corpus or [])]
    names = list(dict.fromkeys(name for name in named if name))
    if not names:
        raise EarshotError(
            "No corpus is named.", remedy="Name one, or several by --corpus A --corpus B."
        )
    return names


def add_searched_corpora_option(parser: argparse.ArgumentParser, default: str) -> None:
    """Declare ``--corpus``, which can be given several times; `default` describes its default."""
    parser.add_argument(
        "--corpus",
        action="append",
        metavar="NAME",
        help=f"corpus to search; repeat it to search several at once ({default})",
    )


def add_corpus_argument(
    parser: argparse.ArgumentParser, help_text: str = "name of the corpus"
) -> None:
    """Declare the positional argument CORPUS."""
    parser.add_argument("corpus", metavar="CORPUS", help=help_text)


def add_alignment_option(parser: argparse.ArgumentParser) -> None:
    """Declare ``--alignment``, which defaults to the one that suits the command."""
    parser.add_argument(
        "--alignment", metavar="ID", help="alignment (the one made for this command's purpose)"
    )


def add_shared_alignment_option(parser: argparse.ArgumentParser) -> None:
    """Declare ``--alignment`` for a command that can take the alignment of another corpus."""
    parser.add_argument(
        "--alignment",
        metavar="ID",
        help="alignment; CORPUS/ID for one of another corpus (the one made for prediction, or one"
        " of another corpus with the same encoders)",
    )


def add_encoder_options(parser: argparse.ArgumentParser, default: str) -> None:
    """Declare ``--code-encoder`` and ``--audio-encoder``; `default` describes their default."""
    parser.add_argument("--code-encoder", metavar="ID", help=f"code encoder ({default})")
    parser.add_argument("--audio-encoder", metavar="ID", help=f"audio encoder ({default})")


def add_executor_options(parser: argparse.ArgumentParser) -> None:
    """Declare ``--executor`` and ``--address``."""
    parser.add_argument(
        "--executor",
        choices=("local", "ray"),
        default="local",
        help="where the work runs: on this machine, or on the nodes of a Ray cluster (local)",
    )
    parser.add_argument(
        "--address",
        metavar="ADDRESS",
        help="with --executor ray: the cluster, as auto, HOST:PORT or ray://HOST:PORT (a cluster"
        " on this machine alone, for the duration of the command)",
    )


def add_json_option(parser: argparse.ArgumentParser, help_text: str) -> None:
    """Declare ``--json``."""
    parser.add_argument(JSON_OPTION, action="store_true", help=help_text)


def add_sounds_option(parser: argparse.ArgumentParser, default: str) -> None:
    """Declare ``--sounds``; `default` describes its default."""
    # Imported late so that --help loads no more than it needs.
    from core.programs.template_vocabulary import SOUND_SETS

    parser.add_argument(
        "--sounds",
        choices=SOUND_SETS,
        help=f"Sonic Pi version whose synths and samples programs are made of ({default})",
    )


def add_strict_option(parser: argparse.ArgumentParser) -> None:
    """Declare ``--strict``, with which an error that ends one thread fails the program."""
    parser.add_argument(
        "--strict",
        action="store_true",
        help="an error that ends one thread of a program fails the program",
    )


def add_corpus_strict_option(parser: argparse.ArgumentParser) -> None:
    """Declare ``--strict`` and ``--no-strict``, which a corpus keeps for its later builds."""
    parser.add_argument(
        "--strict",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="whether an error that ends one thread fails a program (the corpus's; no in a new"
        " corpus)",
    )


def add_sandbox_option(parser: argparse.ArgumentParser) -> None:
    """Declare ``--no-sandbox``, which disables the sandbox for this command."""

    class DisableSandbox(argparse.Action):
        """Set the environment variable that the renderer and its workers read."""

        def __call__(self, *_: Any, **__: Any) -> None:
            os.environ["EARSHOT_NO_SANDBOX"] = "1"

    parser.add_argument(
        "--no-sandbox",
        nargs=0,
        action=DisableSandbox,
        help="run programs without bubblewrap: only those that you trust",
    )
