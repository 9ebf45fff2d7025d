"""A corpus on a read-only file system is read as the last writer left it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from core.workspace import PROJECT_FOLDER

WRITE_AND_DIE = """
import os
from core.corpus import Corpus
from core.programs import Program
corpus = Corpus.create("left")
corpus.add_programs([Program("play 60", "one"), Program("play 61", "two")])
os._exit(0)  # As if killed: the log is not written into the database.
"""
READ = """
from core.corpus import Corpus
from core.programs import Program
corpus = Corpus.open("left")
print(len(corpus.load_programs()))
try:
    corpus.add_programs([Program("play 62", "three")])
except Exception as error:
    print(type(error).__name__)
"""


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="needs bubblewrap")
@pytest.mark.parametrize("index", ["with its index", "without its index"])
def test_the_log_of_a_killed_writer_is_read(tmp_path, index):
    environment = {**os.environ, "EARSHOT_WORKSPACE": str(tmp_path)}
    subprocess.run(
        [sys.executable, "-c", WRITE_AND_DIE], cwd=PROJECT_FOLDER, env=environment, check=True
    )
    folder = tmp_path / "corpora" / "left"
    assert (folder / "corpus.sqlite-wal").stat().st_size, "the log is empty"
    if index == "without its index":
        (folder / "corpus.sqlite-shm").unlink()
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    run = subprocess.run(
        [
            "bwrap",
            "--dev-bind",
            "/",
            "/",
            "--ro-bind",
            str(tmp_path),
            str(tmp_path),
            sys.executable,
            "-c",
            READ,
        ],
        cwd=PROJECT_FOLDER,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.stdout == "2\nEarshotError\n", run.stderr
    assert before == {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
