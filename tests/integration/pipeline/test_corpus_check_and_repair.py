"""Checking and repairing a corpus: only faults are reported, only missing data is restored."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from core import cli, sonicpi
from core.corpus import Corpus, fault_finding_and_removal
from core.errors import EarshotError
from core.pipeline.corpus_check_and_repair import verify_corpus
from core.pipeline.generate_render_and_embed_corpus import (
    BuildOptions,
    ClipFormat,
    EncoderChoice,
    build_corpus,
)

CODE, AUDIO = "sentence-transformers/all-MiniLM-L6-v2", "log-mel"


@pytest.fixture(scope="module")
def intact_workspace(tmp_path_factory):
    """A workspace with an intact corpus, to copy."""
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
def corpus(intact_workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    shutil.copytree(intact_workspace, tmp_path / "workspace")
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path / "workspace"))
    return Corpus.open("tiny")


def execute_sql(corpus: Corpus, statement: str, *values) -> None:
    """Change the database in a way that Earshot never does."""
    with sqlite3.connect(corpus.path / "corpus.sqlite") as connection:
        connection.execute(statement, values)
    connection.close()


def read_content(corpus: Corpus) -> dict[str, bytes]:
    files = {
        str(path.relative_to(corpus.path)): path.read_bytes()
        for path in (corpus.path / "audio").rglob("*")
        if path.is_file()
    }
    for encoder in (CODE, AUDIO):
        ids, matrix = corpus.load_embeddings(encoder)
        files[encoder] = json.dumps(ids).encode() + matrix.tobytes()
    return files


def test_an_intact_corpus_is_not_changed(corpus):
    before = read_content(corpus), corpus.change_stamp
    assert verify_corpus("tiny").has_no_faults and verify_corpus("tiny", repair=True).has_no_faults
    assert (read_content(corpus), corpus.change_stamp) == before


def test_every_fault_is_reported_by_kind_and_repaired(corpus):
    before, rows = read_content(corpus), corpus.load_programs()
    missing_clip, flipped_clip, truncated_clip, _ = rows["audio"]
    os.unlink(missing_clip)
    damaged = bytearray(Path(flipped_clip).read_bytes())
    damaged[len(damaged) // 2] ^= 1
    Path(flipped_clip).write_bytes(damaged)
    os.truncate(truncated_clip, 100)
    (corpus.path / "audio" / "zz").mkdir()
    (corpus.path / "audio" / "zz" / "stray.flac").write_bytes(b"x")
    (corpus.path / "audio" / "note.txt").write_bytes(b"x")
    (corpus.path / "audio" / "zz" / "link.flac").symlink_to("nowhere")
    vector = np.full(384, np.nan, "<f4").tobytes()
    program_position = "(SELECT position FROM programs WHERE id = ?)"
    encoder_key = "(SELECT key FROM encoders WHERE id = ?)"
    ids = list(rows["program"])
    execute_sql(
        corpus,
        f"UPDATE embeddings SET vector = ? WHERE program = {program_position}"
        f" AND encoder = {encoder_key}",
        vector,
        ids[0],
        CODE,
    )
    execute_sql(
        corpus,
        f"DELETE FROM embeddings WHERE program = {program_position} AND encoder = {encoder_key}",
        ids[3],
        AUDIO,
    )
    report = verify_corpus("tiny")
    assert not report.has_no_faults
    assert sum(fault.kind == "orphaned file" for fault in report.faults) == 3
    assert {(fault.kind, fault.program_id) for fault in report.faults} == {
        ("missing clip", ids[0]),
        ("damaged clip", ids[1]),
        ("damaged clip", ids[2]),
        ("orphaned file", None),
        ("damaged embedding", ids[0]),
        ("missing embedding", ids[3]),
    }
    assert "--repair" in str(report) and read_content(corpus).keys() != before.keys()
    repaired = verify_corpus("tiny", repair=True)
    assert repaired.has_no_faults and not repaired.notes and len(repaired.repaired_faults) == 8
    assert read_content(corpus) == before  # and nothing else


def test_a_repair_restores_only_missing_data(corpus, monkeypatch: pytest.MonkeyPatch):
    rendered = []
    original = sonicpi.render_programs_in_parallel

    def record_sources(sources, **options):
        def iterate_sources():
            for source in sources:
                rendered.append(source)
                yield source

        return original(iterate_sources(), **options)

    monkeypatch.setattr(sonicpi, "render_programs_in_parallel", record_sources)
    rows = corpus.load_programs()
    Path(rows["audio"][1]).unlink()
    assert verify_corpus("tiny", repair=True).has_no_faults
    assert rendered == [rows["source"][1]]


def test_changed_code_is_reported_as_not_repairable(corpus):
    execute_sql(corpus, "UPDATE programs SET source = source || '#' WHERE position = 1")
    report = verify_corpus("tiny")
    assert [fault.kind for fault in report.faults] == ["source"]
    assert not report.faults[0].is_repairable


def test_a_missing_setting_is_reported(corpus):
    execute_sql(corpus, "UPDATE meta SET value = '{' WHERE key = 'created'")
    with sqlite3.connect(corpus.path / "corpus.sqlite") as connection:
        assert [
            fault.detail for fault in fault_finding_and_removal.find_setting_faults(connection)
        ] == ["no setting 'created'"]
    connection.close()


def test_a_corpus_is_not_repaired_while_another_process_writes(corpus):
    with Corpus.open("tiny").lock_for_writing("another build"):
        assert verify_corpus("tiny").has_no_faults  # reading needs no lock
        with pytest.raises(EarshotError, match="another build"):
            verify_corpus("tiny", repair=True)


def test_a_missing_encoder_is_named_and_the_rest_is_repaired(corpus):
    execute_sql(corpus, "UPDATE encoders SET id = 'gone/away' WHERE id = ?", CODE)
    execute_sql(corpus, "DELETE FROM embeddings WHERE program = 1")
    report = verify_corpus("tiny", repair=True)
    assert any("gone/away" in note for note in report.notes)
    assert {(fault.kind, fault.encoder_id) for fault in report.faults} == {
        ("missing embedding", "gone/away")
    }
    assert len(report.repaired_faults) == 1


def test_the_command_exits_with_status_1_when_there_are_faults(corpus, capsys):
    assert cli.main(["check", "tiny"]) == 0
    assert "no faults found" in capsys.readouterr().out
    Path(corpus.load_programs()["audio"][0]).unlink()
    with pytest.raises(SystemExit) as end:
        cli.main(["check", "tiny", "--json"])
    assert end.value.code == 1
    result = json.loads(capsys.readouterr().out)
    assert result["ok"] is False and result["faults"][0]["kind"] == "missing clip"
    assert cli.main(["check", "tiny", "--failures"]) == 0
    assert "no program failed" in capsys.readouterr().out
    broken = (
        "UPDATE clips SET state = 'failed', file = NULL, error_kind = 'silent' WHERE program = ?"
    )
    execute_sql(corpus, broken, 1)
    assert cli.main(["check", "tiny", "--failures"]) == 0
    assert "1 of 4 programs failed (1 silent)" in capsys.readouterr().out
    assert cli.main(["check", "tiny", "--card"]) == 0
    assert capsys.readouterr().out.startswith("# tiny")
