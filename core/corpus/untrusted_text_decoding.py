"""Decode untrusted text files of any common encoding."""

from __future__ import annotations

from core.errors import EarshotError

NUL_PROBLEM = "it is not text: it contains NUL characters"
# First bytes of a text that names an encoding other than UTF-8.
BYTE_ORDER_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


def decode_csv_bytes(content: bytes, file_name: str) -> tuple[str, str]:
    """Decode the content of a CSV file, as `decode_text_bytes` does.

    A NUL character below the first line stays: it damages one row, whose reader reports it.

    Raises
    ------
    EarshotError
        If it is not text.
    """
    try:
        text, encoding = _decode_to_text(content)
        if "\0" in text.partition("\n")[0]:
            raise ValueError(NUL_PROBLEM)
        return text, encoding
    except ValueError as error:
        raise EarshotError(f"The table cannot be read: {error}.", where=file_name) from error


def decode_text_bytes(content: bytes | str) -> tuple[str, str]:
    r"""Decode a text and convert its line ends to ``\n``.

    Returns
    -------
    text : str
    encoding : str
        The detected encoding if it is not UTF-8, else "".

    Raises
    ------
    ValueError
        If it is not text. The message is a clause: "it is no text: …".

    Examples
    --------
    >>> decode_text_bytes(b"play 60\r\n# \xfc")
    ('play 60\n# ü', 'latin-1')
    """
    text, encoding = _decode_to_text(content)
    if "\0" in text:
        raise ValueError(NUL_PROBLEM)
    return text, encoding


def _decode_to_text(content: bytes | str) -> tuple[str, str]:
    """Decode a text, which may contain NUL characters, and convert its line ends."""
    encoding = ""
    if isinstance(content, str):
        text = content
    else:
        marks = (mark for mark in BYTE_ORDER_MARKS if content.startswith(mark))
        encoding = BYTE_ORDER_MARKS.get(next(marks, b""), "")
        try:
            text = content.decode(encoding or "utf-8-sig")
        except UnicodeDecodeError:
            if encoding:
                raise ValueError(f"it starts as {encoding} but is not {encoding}") from None
            # The encoding of old editors in Western Europe; every byte is valid in it.
            encoding = "latin-1"
            text = content.decode(encoding)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("it contains characters that are not text") from None
    return text.replace("\r\n", "\n").replace("\r", "\n"), encoding
