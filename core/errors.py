"""Errors that are written for the person who meets them."""

from __future__ import annotations


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
