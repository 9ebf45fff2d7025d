"""Verifying a corpus and mending it: only what is wrong is found, only what is missing is made."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from core import cli, sonicpi
from core.corpus import Corpus, integrity
from core.errors import EarshotError
from core.pipeline.build import BuildOptions, ClipFormat, EncoderChoice, build_corpus
from core.pipeline.check import check_corpus

CODE, AUDIO = "sentence-transformers/all-MiniLM-L6-v2", "log-mel"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A corpus to copy."""
    folder = tmp_path_factory.mktemp("workspace")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EARSHOT_WORKSPACE", str(folder))
        build_corpus(
            "tiny",
            BuildOptions(["02_1_beeps"], 4),
            EncoderChoice(code_encoder=CODE, audio_encoder=AUDIO),
            ClipFormat(1),
        )
    return folder


@pytest.fixture
def corpus(whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    shutil.copytree(whole, tmp_path / "workspace")
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path / "workspace"))
    return Corpus.open("tiny")


def changed(corpus: Corpus, statement: str, *values) -> None:
    """Do to the database what no code of ours would."""
    with sqlite3.connect(corpus.path / "corpus.sqlite") as connection:
        connection.execute(statement, values)
    connection.close()


def content(corpus: Corpus) -> dict[str, bytes]:
    found = {
        str(path.relative_to(corpus.path)): path.read_bytes()
        for path in (corpus.path / "audio").rglob("*")
        if path.is_file()
    }
    for encoder in (CODE, AUDIO):
        ids, matrix = corpus.load_embeddings(encoder)
        found[encoder] = json.dumps(ids).encode() + matrix.tobytes()
    return found


def test_what_is_whole_is_left_as_it_is(corpus):
    before = content(corpus), corpus.change_stamp
    assert check_corpus("tiny").ok and check_corpus("tiny", repair=True).ok
    assert (content(corpus), corpus.change_stamp) == before


def test_every_fault_is_found_by_its_kind_and_made_good(corpus):
    before, rows = content(corpus), corpus.load_programs()
    gone, flipped, short, _ = rows["audio"]
    os.unlink(gone)
    damaged = bytearray(Path(flipped).read_bytes())
    damaged[len(damaged) // 2] ^= 1
    Path(flipped).write_bytes(damaged)
    os.truncate(short, 100)
    (corpus.path / "audio" / "zz").mkdir()
    (corpus.path / "audio" / "zz" / "stray.flac").write_bytes(b"x")
    (corpus.path / "audio" / "note.txt").write_bytes(b"x")
    (corpus.path / "audio" / "zz" / "link.flac").symlink_to("nowhere")
    vector = np.full(384, np.nan, "<f4").tobytes()
    first = "(SELECT position FROM programs WHERE id = ?)"
    of = "(SELECT key FROM encoders WHERE id = ?)"
    ids = list(rows["program"])
    changed(
        corpus,
        f"UPDATE embeddings SET vector = ? WHERE program = {first} AND encoder = {of}",
        vector,
        ids[0],
        CODE,
    )
    changed(
        corpus, f"DELETE FROM embeddings WHERE program = {first} AND encoder = {of}", ids[3], AUDIO
    )
    found = check_corpus("tiny")
    assert not found.ok
    assert sum(fault.kind == "orphaned file" for fault in found.faults) == 3
    assert {(fault.kind, fault.program_id) for fault in found.faults} == {
        ("missing clip", ids[0]),
        ("damaged clip", ids[1]),
        ("damaged clip", ids[2]),
        ("orphaned file", None),
        ("damaged embedding", ids[0]),
        ("missing embedding", ids[3]),
    }
    assert "--repair" in str(found) and content(corpus).keys() != before.keys()
    mended = check_corpus("tiny", repair=True)
    assert mended.ok and not mended.notes and len(mended.repaired_faults) == 8
    assert content(corpus) == before  # and not a bit more


def test_a_repair_makes_only_what_is_missing(corpus, monkeypatch: pytest.MonkeyPatch):
    rendered = []
    real = sonicpi.render_many

    def counted(sources, **options):
        def noted():
            for source in sources:
                rendered.append(source)
                yield source

        return real(noted(), **options)

    monkeypatch.setattr(sonicpi, "render_many", counted)
    rows = corpus.load_programs()
    Path(rows["audio"][1]).unlink()
    assert check_corpus("tiny", repair=True).ok
    assert rendered == [rows["source"][1]]


def test_code_that_was_changed_is_found_and_said_to_be_past_mending(corpus):
    changed(corpus, "UPDATE programs SET source = source || '#' WHERE position = 1")
    found = check_corpus("tiny")
    assert [fault.kind for fault in found.faults] == ["source"]
    assert not found.faults[0].is_repairable


def test_a_setting_that_is_lost_is_found(corpus):
    changed(corpus, "UPDATE meta SET value = '{' WHERE key = 'created'")
    with sqlite3.connect(corpus.path / "corpus.sqlite") as connection:
        assert [fault.detail for fault in integrity.find_setting_faults(connection)] == [
            "no setting 'created'"
        ]
    connection.close()


def test_nobody_repairs_what_somebody_writes(corpus):
    with Corpus.open("tiny").lock_for_writing("another build"):
        assert check_corpus("tiny").ok  # looking is free
        with pytest.raises(EarshotError, match="another build"):
            check_corpus("tiny", repair=True)


def test_an_encoder_that_is_gone_is_named_and_the_rest_is_made_good(corpus):
    changed(corpus, "UPDATE encoders SET id = 'gone/away' WHERE id = ?", CODE)
    changed(corpus, "DELETE FROM embeddings WHERE program = 1")
    report = check_corpus("tiny", repair=True)
    assert any("gone/away" in note for note in report.notes)
    assert {(fault.kind, fault.encoder_id) for fault in report.faults} == {
        ("missing embedding", "gone/away")
    }
    assert len(report.repaired_faults) == 1


def test_the_command_ends_with_status_1_when_something_is_wrong(corpus, capsys):
    assert cli.main(["check", "tiny"]) == 0
    assert "no faults found" in capsys.readouterr().out
    Path(corpus.load_programs()["audio"][0]).unlink()
    with pytest.raises(SystemExit) as end:
        cli.main(["check", "tiny", "--json"])
    assert end.value.code == 1
    line = json.loads(capsys.readouterr().out)
    assert line["ok"] is False and line["faults"][0]["kind"] == "missing clip"
    assert cli.main(["check", "tiny", "--failures"]) == 0
    assert "no program failed" in capsys.readouterr().out
    broken = (
        "UPDATE clips SET state = 'failed', file = NULL, error_kind = 'silent' WHERE program = ?"
    )
    changed(corpus, broken, 1)
    assert cli.main(["check", "tiny", "--failures"]) == 0
    assert "1 of 4 programs failed (1 silent)" in capsys.readouterr().out
    assert cli.main(["check", "tiny", "--card"]) == 0
    assert capsys.readouterr().out.startswith("# tiny")
