"""Damage a Parquet table in many ways and print how often each outcome occurs.

Run as a process of its own: each damaged table is read in a fork, because it may abort its reader.
"""

from __future__ import annotations

import io
import json
import os
import random
import resource
import sys
from collections import Counter

import pyarrow
from pyarrow import parquet as pyarrow_parquet

from core.corpus.parquet_reader_process import answer_table_request

LIMITS = {"max_rows": 100_000, "max_bytes": 512 << 20, "max_text_bytes": 8 << 20}
COLUMNS = ("source", "name", "seed", "vector")
READ, REFUSED = 0, 1


def main(seed: int, count: int) -> None:
    rows = {"source": ["play 60", "play 61"], "name": ["a", "b"], "seed": [1, 2]}
    buffer = io.BytesIO()
    table = pyarrow.table({**rows, "vector": [[0.5, 1.5], [2.5, 3.5]]})
    pyarrow_parquet.write_table(table, buffer)
    outcomes: Counter[str] = Counter()
    rng = random.Random(seed)
    for _ in range(count):
        content = bytearray(buffer.getvalue())
        for _ in range(rng.randint(1, 12)):
            content[rng.randrange(4, len(content) - 4)] = rng.choice(
                [0, 127, 255, rng.randrange(256)]
            )
        outcomes[read_in_fork(bytes(content))] += 1
    print(json.dumps(outcomes))


def read_in_fork(content: bytes) -> str:
    child = os.fork()
    if child == 0:
        status = 2
        try:
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            status = read(content)
        finally:
            os._exit(status)
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        return "died"
    return {READ: "read", REFUSED: "refused"}.get(os.WEXITSTATUS(status), "raised")


def read(content: bytes) -> int:
    ((frame, _),) = answer_table_request({"columns": None, **LIMITS}, content)
    if "error" in frame:
        return REFUSED
    columns = [name for name in COLUMNS if name in frame["columns"]]
    frames = [frame for frame, _ in answer_table_request({"columns": columns, **LIMITS}, content)]
    json.dumps(frames)
    return REFUSED if any("error" in frame for frame in frames) else READ


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
