"""Reproducible Ogg files: equal samples give equal bytes."""

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
    """An Ogg file that is damaged or incomplete."""


def encode_ogg_reproducibly(encode: Callable[[], bytes]) -> bytes:
    """Encode a clip, again if the file is damaged, and make the file reproducible.

    On a busy machine, libsndfile sometimes omits the header of a page when it writes to memory
    (about once in several hundred clips). Encoding the same samples again gives a complete file.

    Parameters
    ----------
    encode : callable
        Returns the bytes of an Ogg file with one stream.

    Raises
    ------
    EarshotError
        When the file is damaged `MAX_ENCODE_ATTEMPTS` times.
    """
    last_error: DamagedOggError | None = None
    for _ in range(MAX_ENCODE_ATTEMPTS):
        try:
            return set_fixed_ogg_serial_number(encode())
        except DamagedOggError as error:
            last_error = error
    raise EarshotError(
        f"A clip cannot be encoded as Ogg ({last_error}).",
        remedy="Use FLAC instead: --format flac",
    )


def set_fixed_ogg_serial_number(ogg_bytes: bytes) -> bytes:
    """Replace the random serial number of a stream, which libsndfile draws, by a fixed one.

    Parameters
    ----------
    ogg_bytes : bytes
        An Ogg file with one stream.

    Raises
    ------
    DamagedOggError
        When the file is not a sequence of complete pages.

    Notes
    -----
    Every page contains the serial number and a checksum of the page (RFC 3533, section 6).
    """
    pages = bytearray(ogg_bytes)
    start = 0
    while start < len(pages):
        if pages[start : start + len(PAGE_MAGIC)] != PAGE_MAGIC or start + PAGE_HEADER_BYTES > len(
            pages
        ):
            raise DamagedOggError(f"no page starts at byte {start} of {len(pages)}")
        segment_count = pages[start + SEGMENT_COUNT_OFFSET]
        header_end = start + PAGE_HEADER_BYTES + segment_count
        end = header_end + sum(pages[start + PAGE_HEADER_BYTES : header_end])
        if end > len(pages):
            raise DamagedOggError(f"the page at byte {start} is truncated")
        struct.pack_into("<I", pages, start + SERIAL_OFFSET, FIXED_SERIAL_NUMBER)
        struct.pack_into("<I", pages, start + CHECKSUM_OFFSET, 0)
        struct.pack_into(
            "<I", pages, start + CHECKSUM_OFFSET, _compute_page_checksum(bytes(pages[start:end]))
        )
        start = end
    return bytes(pages)


def _compute_page_checksum(page: bytes) -> int:
    """Return Ogg's CRC-32: zlib's polynomial with reversed bits and without inversion."""
    reflected = zlib.crc32(page.translate(_BIT_REVERSED_BYTES), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{reflected:032b}"[::-1], 2)
