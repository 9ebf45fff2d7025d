"""A database as the first Earshot wrote it: read today, and backed up before it is brought further.

`corpus_v1.sql` is the dump of one that the first version's own code made.
"""

import sqlite3
from pathlib import Path

import numpy as np
import pytest

from core import workspace
from core.corpus import Corpus, schema
from core.errors import EarshotError

DUMP = Path(__file__).with_name("corpus_v1.sql").read_text(encoding="utf-8")
CODE = "sentence-transformers/all-MiniLM-L6-v2"
# What a next version may well do: a new table, a column with a default, a table made anew.
NEXT = """
CREATE TABLE moods (program INTEGER PRIMARY KEY REFERENCES programs (position), mood TEXT);
INSERT INTO moods SELECT position, 'calm' FROM programs;
ALTER TABLE encoders ADD COLUMN title TEXT NOT NULL DEFAULT '';
CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO settings SELECT * FROM meta;
"""


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The old database at its place."""
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path))
    path = workspace.get_corpora_folder() / "old" / schema.DATABASE_FILE
    path.parent.mkdir(parents=True)
    connection = sqlite3.connect(path)
    connection.executescript(f"PRAGMA page_size = {schema.PAGE_SIZE_BYTES};\n{DUMP}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.close()
    return path


def dump(path: Path) -> list[str]:
    connection = sqlite3.connect(path)
    lines = list(connection.iterdump())
    connection.close()
    return lines


def still_all_there(corpus: Corpus) -> None:
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


def test_what_the_first_version_wrote_is_read_and_not_touched(path: Path):
    before = dump(path)
    corpus = Corpus.open("old")
    still_all_there(corpus)
    corpus.close()
    assert dump(path) == before
    assert list(path.parent.glob("*.v*")) == []


def test_it_is_backed_up_before_it_is_migrated(path: Path, monkeypatch: pytest.MonkeyPatch):
    before = dump(path)
    monkeypatch.setattr(schema, "MIGRATIONS", [*schema.MIGRATIONS, NEXT])
    corpus = Corpus.open("old")
    still_all_there(corpus)
    assert corpus.settings["schema_version"] == len(schema.MIGRATIONS)
    with corpus._database.open_read_transaction() as connection:
        assert connection.execute("SELECT count(*) FROM moods").fetchone() == (4,)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    corpus.close()
    # The backup is the old database: put in its place, the old Earshot goes on with it.
    backup = path.with_name("corpus.sqlite.v1")
    assert dump(backup) == before
    backup.replace(path)
    monkeypatch.undo()
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(path.parents[2]))
    still_all_there(Corpus.open("old"))


def test_no_room_for_the_backup_is_no_migration(path: Path, monkeypatch: pytest.MonkeyPatch):
    before = dump(path)
    monkeypatch.setattr(schema, "MIGRATIONS", [*schema.MIGRATIONS, NEXT])
    # Something that can't be replaced lies where the backup goes.
    (path.with_name("corpus.sqlite.v1") / "taken").mkdir(parents=True)
    with pytest.raises(EarshotError):
        Corpus.open("old")
    assert dump(path) == before


def test_check_asks_sqlite_for_its_integrity(path: Path):
    connection = sqlite3.connect(path)
    root = connection.execute(
        "SELECT rootpage FROM sqlite_master WHERE name = 'programs_of_template'"
    ).fetchone()[0]
    connection.close()
    content = path.read_bytes()
    start, end = (root - 1) * schema.PAGE_SIZE_BYTES, root * schema.PAGE_SIZE_BYTES
    page = content[start:end].replace(b"02_1_beeps", b"02_1_beepz", 1)
    path.write_bytes(content[:start] + page + content[end:])
    corpus = Corpus.open("old")
    still_all_there(corpus)  # what is damaged is an index, which no row is read by
    faults = corpus.find_faults()
    assert faults and {fault.kind for fault in faults} == {"database"}
    assert any("index" in fault.detail for fault in faults)
