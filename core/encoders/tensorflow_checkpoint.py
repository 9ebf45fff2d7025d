"""Read tensors from a TensorFlow checkpoint without TensorFlow.

A checkpoint is a pair of files. PREFIX.index is a table that states the type, shape and position of
each tensor; PREFIX.data-00000-of-00001 contains the values, little-endian and without a header. The
files are data only: reading them runs no code, and every position is checked against the end of its
file.

References
----------
Index: LevelDB's table format (github.com/google/leveldb, doc/table_format.md). Its values:
tensorflow/core/protobuf/tensor_bundle.proto. Numbers: protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.errors import EarshotError

FOOTER_BYTES = 48
TABLE_MAGIC = bytes.fromhex("57fb808b247547db")
NO_COMPRESSION = 0
RESTART_BYTES = 4  # one position, or their number, at the end of a block
FLOAT32_TYPE = 1  # DT_FLOAT in tensorflow/core/framework/types.proto
# Field numbers of BundleEntryProto, and of the messages in it.
TYPE_FIELD, SHAPE_FIELD, SHARD_FIELD, OFFSET_FIELD, SIZE_FIELD = 1, 2, 3, 4, 5
DIMENSION_FIELD, DIMENSION_SIZE_FIELD = 2, 1
# Wire types of protocol buffers.
VARINT, FIXED64, LENGTH_DELIMITED, FIXED32 = 0, 1, 2, 5
MAX_VARINT_BYTES = 10
# A network's index has kilobytes. Both limits keep a crafted file from taking much time or memory.
MAX_INDEX_BYTES = 2**20
MAX_KEY_BYTES = 1024


class CheckpointError(EarshotError):
    """A checkpoint cannot be read.

    Parameters
    ----------
    message : str
        What is wrong, in one sentence.
    path : Path
        The file.
    """

    def __init__(self, message: str, path: Path):
        super().__init__(
            message,
            where=str(path),
            remedy="The file is damaged or not a TensorFlow checkpoint: install it again.",
        )


@dataclass(frozen=True)
class TensorLocation:
    """Position of a tensor in the data file.

    Attributes
    ----------
    data_type : int
        As in TensorFlow's types.proto; 1 is float32.
    shape : tuple of int
    shard : int
        Number of the data file.
    offset, byte_count : int
    """

    data_type: int
    shape: tuple[int, ...]
    shard: int
    offset: int
    byte_count: int


def read_float32_tensors(
    index_path: Path, data_path: Path, names: Iterable[str]
) -> dict[str, np.ndarray]:
    """Read tensors of a checkpoint.

    Parameters
    ----------
    index_path, data_path : Path
        The two files of a checkpoint with a single data file.
    names : iterable of str
        Names of float32 tensors.

    Returns
    -------
    dict of str to float32 array
        In the tensors' own shapes.

    Raises
    ------
    CheckpointError
        If a file is missing or damaged, or a tensor is missing, not float32, in another data file
        or not finite.

    Examples
    --------
    >>> read_float32_tensors(Path("model.index"), Path("model.data-00000-of-00001"), ["dense/bias"])
    Traceback (most recent call last):
    ...
    core.encoders.tensorflow_checkpoint.CheckpointError: ...
    """
    locations = read_tensor_locations(index_path)
    tensors = {}
    try:
        with data_path.open("rb") as data_file:
            file_bytes = data_file.seek(0, 2)
            for name in names:
                if name not in locations:
                    raise CheckpointError(f"The checkpoint has no tensor {name!r}.", index_path)
                location = locations[name]
                _check_tensor_location(name, location, file_bytes, data_path)
                data_file.seek(location.offset)
                content = data_file.read(location.byte_count)
                values = np.frombuffer(content, "<f4").astype(np.float32).reshape(location.shape)
                if not np.isfinite(values).all():
                    raise CheckpointError(
                        f"The tensor {name!r} has values that are not finite.", data_path
                    )
                tensors[name] = values
    except OSError as error:
        raise CheckpointError(f"It cannot be read ({error.strerror}).", data_path) from error
    return tensors


def _check_tensor_location(
    name: str, location: TensorLocation, file_bytes: int, data_path: Path
) -> None:
    """Raise an error unless a tensor is float32 and lies within the data file."""
    if location.data_type != FLOAT32_TYPE or location.shard != 0:
        raise CheckpointError(f"The tensor {name!r} is not float32 in this file.", data_path)
    if 0 in location.shape or location.byte_count != 4 * math.prod(location.shape):
        raise CheckpointError(f"The size of the tensor {name!r} contradicts its shape.", data_path)
    if location.offset + location.byte_count > file_bytes:
        raise CheckpointError(f"The tensor {name!r} lies beyond the end of the file.", data_path)


def read_tensor_locations(index_path: Path) -> dict[str, TensorLocation]:
    """Read the index of a checkpoint.

    Parameters
    ----------
    index_path : Path

    Returns
    -------
    dict of str to TensorLocation
        By the tensor's name.

    Raises
    ------
    CheckpointError
        If the file is missing, too large, damaged, compressed or not the index of a checkpoint.
    """
    try:
        if index_path.stat().st_size > MAX_INDEX_BYTES:
            raise CheckpointError("It is too large for the index of a checkpoint.", index_path)
        content = index_path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"It cannot be read ({error.strerror}).", index_path) from error
    try:
        # The table's first entry has an empty name and describes the checkpoint itself.
        return {
            name.decode("utf-8"): _parse_tensor_location(value)
            for name, value in _iterate_table_entries(content)
            if name
        }
    except ValueError as error:  # includes UnicodeDecodeError
        raise CheckpointError(f"It is not the index of a checkpoint ({error}).", index_path) from (
            error
        )


def _iterate_table_entries(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the keys and values of a table; raise ValueError if it is damaged."""
    if len(content) < FOOTER_BYTES or not content.endswith(TABLE_MAGIC):
        raise ValueError("it has no table's footer")
    footer = content[-FOOTER_BYTES:]
    _, position = _read_block_offset_and_size(footer, 0)  # of a block that checkpoints leave empty
    index_handle, _ = _read_block_offset_and_size(footer, position)
    body_bytes = len(content) - FOOTER_BYTES
    block_ends = 0
    for _, value in _iterate_table_block_entries(
        _read_table_block(content, index_handle, body_bytes)
    ):
        (offset, size), _ = _read_block_offset_and_size(value, 0)
        # Blocks are in order and do not overlap. Otherwise a small file could name one block
        # millions of times.
        if offset < block_ends:
            raise ValueError("its blocks overlap")
        block_ends = offset + size
        yield from _iterate_table_block_entries(
            _read_table_block(content, (offset, size), body_bytes)
        )


