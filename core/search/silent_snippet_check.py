"""Decision whether a snippet would sound at all, before anything is predicted for it."""

from __future__ import annotations

from core.errors import EarshotError
from core.sonicpi.interpreter import ProgramReading, interpret_program
from core.sonicpi.interpreter.program_interpretation import STATUS_UNKNOWN

EXIT_SILENT = 3


class SilentSnippetError(EarshotError):
    """Nothing in a snippet would sound, so there is nothing to predict.

    Attributes
    ----------
    status : {"no_sound", "syntax"}
        ``syntax`` when nothing before a syntax error would sound.
    line : int or None
        Line of the syntax error, from 1.
    """

    exit_status = EXIT_SILENT

    def __init__(self, reading: ProgramReading):
        super().__init__(reading.message)
        self.status, self.line = reading.status, reading.line

    def to_dict(self) -> dict[str, str | int | None]:
        """Return status, line and message, as commands print them with ``--json``."""
        return {"status": self.status, "line": self.line, "message": self.message}


def interpret_audible_snippet(snippet: str) -> ProgramReading:
    """Read a snippet that sounds; every prediction starts with this.

    Parameters
    ----------
    snippet : str
        Sonic Pi code.

    Returns
    -------
    ProgramReading
        Its status is "sound", or "unknown" when it has code that cannot be followed. Its message,
        if there is one, belongs beside the prediction.

    Raises
    ------
    SilentSnippetError
        When it is certain that nothing in the snippet would sound.

    Examples
    --------
    >>> interpret_audible_snippet("puts 1")
    Traceback (most recent call last):
    core.search.silent_snippet_check.SilentSnippetError: Nothing in this code would sound.
    """
    try:
        reading = interpret_program(snippet)
    except EarshotError as error:  # Encoders of text need no reader.
        return ProgramReading([], STATUS_UNKNOWN, None, str(error))
    if reading.is_silent:
        raise SilentSnippetError(reading)
    return reading
