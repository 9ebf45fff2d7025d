"""Untrusted Parquet tables are read in a process of their own, or refused."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow
import pytest
from pyarrow import parquet as pyarrow_parquet

from core.corpus import (
    imported_embedding_table_reader,
    imported_program_file_reader,
    untrusted_parquet,
)
from core.corpus.untrusted_parquet import iterate_parquet_rows, read_parquet_columns
from core.errors import EarshotError
from core.workspace import PROJECT_FOLDER

ABORTING_TABLE = PROJECT_FOLDER / "tests" / "fixtures" / "aborts_pyarrow.parquet"
FUZZ_PROGRAM = Path(__file__).with_name("parquet_fuzz_program.py")


def write_table(**columns: object) -> bytes:
    buffer = io.BytesIO()
    pyarrow_parquet.write_table(pyarrow.table(columns), buffer)
    return buffer.getvalue()


def read_rows(content: bytes, *columns: str) -> list[dict]:
    return list(iterate_parquet_rows(content, "x.parquet", columns, 1000, 1 << 20))


def test_all_kinds_of_values_are_read():
    content = write_table(
        text=["play 60", None, "play 60", "ü\n"],
        whole=[1, None, -(2**63), 2**63 - 1],
        real=[0.5, float("inf"), None, -0.0],
        truth=[True, None, False, True],
        vector=[[0.5, 1.5], None, [], [2.5]],
        second=pyarrow.array([[1], [2, 3], [4], None], pyarrow.list_(pyarrow.int8())),
        nested=[[[1]], None, [[2]], []],
        day=pd.date_range("2026-01-01", periods=4),
    )
    assert read_parquet_columns(content, "x.parquet")[:2] == ["text", "whole"]
    names = ("text", "whole", "real", "truth", "vector", "second", "nested", "day")
    rows = read_rows(content, *names)
    assert [row["text"] for row in rows] == ["play 60", None, "play 60", "ü\n"]
    assert [row["whole"] for row in rows] == [1, None, -(2**63), 2**63 - 1]
    assert [row["real"] for row in rows] == [0.5, float("inf"), None, -0.0]
    assert [row["truth"] for row in rows] == [True, None, False, True]
    for name, expected in (
        ("vector", [[0.5, 1.5], None, [], [2.5]]),
        ("second", [[1.0], [2.0, 3.0], [4.0], None]),
    ):
        found = [None if row[name] is None else row[name].tolist() for row in rows]
        assert found == expected
    assert {row[name] for row in rows for name in ("nested", "day")} == {None}


def test_rows_of_many_batches_keep_their_order():
    numbers = np.arange(300)
    content = write_table(text=[f"play {n % 7}" for n in numbers], whole=numbers)
    rows = read_rows(content, "whole", "text")
    assert rows == [{"whole": n, "text": f"play {n % 7}"} for n in numbers]


def test_a_reader_that_is_not_read_to_the_end_is_ended(monkeypatch: pytest.MonkeyPatch):
    readers = []

    class RecordedPopen(subprocess.Popen):
        def __init__(self, *args, **options):
            super().__init__(*args, **options)
            readers.append(self)

    monkeypatch.setattr(untrusted_parquet.subprocess, "Popen", RecordedPopen)
    rows = iterate_parquet_rows(
        write_table(text=["x" * 1000] * 5000), "x.parquet", ["text"], 5000, 1 << 30
    )
    assert next(rows) == {"text": "x" * 1000}
    rows.close()
    assert [reader.poll() is not None for reader in readers] == [True]


def test_a_table_that_aborts_pyarrow_is_refused_or_read():
    content = ABORTING_TABLE.read_bytes()
    for read in (
        lambda: imported_program_file_reader.read_imported_programs(content, "x.parquet"),
        lambda: imported_embedding_table_reader.read_imported_embeddings(
            content, "x.parquet", "source"
        ),
    ):
        with pytest.raises(EarshotError, match="damaged"):
            read()


@pytest.mark.parametrize(
    ("program", "expected_error", "message"),
    [
        ("import os; os.abort()", EarshotError, "ended by signal 6"),
        ("import os; os.kill(os.getpid(), 9)", EarshotError, "ended by signal 9"),
        ("print('{', end='', flush=True); import os; os.abort()", EarshotError, "signal 6"),
        ("raise KeyError('a defect')", RuntimeError, "a defect"),
    ],
)
def test_a_reader_that_dies_is_an_error_of_the_table_and_a_defect_is_not(
    program: str, expected_error: type[Exception], message: str, tmp_path: Path, monkeypatch
):
    (tmp_path / "reader.py").write_text(program)
    monkeypatch.setattr(untrusted_parquet, "READER_PROGRAM", tmp_path / "reader.py")
    with pytest.raises(expected_error, match=message):
        read_parquet_columns(write_table(text=["a"]), "x.parquet")


def test_no_damage_makes_the_reader_raise_anything_unexpected():
    output = subprocess.run(
        [sys.executable, "-P", str(FUZZ_PROGRAM), "0", "400"],
        env={**os.environ, "PYTHONPATH": str(PROJECT_FOLDER)},
        stdout=subprocess.PIPE,
        check=True,
        timeout=120,
    ).stdout
    outcomes = json.loads(output)
    assert "raised" not in outcomes and sum(outcomes.values()) == 400
    assert outcomes["read"] and outcomes["refused"]