def _read_table_block(content: bytes, handle: tuple[int, int], body_bytes: int) -> bytes:
    """Return an uncompressed block of a table without its list of restarts."""
    offset, size = handle
    if offset + size >= body_bytes:
        raise ValueError("a block lies beyond its end")
    if content[offset + size] != NO_COMPRESSION:
        raise ValueError("it is compressed")
    block = content[offset : offset + size]
    restart_count = int.from_bytes(block[-RESTART_BYTES:], "little")
    entries_end = len(block) - RESTART_BYTES * (restart_count + 1)
    if entries_end < 0:
        raise ValueError("a block is shorter than its list of restarts")
    return block[:entries_end]


def _iterate_table_block_entries(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the keys and values of a block; a key repeats the beginning of the one before."""
    position = 0
    key = b""
    while position < len(block):
        shared_bytes, position = _read_varint(block, position)
        new_bytes, position = _read_varint(block, position)
        value_bytes, position = _read_varint(block, position)
        key_end = position + new_bytes
        value_end = key_end + value_bytes
        if shared_bytes > len(key) or value_end > len(block):
            raise ValueError("an entry lies beyond the end of its block")
        if shared_bytes + new_bytes > MAX_KEY_BYTES:
            raise ValueError("a name is too long")
        key = key[:shared_bytes] + block[position:key_end]
        yield key, block[key_end:value_end]
        position = value_end


def _read_block_offset_and_size(content: bytes, position: int) -> tuple[tuple[int, int], int]:
    """Return the offset and size of a block, and the position after them."""
    offset, position = _read_varint(content, position)
    size, position = _read_varint(content, position)
    return (offset, size), position


def _parse_tensor_location(message: bytes) -> TensorLocation:
    """Parse a BundleEntryProto; absent numbers are 0."""
    numbers = {TYPE_FIELD: 0, SHARD_FIELD: 0, OFFSET_FIELD: 0, SIZE_FIELD: 0}
    shape: tuple[int, ...] = ()
    for field, value in _iterate_message_fields(message):
        if field == SHAPE_FIELD and isinstance(value, bytes):
            shape = tuple(_iterate_tensor_dimensions(value))
        elif field in numbers and isinstance(value, int):
            numbers[field] = value
    return TensorLocation(
        data_type=numbers[TYPE_FIELD],
        shape=shape,
        shard=numbers[SHARD_FIELD],
        offset=numbers[OFFSET_FIELD],
        byte_count=numbers[SIZE_FIELD],
    )


def _iterate_tensor_dimensions(message: bytes) -> Iterator[int]:
    """Yield the dimensions in a TensorShapeProto."""
    for field, value in _iterate_message_fields(message):
        if field == DIMENSION_FIELD and isinstance(value, bytes):
            sizes = dict(_iterate_message_fields(value))
            size = sizes.get(DIMENSION_SIZE_FIELD, 0)
            if not isinstance(size, int):
                raise ValueError("a dimension is not a number")
            yield size


def _iterate_message_fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield the field numbers and values of a protocol buffer."""
    position = 0
    while position < len(message):
        tag, position = _read_varint(message, position)
        field, wire_type = tag >> 3, tag & 7
        if wire_type == VARINT:
            number, position = _read_varint(message, position)
            yield field, number
            continue
        if wire_type == LENGTH_DELIMITED:
            byte_count, position = _read_varint(message, position)
        elif wire_type in (FIXED32, FIXED64):
            byte_count = 4 if wire_type == FIXED32 else 8
        else:
            raise ValueError(f"an unknown wire type {wire_type}")
        end = position + byte_count
        if end > len(message):
            raise ValueError("a field lies beyond the end of its message")
        yield field, message[position:end]
        position = end


def _read_varint(content: bytes, position: int) -> tuple[int, int]:
    """Return a number of 7 bits per byte, and the position after it."""
    number = 0
    for shift in range(MAX_VARINT_BYTES):
        if position >= len(content):
            break
        byte = content[position]
        position += 1
        number |= (byte & 0x7F) << (7 * shift)
        if not byte & 0x80:
            return number, position
    raise ValueError("a number does not end")
