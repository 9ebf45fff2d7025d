"""Ogg files that are the same whenever the sound is the same."""

from __future__ import annotations

import struct
import zlib

SERIAL = 1
HEADER_BYTES = 27
SERIAL_AT, CHECKSUM_AT, SEGMENTS_AT = 14, 22, 26
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def repeatable(encoded: bytes) -> bytes:
    """Give a stream a fixed serial number in place of the random one that libsndfile draws.

    Parameters
    ----------
    encoded : bytes
        An Ogg file of one stream.

    Notes
    -----
    Every page holds the serial number and a checksum of the page (RFC 3533, section 6).
    """
    pages = bytearray(encoded)
    start = 0
    while start < len(pages):
        segments = pages[start + SEGMENTS_AT]
        lengths = pages[start + HEADER_BYTES : start + HEADER_BYTES + segments]
        end = start + HEADER_BYTES + segments + sum(lengths)
        struct.pack_into("<I", pages, start + SERIAL_AT, SERIAL)
        struct.pack_into("<I", pages, start + CHECKSUM_AT, 0)
        struct.pack_into("<I", pages, start + CHECKSUM_AT, _checksum(bytes(pages[start:end])))
        start = end
    return bytes(pages)


def _checksum(page: bytes) -> int:
    """Return Ogg's CRC: zlib's polynomial with bits the other way round, and no inversion."""
    reflected = zlib.crc32(page.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{reflected:032b}"[::-1], 2)
