"""Errors that are written for the person who meets them."""

from __future__ import annotations

import difflib
import errno
from collections.abc import Iterable


class EarshotError(Exception):
    """Something a user can understand and mend.

    Pages and the command line show `message`, `where` and `remedy`, never a
    traceback. Anything else that is raised is a defect of Earshot's own.

    Parameters
    ----------
    message : str
        What happened, in one sentence.
    where : str, optional
        The place: a file and line, a corpus, a field.
    remedy : str, optional
        What to do about it: a command, or the value that would be accepted.
    """

    def __init__(self, message: str, *, where: str | None = None, remedy: str | None = None):
        self.message = message
        self.where = where
        self.remedy = remedy
        super().__init__(str(self))

    def __str__(self) -> str:
        text = f"{self.where}: {self.message}" if self.where else self.message
        return f"{text} {self.remedy}" if self.remedy else text


# What the system says when there is no room, or no right, to write.
_SYSTEM_ERROR_MESSAGES = {
    errno.ENOSPC: ("The disk is full.", "Make room, then do it again: what is finished is kept."),
    errno.EDQUOT: (
        "Your share of the disk is used up.",
        "Make room, then do it again: what is finished is kept.",
    ),
    errno.EROFS: (
        "It can only be read there.",
        "Set EARSHOT_WORKSPACE to a folder that may be written.",
    ),
    errno.EACCES: ("You have no right to that.", "Get it, or set EARSHOT_WORKSPACE elsewhere."),
    errno.EPERM: ("You have no right to that.", "Get it, or set EARSHOT_WORKSPACE elsewhere."),
    errno.EMFILE: ("Too many files are open.", "Raise the limit: ulimit -n 4096."),
}


def convert_system_error(error: BaseException) -> EarshotError | None:
    """What a user is told of an error that is the machine's fault; None for a defect of ours.

    Parameters
    ----------
    error : BaseException
        Of any kind. Out of memory, a full disk and missing rights are the machine's.
    """
    if isinstance(error, EarshotError):
        return error
    # PyTorch says in words alone that its allocator got nothing.
    starved = isinstance(error, RuntimeError) and "allocate memory" in str(error)
    if isinstance(error, MemoryError) or starved or getattr(error, "errno", None) == errno.ENOMEM:
        return EarshotError(
            "Memory ran out.",
            remedy="Close other programs, then do it again: what is finished is kept.",
        )
    if isinstance(error, OSError) and error.errno in _SYSTEM_ERROR_MESSAGES:
        message, remedy = _SYSTEM_ERROR_MESSAGES[error.errno]
        where = None if error.filename is None else str(error.filename)
        return EarshotError(message, where=where, remedy=remedy)
    return None


def find_close_matches(word: str, options: Iterable[str], max_count: int = 3) -> list[str]:
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


def suggest_matches(word: str, options: Iterable[str], noun: str) -> str:
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
    >>> suggest_matches("trian", ["train", "sweep"], "command")
    'Did you mean train?'
    >>> suggest_matches("xyz", ["train", "sweep"], "command")
    'The commands are: train, sweep.'
    """
    options = list(options)
    close = find_close_matches(word, options)
    if close:
        return f"Did you mean {' or '.join(close)}?"
    return f"The {noun}s are: {', '.join(options)}."
