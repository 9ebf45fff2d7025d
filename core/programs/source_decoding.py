"""Decoding of program and template files from bytes to text."""

from __future__ import annotations

from core.errors import EarshotError


def decode_source(content: bytes, file_name: str) -> str:
    """Decode the content of a source file.

    Parameters
    ----------
    content : bytes
        UTF-8, with or without a byte order mark.
    file_name : str
        Name of the file, for the error message.

    Returns
    -------
    str
        The text, without the byte order mark.

    Raises
    ------
    EarshotError
        If the content is not UTF-8; the message names the line.
    """
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise EarshotError(
            f"Line {line} is not UTF-8 text.",
            where=file_name,
            remedy="Save the file as UTF-8.",
            line=line,
        ) from error
