"""Digests of a corpus, its finished work and its integrity, for the current workspace."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from core import workspace
from core.corpus import Corpus
from tests.faults.stages import CORPUS_NAME, EXPORT_FILE

ALIGNMENT_FILES = ("config.json", "metrics.json", "heads.safetensors")


def digest_stage_result(stage: str, workspace_folder: Path) -> dict[str, str]:
    """Return the digests of a corpus after a stage, and of the exported file after "export"."""
    digests = digest_corpus()
    if stage == "export":
        digests["export"] = _digest((workspace_folder / EXPORT_FILE).read_bytes())
    return digests


def digest_corpus(name: str = CORPUS_NAME) -> dict[str, str]:
    """Return the SHA-256 digest of everything that a fault must not change, by a unique name."""
    corpus = Corpus.open(name)
    contents = dict(_iterate_contents(corpus))
    corpus.close()
    return {key: _digest(content) for key, content in contents.items()}


def _iterate_contents(corpus: Corpus) -> Iterator[tuple[str, bytes]]:
    yield (
        "programs",
        corpus.load_programs().drop(columns="audio").to_json(orient="records").encode(),
    )
    settings = {key: value for key, value in corpus.settings.items() if key != "created"}
    for source in settings.get("imports", ()):
        source.pop("when")
    yield "settings", json.dumps(settings, sort_keys=True).encode()
    for encoder_id, _, _ in corpus.count_embeddings_by_encoder():
        program_ids, embeddings = corpus.load_embeddings(encoder_id)
        content = json.dumps(program_ids).encode() + embeddings.tobytes()
        yield f"embeddings {encoder_id}", content
    for path in (corpus.path / "audio").rglob("*"):
        if path.is_file():
            yield str(path.relative_to(corpus.path)), path.read_bytes()
    for record in corpus.load_alignments():
        for file_name in ALIGNMENT_FILES:
            yield f"{record.id}/{file_name}", (record.path / file_name).read_bytes()
        yield f"{record.id}/history", record.load_training_history().to_json().encode()
        points = record.load_alignment_map_points()
        yield f"{record.id}/map", b"" if points is None else points.to_json().encode()
    for path in sorted(corpus.path.glob("sweeps/*/*.json")):
        run = json.loads(path.read_text())
        run.pop("seconds", None)
        yield str(path.relative_to(corpus.path)), json.dumps(run, sort_keys=True).encode()


def list_finished_work(name: str = CORPUS_NAME) -> set[tuple[str, str]]:
    """Return the finished units of work as (kind, id): what a fault must not lose."""
    if not (workspace.get_corpora_folder() / name / "corpus.sqlite").exists():
        return set()
    corpus = Corpus.open(name)
    programs = corpus.load_programs()
    units = {("program", program_id) for program_id in programs["program"]}
    units |= {("clip", program_id) for program_id in programs["program"][programs["state"] == "ok"]}
    for encoder_id, _, _ in corpus.count_embeddings_by_encoder():
        units |= {(encoder_id, program_id) for program_id in corpus.load_embeddings(encoder_id)[0]}
    units |= {("alignment", alignment_id) for alignment_id in corpus.list_alignment_ids()}
    units |= {("run", path.name) for path in corpus.path.glob("sweeps/*/run-*.json")}
    corpus.close()
    return units


def assert_intact(name: str = CORPUS_NAME) -> None:
    """Assert that the database passes its check, that clips have their digests and files parse."""
    if not list_finished_work(name):
        return
    corpus = Corpus.open(name)
    with corpus._database.open_read_transaction() as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        clips = connection.execute("SELECT file, sha256 FROM clips WHERE state = 'ok'").fetchall()
    for file_name, digest in clips:
        assert _digest((corpus.path / "audio" / file_name).read_bytes()) == digest
    for record in corpus.load_alignments():
        (
            record.load_projection_head_weights(),
            record.load_training_history(),
            record.load_alignment_map_points(),
        )
    for path in corpus.path.glob("sweeps/*/*.json"):
        json.loads(path.read_text())
    corpus.close()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
