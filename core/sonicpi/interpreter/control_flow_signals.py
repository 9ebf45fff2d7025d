"""Signals that end a thread, a loop or a function of an interpreted program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn

# Errors of Python that values of unexpected types cause. They end the running thread, as errors
# do when the program runs.
VALUE_ERRORS = (
    RecursionError,
    ArithmeticError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
)


class ThreadEndSignal(Exception):  # noqa: N818 - it signals the normal end of a thread, not an error
    """The thread has ended: by `stop`, at the end of its time, or at the step limit."""


class CueWaitSignal(Exception):  # noqa: N818 - it signals that a thread waits, not an error
    """The thread waits for a cue that no thread has sent yet."""


class ControlFlowSignal(Exception):  # noqa: N818 - it signals a jump in the program, not an error
    """A `break`, `next`, `return`, `raise` or `throw` of the program.

    Attributes
    ----------
    keyword : str
    value : object
        Value of the jump; the error of a `raise`.
    tag : object
        Tag of a `throw`.
    """

    def __init__(self, keyword: str, value: Any = None, tag: Any = None):
        self.keyword, self.value, self.tag = keyword, value, tag


class ProgramErrorSignal(ControlFlowSignal):
    """An error that Sonic Pi raises; without a `rescue` in the program it ends the thread.

    Attributes
    ----------
    message : str
        What is wrong, without a full stop.
    error_class : str
        Name of Ruby's class of the error.
    line : int or None
        Line of the statement, from 1; None in a tree without lines.
    """

    def __init__(self, message: str, value: Any = None, error_class: str = "RuntimeError"):
        super().__init__("raise", value)
        self.message, self.error_class = message, error_class
        self.line: int | None = None


@dataclass(frozen=True)
class ProgramProblem:
    """What keeps a part of a program from sounding.

    Attributes
    ----------
    seconds : float
        Time in the program.
    message : str
        What is wrong, without a full stop.
    line : int or None
        Line in the program, from 1; None in a tree without lines.
    consequence : {"ends_thread", "silent", "assumed"}
        Whether the thread ends there, only this sound is missing, or the reader went on as if the
        code were right.
    """

    seconds: float
    message: str
    line: int | None
    consequence: str


def raise_program_error(
    message: str, value: Any = None, error_class: str = "RuntimeError"
) -> NoReturn:
    """Raise the error of a program that `ProgramErrorSignal` describes."""
    raise ProgramErrorSignal(message, value, error_class)
