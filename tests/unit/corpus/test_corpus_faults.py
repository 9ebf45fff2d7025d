"""A corpus survives killed writers, damaged files and other schema versions."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from core.corpus import Corpus, database_schema
from core.errors import EarshotError
from core.programs.program import Program
from core.workspace import PROJECT_FOLDER

# Adds programs with clips and embeddings one after the other and prints a line for each. Stand-ins
# for the renderer and the encoders return the same for the same program.
WRITER = """
import hashlib, sys
import numpy as np
import core.sonicpi
core.sonicpi.compute_render_id = lambda source, _, **__: hashlib.sha256(source.encode()).hexdigest()
from core.corpus import Corpus
from core.programs.program import Program
from core.sonicpi.audio_clip_and_render_result import Clip, RenderResult

corpus = Corpus.create("tiny", exist_ok=True, seconds=0.5)
programs = [Program(f"play {n}", f"p-{n}", "beeps", "melody", {"n": n}, 1) for n in range(12)]
numbers = {program.id: number for number, program in enumerate(programs)}
with corpus.lock_for_writing("the test's writer"):
    for start in (0, 4, 8):
        corpus.add_programs(programs[start:start + 4])
        for program_id, source in corpus.list_programs_to_render():
            if corpus.register_existing_clip(program_id, 0.5) is None:
                rng = np.random.default_rng(numbers[program_id])
                samples = rng.uniform(-1, 1, (22_050, 2)).astype(np.float32)
                corpus.store_render_result(program_id, RenderResult(Clip(samples)), 0.5)
            print("clip", flush=True)
        for encoder, dim in ((sys.argv[1], 384), (sys.argv[2], 512)):
            for program_id in corpus.list_programs_without_embedding(encoder, "r"):
                rng = np.random.default_rng(numbers[program_id] + dim)
                vector = rng.standard_normal((1, dim)).astype(np.float32)
                corpus.store_embeddings(encoder, "r", [program_id], vector)
                print("vector", flush=True)
