"""Ogg files that are the same whenever the sound is the same."""

from __future__ import annotations

import struct
import zlib
from typing import Callable

from core.errors import EarshotError

CAPTURE = b"OggS"
TRIES = 3
SERIAL = 1
HEADER_BYTES = 27
SERIAL_AT, CHECKSUM_AT, SEGMENTS_AT = 14, 22, 26
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


class DamagedError(ValueError):
    """What should be an Ogg file isn't a whole one."""


def encoded(encode: Callable[[], bytes]) -> bytes:
    """Encode until the file is whole, and make it repeatable.

    libsndfile was seen, once in some hundred clips on a busy machine, to leave out a page's
    header when it writes to memory; the same samples, encoded again, came out whole.

    Parameters
    ----------
    encode : callable
        Returns an Ogg file of one stream.

    Raises
    ------
    EarshotError
        When it is damaged `TRIES` times.
    """
    for _ in range(TRIES):
        try:
            return repeatable(encode())
        except DamagedError as error:
            why = error
    raise EarshotError(
        f"A clip cannot be encoded as Ogg ({why}).", remedy="Use FLAC instead: --format flac"
    )


def repeatable(encoded: bytes) -> bytes:
    """Give a stream a fixed serial number in place of the random one that libsndfile draws.

    Parameters
    ----------
    encoded : bytes
        An Ogg file of one stream.

    Raises
    ------
    DamagedError
        When its pages do not follow one another to its end.

    Notes
    -----
    Every page holds the serial number and a checksum of the page (RFC 3533, section 6).
    """
    pages = bytearray(encoded)
    start = 0
    while start < len(pages):
        if pages[start : start + len(CAPTURE)] != CAPTURE or start + HEADER_BYTES > len(pages):
            raise DamagedError(f"no page begins at byte {start} of {len(pages)}")
        segments = pages[start + SEGMENTS_AT]
        lengths = pages[start + HEADER_BYTES : start + HEADER_BYTES + segments]
        end = start + HEADER_BYTES + segments + sum(lengths)
        if end > len(pages):
            raise DamagedError(f"the page at byte {start} is cut off")
        struct.pack_into("<I", pages, start + SERIAL_AT, SERIAL)
        struct.pack_into("<I", pages, start + CHECKSUM_AT, 0)
        struct.pack_into("<I", pages, start + CHECKSUM_AT, _checksum(bytes(pages[start:end])))
        start = end
    return bytes(pages)


def _checksum(page: bytes) -> int:
    """Return Ogg's CRC: zlib's polynomial with bits the other way round, and no inversion."""
    reflected = zlib.crc32(page.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{reflected:032b}"[::-1], 2)
