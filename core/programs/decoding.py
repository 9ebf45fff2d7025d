"""Programs as text: what bytes from outside must be to be one."""

from __future__ import annotations

from core.errors import EarshotError


def decode_source(content: bytes, file_name: str) -> str:
    """Return the text of a program's file.

    Parameters
    ----------
    content : bytes
        UTF-8, with or without a byte order mark.
    file_name : str
        The file's name, for the message.

    Raises
    ------
    EarshotError
        When it is not UTF-8; the message names the line.
    """
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise EarshotError(
            f"Line {line} is not UTF-8 text.", where=file_name, remedy="Save the file as UTF-8."
        ) from error
