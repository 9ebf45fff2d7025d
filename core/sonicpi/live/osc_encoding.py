"""Encoding of OSC messages (Open Sound Control 1.0): address, type tags and arguments."""

from __future__ import annotations

import struct


def encode_osc_message(address: str, *arguments: str | int) -> bytes:
    r"""Encode a message.

    Parameters
    ----------
    address : str
        Such as "/run-code".
    *arguments : str or int
        Strings without a null character, and signed integers of 32 bits.

    Returns
    -------
    bytes

    Raises
    ------
    ValueError
        When a string holds a null character or cannot be encoded as UTF-8.

    Examples
    --------
    >>> encode_osc_message("/go", 1)
    b'/go\x00,i\x00\x00\x00\x00\x00\x01'
    """
    type_tags = "," + "".join("s" if isinstance(value, str) else "i" for value in arguments)
    parts = [_encode_string(address), _encode_string(type_tags)]
    for value in arguments:
        if isinstance(value, str):
            parts.append(_encode_string(value))
        else:
            parts.append(struct.pack(">i", value))
    return b"".join(parts)


def _encode_string(text: str) -> bytes:
    """Return the text as UTF-8, padded by one to four null bytes to a multiple of four."""
    if "\0" in text:
        raise ValueError("null character")
    encoded = text.encode()
    return encoded + b"\0" * (4 - len(encoded) % 4)
