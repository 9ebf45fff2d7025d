"""Ogg files that are the same whenever the sound is the same."""

from __future__ import annotations

import struct
import zlib
from typing import Callable

from core.errors import EarshotError

PAGE_MAGIC = b"OggS"
MAX_ENCODE_ATTEMPTS = 3
FIXED_SERIAL_NUMBER = 1
PAGE_HEADER_BYTES = 27
SERIAL_OFFSET, CHECKSUM_OFFSET, SEGMENT_COUNT_OFFSET = 14, 22, 26
_BIT_REVERSED_BYTES = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


class DamagedOggError(ValueError):
    """What should be an Ogg file isn't a whole one."""


def encode_reproducibly(encode: Callable[[], bytes]) -> bytes:
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
    for _ in range(MAX_ENCODE_ATTEMPTS):
        try:
            return set_fixed_serial_number(encode())
        except DamagedOggError as error:
            why = error
    raise EarshotError(
        f"A clip cannot be encoded as Ogg ({why}).", remedy="Use FLAC instead: --format flac"
    )


def set_fixed_serial_number(ogg_bytes: bytes) -> bytes:
    """Give a stream a fixed serial number in place of the random one that libsndfile draws.

    Parameters
    ----------
    ogg_bytes : bytes
        An Ogg file of one stream.

    Raises
    ------
    DamagedError
        When its pages do not follow one another to its end.

    Notes
    -----
    Every page holds the serial number and a checksum of the page (RFC 3533, section 6).
    """
    pages = bytearray(ogg_bytes)
    start = 0
    while start < len(pages):
        if pages[start : start + len(PAGE_MAGIC)] != PAGE_MAGIC or start + PAGE_HEADER_BYTES > len(pages):
            raise DamagedOggError(f"no page begins at byte {start} of {len(pages)}")
        segments = pages[start + SEGMENT_COUNT_OFFSET]
        lengths = pages[start + PAGE_HEADER_BYTES : start + PAGE_HEADER_BYTES + segments]
        end = start + PAGE_HEADER_BYTES + segments + sum(lengths)
        if end > len(pages):
            raise DamagedOggError(f"the page at byte {start} is cut off")
        struct.pack_into("<I", pages, start + SERIAL_OFFSET, FIXED_SERIAL_NUMBER)
        struct.pack_into("<I", pages, start + CHECKSUM_OFFSET, 0)
        struct.pack_into("<I", pages, start + CHECKSUM_OFFSET, _compute_page_checksum(bytes(pages[start:end])))
        start = end
    return bytes(pages)


def _compute_page_checksum(page: bytes) -> int:
    """Return Ogg's CRC: zlib's polynomial with bits the other way round, and no inversion."""
    reflected = zlib.crc32(page.translate(_BIT_REVERSED_BYTES), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{reflected:032b}"[::-1], 2)
