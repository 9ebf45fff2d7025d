"""Conversion of the errors of reading and writing files into errors for users."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import EarshotError


@contextmanager
def convert_write_errors(subject: str, path: Path) -> Iterator[None]:
    """Convert an OSError in the block into an EarshotError.

    Parameters
    ----------
    subject : str
        What is written, as the start of a sentence: "The alignment".
    path : Path
        Where it is written.

    Raises
    ------
    EarshotError
        If the block raises an OSError.
    """
    try:
        yield
    except OSError as error:
        raise EarshotError(
            f"{subject} cannot be written ({error.strerror or error}).",
            where=str(path),
            remedy="Check that you may write there and that the disk is not full.",
        ) from error


@contextmanager
def convert_read_errors(message: str, path: Path, remedy: str) -> Iterator[None]:
    """Convert an OSError or ValueError in the block, of a bad file, into an EarshotError.

    Parameters
    ----------
    message : str
        What is wrong, without a full stop; the original error is appended in brackets.
    path : Path
        The file.
    remedy : str

    Raises
    ------
    EarshotError
        If the block raises an OSError or a ValueError: the file is missing or damaged.
    """
    try:
        yield
    except (OSError, ValueError) as error:
        raise EarshotError(f"{message} ({error}).", where=str(path), remedy=remedy) from error
