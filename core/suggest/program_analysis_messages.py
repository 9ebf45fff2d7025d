"""Messages between this process and those that analyse programs for it.

A request is JSON. A reply is the length of its JSON, the JSON, and matrices of float32.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np

LENGTH_FORMAT = ">I"
LENGTH_BYTES = struct.calcsize(LENGTH_FORMAT)


def encode_analysis_request(request: dict[str, Any]) -> bytes:
    """Return a request as bytes."""
    return json.dumps(request).encode("utf-8")


def encode_analysis_reply(fields: dict[str, Any], matrices: Sequence[np.ndarray]) -> bytes:
    """Return a reply as bytes: the shapes of the matrices are among its fields."""
    shapes = [list(matrix.shape) for matrix in matrices]
    header = json.dumps({**fields, "shapes": shapes}).encode()
    parts = [np.ascontiguousarray(matrix, np.float32).tobytes() for matrix in matrices]
    return b"".join([struct.pack(LENGTH_FORMAT, len(header)), header, *parts])


def decode_analysis_reply(body: bytes | bytearray) -> tuple[dict[str, Any], list[np.ndarray]]:
    """Return the fields and the matrices, float32, of a reply.

    Examples
    --------
    >>> body = encode_analysis_reply({"line": 3}, [np.ones((1, 2))])
    >>> fields, matrices = decode_analysis_reply(body)
    >>> fields["line"], matrices[0].tolist()
    (3, [[1.0, 1.0]])
    """
    (size,) = struct.unpack_from(LENGTH_FORMAT, body)
    position = LENGTH_BYTES + size
    fields = json.loads(body[LENGTH_BYTES:position])
    matrices = []
    for shape in fields["shapes"]:
        count = int(np.prod(shape))
        matrices.append(np.frombuffer(body, np.float32, count, position).reshape(shape))
        position += 4 * count
    return fields, matrices
