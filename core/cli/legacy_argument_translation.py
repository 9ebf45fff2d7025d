"""Translation of older names in a command line, with a notice for each."""

from __future__ import annotations

from collections.abc import Sequence

from core.cli.terminal_output import print_to_stderr
from core.corpus.legacy_command_names import translate_legacy_command


def translate_renamed_arguments(argv: Sequence[str]) -> list[str]:
    """Replace the older names in a command line by today's, with a notice for each on stderr.

    Parameters
    ----------
    argv : sequence of str
        The command and its arguments.

    Returns
    -------
    list of str
        As of `core.corpus.legacy_command_names.translate_legacy_command`, which defines the
        older names.
    """
    translated = translate_legacy_command(argv)
    previous = translated[0] if translated else ""
    for old, new in zip(argv, translated, strict=True):
        if old != new:
            print_to_stderr(_format_renamed_argument_notice(old, new, previous))
        previous = new
    return translated


def _format_renamed_argument_notice(old: str, new: str, previous: str) -> str:
    """Return the notice for a replaced argument; `previous` is the argument before it."""
    old_option, _, old_value = old.partition("=")
    new_option, _, new_value = new.partition("=")
    if old_value == new_value:  # The option was renamed, not its value.
        old, new = old_option, new_option
    if not old.startswith("--"):
        old, new = f"{previous} {old}", f"{previous} {new}"
    return f"{old} is now {new}; the old name works until the next version."
