"""The exception that users see, and wording for its messages."""

from __future__ import annotations

import difflib
import errno
from collections.abc import Iterable


class EarshotError(Exception):
    """An error that the user can understand and fix.

    Pages and the command line show `message`, `where` and `remedy` without a traceback. Every
    other exception that reaches them is a bug in Earshot.

    Parameters
    ----------
    message : str
        What happened, in one sentence.
    where : str, optional
        The place: a file and line, a corpus, a field.
    remedy : str, optional
        What to do about it: a command, or the accepted values.
    line : int, optional
        Line of the error in the user's code or file, from 1.

    Examples
    --------
    >>> print(EarshotError("There is no corpus 'beats'.", remedy="Build it: ./run build beats."))
    There is no corpus 'beats'. Build it: ./run build beats.
    """

    exit_status = 1
    """Exit status of a command that fails with this error."""

    line: int | None = None
    """Line of the error in the user's code or file, from 1; None where it has none."""

    def __init__(
        self,
        message: str,
        *,
        where: str | None = None,
        remedy: str | None = None,
        line: int | None = None,
    ):
        self.message = message
        self.line = line
        self.where = where
        self.remedy = remedy
        super().__init__(str(self))

    def to_dict(self) -> dict[str, str | int | None]:
        """Return status, line and message, as commands print them with ``--json``."""
        return {"status": "error", "line": self.line, "message": str(self)}

    def __str__(self) -> str:
        text = f"{self.where}: {self.message}" if self.where else self.message
        return f"{text} {self.remedy}" if self.remedy else text


class ReportedFailureError(EarshotError):
    """A failure that the rows of a command describe, so that ``--json`` adds none for it."""


_OTHER_FOLDER_REMEDY = "Set EARSHOT_WORKSPACE to a folder that you may write to."
_FREE_SPACE_REMEDY = "Free some space, then try again: finished work is kept."
# Message and remedy by errno, for errors that the user can fix on the machine.
_SYSTEM_ERROR_MESSAGES = {
    errno.ENOSPC: ("The disk is full.", _FREE_SPACE_REMEDY),
    errno.EDQUOT: ("Your disk quota is used up.", _FREE_SPACE_REMEDY),
    errno.EROFS: ("The file system is read-only.", _OTHER_FOLDER_REMEDY),
    errno.EACCES: (
        "Permission is denied.",
        "Change the permissions, or set EARSHOT_WORKSPACE to another folder.",
    ),
    errno.EPERM: ("The operation is not permitted.", _OTHER_FOLDER_REMEDY),
    errno.EMFILE: ("Too many files are open.", "Raise the limit: ulimit -n 4096."),
}


def convert_system_error(error: BaseException) -> EarshotError | None:
    """Return the error to show for a failure of the machine, or None for a bug in Earshot.

    Parameters
    ----------
    error : BaseException
        Failures of the machine are lack of memory, a full disk and missing permissions. An
        `EarshotError` is returned as it is.
    """
    if isinstance(error, EarshotError):
        return error
    # PyTorch raises a RuntimeError when its allocator gets no memory.
    is_torch_allocation = isinstance(error, RuntimeError) and "allocate memory" in str(error)
    is_out_of_memory = isinstance(error, MemoryError) or is_torch_allocation
    if is_out_of_memory or getattr(error, "errno", None) == errno.ENOMEM:
        return EarshotError(
            "Memory ran out.",
            remedy="Close other programs, then try again: finished work is kept.",
        )
    if isinstance(error, OSError) and error.errno in _SYSTEM_ERROR_MESSAGES:
        message, remedy = _SYSTEM_ERROR_MESSAGES[error.errno]
        where = None if error.filename is None else str(error.filename)
        return EarshotError(message, where=where, remedy=remedy)
    return None


def find_similarly_spelled_words(
    word: str, options: Iterable[str], max_count: int = 3
) -> list[str]:
    """Return the options that are spelled most like a word, the best first.

    Parameters
    ----------
    word : str
        What a user typed.
    options : iterable of str
        The accepted words.
    max_count : int
        Maximum number of options that are similar; as many more may contain the word.

    Returns
    -------
    list of str
        Empty if no option is similar.
    """
    options = list(options)
    close = difflib.get_close_matches(word, options, n=max_count, cutoff=0.5)
    containing = [option for option in options if word and word in option and option not in close]
    return close + containing[:max_count]


def format_spelling_suggestions(word: str, options: Iterable[str], noun: str) -> str:
    """Return a sentence that names the options most like a word, or else all options.

    Parameters
    ----------
    word : str
        What a user typed.
    options : iterable of str
        The accepted words.
    noun : str
        What an option is, in the singular: "command", "field".

    Returns
    -------
    str
        To be used as the `remedy` of an `EarshotError`.

    Examples
    --------
    >>> format_spelling_suggestions("trian", ["train", "sweep"], "command")
    'Did you mean train?'
    >>> format_spelling_suggestions("xyz", ["train", "sweep"], "command")
    'The commands are: train, sweep.'
    """
    options = list(options)
    close = find_similarly_spelled_words(word, options)
    if close:
        return f"Did you mean {' or '.join(close)}?"
    return f"The {noun}s are: {', '.join(options)}."
