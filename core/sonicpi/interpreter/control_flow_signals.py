"""Signals that end a thread, a loop or a function of an interpreted program."""

from __future__ import annotations

from typing import Any

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
