"""Write small TensorFlow checkpoints, from the format's description alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np

MAGIC = bytes.fromhex("57fb808b247547db")


def encode_varint(number: int) -> bytes:
    encoded = b""
    while number >= 0x80:
        encoded += bytes([number & 0x7F | 0x80])
        number >>= 7
    return encoded + bytes([number])


def encode_field(field: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return encode_varint(field << 3) + encode_varint(value)
    return encode_varint(field << 3 | 2) + encode_varint(len(value)) + value


def encode_location(
    shape: tuple[int, ...], offset: int, byte_count: int, data_type: int = 1, shard: int = 0
) -> bytes:
    """Return a BundleEntryProto with a checksum, which is not checked."""
    dimensions = b"".join(encode_field(2, encode_field(1, size)) for size in shape)
    return (
        encode_field(1, data_type)
        + encode_field(2, dimensions)
        + (encode_field(3, shard) if shard else b"")
        + encode_field(4, offset)
        + encode_field(5, byte_count)
        + encode_varint(6 << 3 | 5)
        + bytes(4)
    )


def encode_block(entries: list[tuple[bytes, bytes]]) -> bytes:
    """Return a block whose keys repeat what they share with the key before, with its trailer."""
    block, previous = b"", b""
    for key, value in entries:
        shared = 0
        while shared < min(len(key), len(previous)) and key[shared] == previous[shared]:
            shared += 1
        block += encode_varint(shared) + encode_varint(len(key) - shared)
        block += encode_varint(len(value)) + key[shared:] + value
        previous = key
    restarts = (0).to_bytes(4, "little") + (1).to_bytes(4, "little")
    return block + restarts + bytes(5)  # no compression, and a checksum


def encode_table(entries: list[tuple[bytes, bytes]], entries_per_block: int = 8) -> bytes:
    """Return a table of one or more blocks."""
    content, handles = b"", []
    for start in range(0, len(entries), entries_per_block):
        block = encode_block(entries[start : start + entries_per_block])
        last_key = entries[min(start + entries_per_block, len(entries)) - 1][0]
        handles.append((last_key, encode_varint(len(content)) + encode_varint(len(block) - 5)))
        content += block
    index = encode_block(handles)
    footer = bytes(2) + encode_varint(len(content)) + encode_varint(len(index) - 5)
    return content + index + footer.ljust(40, b"\0") + MAGIC


def save_checkpoint(prefix: Path, tensors: dict[str, np.ndarray]) -> tuple[Path, Path]:
    """Write float32 tensors; return the paths of the index and of the data."""
    data, entries = b"", [(b"", encode_field(1, 1))]
    for name, values in sorted(tensors.items()):
        content = values.astype("<f4").tobytes()
        entries.append((name.encode(), encode_location(values.shape, len(data), len(content))))
        data += content
    index_path = prefix.with_name(prefix.name + ".index")
    data_path = prefix.with_name(prefix.name + ".data-00000-of-00001")
    index_path.write_bytes(encode_table(entries))
    data_path.write_bytes(data)
    return index_path, data_path