print("end", flush=True)
"""
ENCODERS = ("sentence-transformers/all-MiniLM-L6-v2", "aisfx")
LINES = 12 + 24 + 1


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path))
    return tmp_path


def writer() -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, *ENCODERS],
        cwd=PROJECT_FOLDER,
        stdout=subprocess.PIPE,
        text=True,
    )


def content() -> tuple:
    """Return everything that a corpus holds, to compare it with another corpus."""
    corpus = Corpus.open("tiny")
    rows = corpus.load_programs().drop(columns="audio").to_json(orient="records")
    clips = {
        str(path.relative_to(corpus.path)): path.read_bytes()
        for path in sorted((corpus.path / "audio").rglob("*"))
        if path.is_file()
    }
    pairs = corpus.load_embedding_pairs(*ENCODERS)
    return (
        rows,
        clips,
        pairs.program_ids,
        pairs.code_embeddings.tobytes(),
        pairs.audio_embeddings.tobytes(),
    )


def test_a_writer_killed_at_any_moment_loses_nothing(workspace, monkeypatch: pytest.MonkeyPatch):
    rng = random.Random(5)
    lines_read = 0
    for moment in sorted(rng.sample(range(LINES - 1), 4)):
        with writer() as process:
            # It is killed during the step after this line.
            for _ in process.stdout:
                lines_read += 1
                if lines_read > moment:
                    break
            process.kill()
            lines_read += len(process.stdout.readlines())
    with writer() as process:
        assert process.communicate()[0].endswith("end\n") and process.returncode == 0
    resumed = content()
    assert len(resumed[1]) == len(resumed[2]) == 12

    monkeypatch.setenv("EARSHOT_WORKSPACE", str(workspace / "undisturbed"))
    with writer() as process:
        assert process.communicate()[0].count("\n") == LINES
    assert content() == resumed
    with writer() as process:
        assert process.communicate()[0] == "end\n"  # Nothing is missing.
    assert content() == resumed


@pytest.fixture
def corpus() -> Corpus:
    corpus = Corpus.create("tiny")
    corpus.add_programs(
        [Program(f"# {'x' * 500}\nplay {n}", f"p{n}", "t", parameters={"n": n}) for n in range(200)]
    )
    corpus.close()  # The last connection to close writes the log into the database.
    return corpus


def test_a_file_that_is_no_database_is_reported(corpus: Corpus):
    (corpus.path / "corpus.sqlite").write_bytes(b"not a database" * 1000)
    with pytest.raises(EarshotError, match="damaged.*not a database") as error_info:
        Corpus.open("tiny")
    assert error_info.value.where == str(corpus.path / "corpus.sqlite")
    assert "check tiny --repair recovers" in error_info.value.remedy


def test_damaged_pages_are_reported(corpus: Corpus):
    path = corpus.path / "corpus.sqlite"
    content = bytearray(path.read_bytes())
    for start in range(
        database_schema.PAGE_SIZE_BYTES, len(content), database_schema.PAGE_SIZE_BYTES
    ):
        content[start : start + 64] = b"\xa5" * 64
    path.write_bytes(content)
    with pytest.raises(EarshotError, match="damaged"):
        Corpus.open("tiny").load_programs()


def test_an_empty_or_foreign_database_is_no_corpus(corpus: Corpus):
    path = corpus.path / "corpus.sqlite"
    path.write_bytes(b"")
    with pytest.raises(EarshotError, match="not that of an Earshot corpus"):
        Corpus.open("tiny")
    path.unlink()
    with sqlite3.connect(path) as foreign:
        foreign.execute("CREATE TABLE programs (id)")
    foreign.close()
    with pytest.raises(EarshotError, match="not that of an Earshot corpus"):
        Corpus.open("tiny")


def test_the_log_of_a_removed_database_is_not_replayed(corpus: Corpus):
    script = (
        "import os, sys\n"
        "from core.corpus import Corpus; from core.programs.program import Program\n"
        "Corpus.open('tiny').add_programs([Program(sys.argv[1], 'ghost')]); os.kill(os.getpid(), 9)"
    )
    log = Path(f"{corpus.path / 'corpus.sqlite'}-wal")
    subprocess.run([sys.executable, "-c", script, "play 1"], cwd=PROJECT_FOLDER)
    assert log.stat().st_size > 0
    reader = Corpus.open("tiny")
    assert "ghost" in list(reader.load_programs()["name"])
    reader.close()
    subprocess.run([sys.executable, "-c", script, "play 2"], cwd=PROJECT_FOLDER)
    assert log.stat().st_size > 0
    (corpus.path / "corpus.sqlite").unlink()
    assert Corpus.create("tiny").count_programs_by_state()["programs"] == 0


def test_a_newer_version_is_refused(corpus: Corpus):
    with sqlite3.connect(corpus.path / "corpus.sqlite") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(EarshotError, match=r"newer Earshot \(version 99, this one supports 1\)"):
        Corpus.open("tiny")


def test_an_older_version_is_migrated_after_a_backup(
    corpus: Corpus, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(
        database_schema,
        "MIGRATIONS",
        [*database_schema.MIGRATIONS, "ALTER TABLE programs ADD COLUMN mood TEXT"],
    )
    migrated = Corpus.open("tiny")
    assert (
        migrated.settings["schema_version"] == 2
        and migrated.count_programs_by_state()["programs"] == 200
    )
    backup = sqlite3.connect(corpus.path / "corpus.sqlite.v1")
    assert database_schema.read_schema_version(backup) == 1
    assert backup.execute("SELECT count(*) FROM programs").fetchone() == (200,)
    backup.close()
    assert Corpus.open("tiny").count_programs_by_state()["programs"] == 200


def test_a_migration_that_fails_changes_nothing(corpus: Corpus, monkeypatch: pytest.MonkeyPatch):
    with monkeypatch.context() as patch:
        failing_migration = (
            "ALTER TABLE programs ADD COLUMN mood TEXT; INSERT INTO nowhere VALUES (1)"
        )
        patch.setattr(
            database_schema, "MIGRATIONS", [*database_schema.MIGRATIONS, failing_migration]
        )
        with pytest.raises(EarshotError, match="nowhere"):
            Corpus.open("tiny")
    again = Corpus.open("tiny")
    assert again.settings["schema_version"] == 1
    with again._database.open_read_transaction() as connection:
        columns = {row[1] for row in connection.execute("PRAGMA table_info(programs)")}
    assert "mood" not in columns


def test_a_corpus_is_not_migrated_while_a_build_is_running(
    corpus: Corpus, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(
        database_schema,
        "MIGRATIONS",
        [*database_schema.MIGRATIONS, "ALTER TABLE programs ADD COLUMN mood TEXT"],
    )
    with corpus.lock_for_writing("a build"):
        with pytest.raises(EarshotError, match="a build"):
            Corpus.open("tiny")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_does_not_hold_the_lock_of_a_killed_writer(corpus: Corpus):
    script = (
        "import os, sys, time; from core.corpus import Corpus\n"
        "with Corpus.open('tiny').lock_for_writing('a parent'):\n"
        "    if os.fork() == 0:\n"
        "        print('child', flush=True); sys.stdin.read(); os._exit(0)\n"
        "    os.waitpid(-1, 0)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=PROJECT_FOLDER, stdin=-1, stdout=-1, text=True
    ) as process:
        assert process.stdout.readline() == "child\n"
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        with corpus.lock_for_writing("the next one"):
            pass
        process.stdin.close()  # lets the child end
