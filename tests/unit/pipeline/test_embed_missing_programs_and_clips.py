"""Embedding of a corpus: only what is missing is embedded, and a bad item costs only itself."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

import core.sonicpi
from core import encoders
from core.corpus import Corpus
from core.errors import EarshotError
from core.pipeline.embed_missing_programs_and_clips import embed_corpus
from core.programs.program import Program
from core.sonicpi.audio_clip_and_render_result import Clip, RenderResult

ENCODER = "log-mel"  # needs no weights
SECONDS = 1.0


@pytest.fixture
def corpus(tmp_path, monkeypatch: pytest.MonkeyPatch) -> Corpus:
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path))

    # The real one asks the installed Sonic Pi for its version, which does not matter here.
    def compute_id(source: str, seconds: float, sonic_pi: str = "3.2") -> str:
        return hashlib.sha256(source.encode()).hexdigest()

    monkeypatch.setattr(core.sonicpi, "compute_render_id", compute_id)
    corpus = Corpus.create("tiny", seconds=SECONDS)
    corpus.add_programs([Program(f"play {60 + n}", f"p{n}") for n in range(4)])
    for number, program_id in enumerate(corpus.load_programs()["program"]):
        noise = np.random.default_rng(number).uniform(-0.5, 0.5, (44_100, 2)).astype(np.float32)
        corpus.store_render_result(
            program_id, RenderResult(Clip(noise * (number + 1) / 4)), SECONDS
        )
    return corpus


@pytest.fixture
def refused_peaks(monkeypatch: pytest.MonkeyPatch):
    """Make the encoder refuse clips with these peaks."""
    encoder = encoders.get_encoder(ENCODER)
    embed, peaks = encoder.embed, set()

    def embed_unless_refused(items, progress=None):
        if any(item.peak in peaks for item in items):
            raise encoders.EmbedError("gives no finite vector for it.", 0)
        return embed(items, progress)

    monkeypatch.setattr(encoder, "embed", embed_unless_refused)
    return peaks


def test_only_what_is_missing_is_embedded(corpus: Corpus):
    ids = list(corpus.load_programs()["program"])
    first = encoders.get_encoder(ENCODER).embed([Clip.load(corpus.get_clip_path(ids[0]))])
    corpus.store_embeddings(ENCODER, encoders.find_encoder_spec(ENCODER).revision, ids[:1], first)
    progress_calls = []
    report = embed_corpus(
        Corpus.open("tiny"),
        audio_encoder=ENCODER,
        progress=lambda *call, **_: progress_calls.append(call),
    )
    assert (
        report.code_embeddings_added,
        report.audio_embeddings_added,
        report.embedding_errors,
    ) == (0, 3, {})
    assert [call[1:3] for call in progress_calls] == [(n, 3) for n in range(4)]
    clips = [Clip.load(path) for path in corpus.load_programs()["audio"]]
    assert np.array_equal(
        corpus.load_embeddings(ENCODER)[1], encoders.get_encoder(ENCODER).embed(clips)
    )
    assert embed_corpus(Corpus.open("tiny"), audio_encoder=ENCODER).audio_embeddings_added == 0


def test_an_older_revision_is_embedded_anew(corpus: Corpus):
    ids = list(corpus.load_programs()["program"])
    corpus.store_embeddings(ENCODER, "older", ids, np.ones((4, 3), np.float32))
    assert embed_corpus(Corpus.open("tiny"), audio_encoder=ENCODER).audio_embeddings_added == 4
    assert corpus.load_embeddings(ENCODER)[1].shape == (4, encoders.find_encoder_spec(ENCODER).dim)


def test_an_item_that_fails_costs_only_itself(corpus: Corpus, refused_peaks):
    rows = corpus.load_programs()
    refused_peaks.add(rows["peak"][2])
    report = embed_corpus(Corpus.open("tiny"), audio_encoder=ENCODER)
    assert report.audio_embeddings_added == 3 and list(report.embedding_errors) == [
        rows["program"][2]
    ]
    assert "no finite vector" in report.embedding_errors[rows["program"][2]]
    assert corpus.list_programs_without_embedding(ENCODER) == [rows["program"][2]]
    assert (
        embed_corpus(Corpus.open("tiny"), audio_encoder=ENCODER).embedding_errors
        == report.embedding_errors
    )  # tried again
    refused_peaks.clear()
    assert embed_corpus(Corpus.open("tiny"), audio_encoder=ENCODER).audio_embeddings_added == 1


def test_an_encoder_that_embeds_nothing_is_an_error(corpus: Corpus, refused_peaks):
    refused_peaks.update(corpus.load_programs()["peak"])
    with pytest.raises(EarshotError, match="log-mel could embed none of 4 programs"):
        embed_corpus(Corpus.open("tiny"), audio_encoder=ENCODER)


def test_a_clip_that_cannot_be_read_costs_only_itself(corpus: Corpus):
    rows = corpus.load_programs()
    corpus.get_clip_path(rows["program"][1]).write_bytes(b"no sound")
    report = embed_corpus(Corpus.open("tiny"), audio_encoder=ENCODER)
    assert report.audio_embeddings_added == 3 and list(report.embedding_errors) == [
        rows["program"][1]
    ]
    assert "No sound can be read" in report.embedding_errors[rows["program"][1]]


def test_an_error_of_the_corpus_is_no_error_of_an_item(
    corpus: Corpus, monkeypatch: pytest.MonkeyPatch
):
    def raise_disk_full(*_):
        raise EarshotError("The disk is full.")

    monkeypatch.setattr(Corpus, "store_embeddings", raise_disk_full)
    with pytest.raises(EarshotError, match="^The disk is full"):
        embed_corpus(Corpus.open("tiny"), audio_encoder=ENCODER)


def test_a_corpus_without_encoders_requires_one(corpus: Corpus):
    with pytest.raises(EarshotError, match="Name a code encoder or an audio encoder"):
        embed_corpus(Corpus.open("tiny"))
    with pytest.raises(EarshotError, match="log-mel embeds audio, not code"):
        embed_corpus(Corpus.open("tiny"), code_encoder=ENCODER)
    with pytest.raises(EarshotError, match="no encoder 'log-mell'"):
        embed_corpus(Corpus.open("tiny"), audio_encoder="log-mell")
