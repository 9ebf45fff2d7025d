"""A database of the first schema version is read, and backed up before it is migrated.

`corpus_v1.sql` is the dump of a database that the first version wrote.
"""

import sqlite3
from pathlib import Path

import numpy as np
import pytest

from core import workspace
from core.corpus import Corpus, database_schema
from core.errors import EarshotError

DUMP = Path(__file__).with_name("corpus_v1.sql").read_text(encoding="utf-8")
CODE = "sentence-transformers/all-MiniLM-L6-v2"
# What a next version may do: add a table, add a column with a default, replace a table.
NEXT_MIGRATION = """
CREATE TABLE moods (program INTEGER PRIMARY KEY REFERENCES programs (position), mood TEXT);
INSERT INTO moods SELECT position, 'calm' FROM programs;
ALTER TABLE encoders ADD COLUMN title TEXT NOT NULL DEFAULT '';
CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO settings SELECT * FROM meta;
"""


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write the old database and return its path."""
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path))
    path = workspace.get_corpora_folder() / "old" / database_schema.DATABASE_FILE
    path.parent.mkdir(parents=True)
    connection = sqlite3.connect(path)
    connection.executescript(f"PRAGMA page_size = {database_schema.PAGE_SIZE_BYTES};\n{DUMP}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.close()
    return path


def dump(path: Path) -> list[str]:
    connection = sqlite3.connect(path)
    lines = list(connection.iterdump())
    connection.close()
    return lines


def assert_complete(corpus: Corpus) -> None:
    rows = corpus.load_programs()
    assert list(rows["name"]) == ["beeps-0", "beeps-1", "beeps-2", "broken"]
    assert rows["source"][0] == "play 60\nsleep 1 # l'été\n"
    assert rows["parameters"][1] == {"note": 61, "loud": True, "amp": 0.5}
    assert list(rows["state"]) == ["ok", "ok", "ok", "failed"]
    assert rows["error_message"][3] == "undefined variable"
    assert rows["warnings"][0] == [{"kind": "clipped", "message": "It is loud.", "line": 2}]
    assert corpus.settings["seconds"] == 0.5
    _, vectors = corpus.load_embeddings(CODE)
    assert (vectors == np.arange(12, dtype=np.float32).reshape(4, 3) / 8).all()


def test_the_first_version_is_read_and_not_changed(path: Path):
    before = dump(path)
    corpus = Corpus.open("old")
    assert_complete(corpus)
    corpus.close()
    assert dump(path) == before
    assert list(path.parent.glob("*.v*")) == []


def test_a_database_is_backed_up_before_it_is_migrated(path: Path, monkeypatch: pytest.MonkeyPatch):
    before = dump(path)
    monkeypatch.setattr(
        database_schema, "MIGRATIONS", [*database_schema.MIGRATIONS, NEXT_MIGRATION]
    )
    corpus = Corpus.open("old")
    assert_complete(corpus)
    assert corpus.settings["schema_version"] == len(database_schema.MIGRATIONS)
    with corpus._database.open_read_transaction() as connection:
        assert connection.execute("SELECT count(*) FROM moods").fetchone() == (4,)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    corpus.close()
    # The backup is the old database, which an old version can open again.
    backup = path.with_name("corpus.sqlite.v1")
    assert dump(backup) == before
    backup.replace(path)
    monkeypatch.undo()
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(path.parents[2]))
    assert_complete(Corpus.open("old"))


def test_a_failed_backup_prevents_the_migration(path: Path, monkeypatch: pytest.MonkeyPatch):
    before = dump(path)
    monkeypatch.setattr(
        database_schema, "MIGRATIONS", [*database_schema.MIGRATIONS, NEXT_MIGRATION]
    )
    # A folder that cannot be replaced has the name of the backup.
    (path.with_name("corpus.sqlite.v1") / "taken").mkdir(parents=True)
    with pytest.raises(EarshotError):
        Corpus.open("old")
    assert dump(path) == before


def test_find_faults_reports_a_damaged_index(path: Path):
    connection = sqlite3.connect(path)
    root = connection.execute(
        "SELECT rootpage FROM sqlite_master WHERE name = 'programs_of_template'"
    ).fetchone()[0]
    connection.close()
    content = path.read_bytes()
    start, end = (
        (root - 1) * database_schema.PAGE_SIZE_BYTES,
        root * database_schema.PAGE_SIZE_BYTES,
    )
    page = content[start:end].replace(b"02_1_beeps", b"02_1_beepz", 1)
    path.write_bytes(content[:start] + page + content[end:])
    corpus = Corpus.open("old")
    assert_complete(corpus)  # Rows are not read by the damaged index.
    faults = corpus.find_corpus_faults()
    assert faults and {fault.kind for fault in faults} == {"database"}
    assert any("index" in fault.detail for fault in faults)
