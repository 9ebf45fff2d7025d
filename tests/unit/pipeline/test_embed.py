"""The stage that embeds: only what is missing, and one bad item costs only itself."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

import core.sonicpi
from core import encoders
from core.corpus import Corpus
from core.errors import EarshotError
from core.programs.program import Program
from core.sonicpi.clip import Clip, Rendering
from core.pipeline.embed import embed

ENCODER = "log-mel"  # needs no weights, so the real one can be used here
SECONDS = 1.0


@pytest.fixture
def corpus(tmp_path, monkeypatch: pytest.MonkeyPatch) -> Corpus:
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path))
    # The real one asks the installed Sonic Pi for its version; embedding does not care.
    named = lambda source, seconds: hashlib.sha256(source.encode()).hexdigest()  # noqa: E731
    monkeypatch.setattr(core.sonicpi, "render_id", named)
    corpus = Corpus.create("tiny", seconds=SECONDS)
    corpus.add_programs([Program(f"play {60 + n}", f"p{n}") for n in range(4)])
    for number, program_id in enumerate(corpus.programs()["program"]):
        noise = np.random.default_rng(number).uniform(-0.5, 0.5, (44_100, 2)).astype(np.float32)
        corpus.put_rendering(program_id, Rendering(Clip(noise * (number + 1) / 4)), SECONDS)
    return corpus


@pytest.fixture
def picky(monkeypatch: pytest.MonkeyPatch):
    """The real encoder, but one that refuses clips as loud as these peaks."""
    encoder = encoders.get(ENCODER)
    real, refused = encoder.embed, set()

    def embed_unless_refused(items, progress=None):
        if any(item.peak in refused for item in items):
            raise encoders.EmbedError("gives no finite vector for it.", 0)
        return real(items, progress)

    monkeypatch.setattr(encoder, "embed", embed_unless_refused)
    return refused


def test_only_what_is_missing_is_embedded(corpus: Corpus):
    ids = list(corpus.programs()["program"])
    first = encoders.get(ENCODER).embed([Clip.load(corpus.clip_path(ids[0]))])
    corpus.put_embeddings(ENCODER, encoders.entry(ENCODER).revision, ids[:1], first)
    heard = []
    report = embed("tiny", audio_encoder=ENCODER, progress=lambda *call, **_: heard.append(call))
    assert (report.code, report.audio, report.failed) == (0, 3, {})
    assert [call[1:3] for call in heard] == [(n, 3) for n in range(4)]
    clips = [Clip.load(path) for path in corpus.programs()["audio"]]
    assert np.array_equal(corpus.embeddings(ENCODER)[1], encoders.get(ENCODER).embed(clips))
    assert embed("tiny", audio_encoder=ENCODER).audio == 0


def test_an_older_revision_is_embedded_anew(corpus: Corpus):
    ids = list(corpus.programs()["program"])
    corpus.put_embeddings(ENCODER, "older", ids, np.ones((4, 3), np.float32))
    assert embed("tiny", audio_encoder=ENCODER).audio == 4
    assert corpus.embeddings(ENCODER)[1].shape == (4, encoders.entry(ENCODER).dim)


def test_an_item_that_fails_costs_only_itself(corpus: Corpus, picky):
    rows = corpus.programs()
    picky.add(rows["peak"][2])
    report = embed("tiny", audio_encoder=ENCODER)
    assert report.audio == 3 and list(report.failed) == [rows["program"][2]]
    assert "no finite vector" in report.failed[rows["program"][2]]
    assert corpus.missing_embeddings(ENCODER) == [rows["program"][2]]
    assert embed("tiny", audio_encoder=ENCODER).failed == report.failed  # tried again, no error
    picky.clear()
    assert embed("tiny", audio_encoder=ENCODER).audio == 1


def test_an_encoder_that_embeds_nothing_is_an_error(corpus: Corpus, picky):
    picky.update(corpus.programs()["peak"])
    with pytest.raises(EarshotError, match="log-mel could embed none of 4 programs"):
        embed("tiny", audio_encoder=ENCODER)


def test_a_clip_that_cannot_be_read_costs_only_itself(corpus: Corpus):
    rows = corpus.programs()
    corpus.clip_path(rows["program"][1]).write_bytes(b"no sound")
    report = embed("tiny", audio_encoder=ENCODER)
    assert report.audio == 3 and list(report.failed) == [rows["program"][1]]
    assert "No sound can be read" in report.failed[rows["program"][1]]


def test_what_the_corpus_cannot_keep_is_no_fault_of_an_item(
    corpus: Corpus, monkeypatch: pytest.MonkeyPatch
):
    def full(*_):
        raise EarshotError("The disk is full.")

    monkeypatch.setattr(Corpus, "put_embeddings", full)
    with pytest.raises(EarshotError, match="^The disk is full"):
        embed("tiny", audio_encoder=ENCODER)


def test_a_corpus_without_encoders_asks_for_one(corpus: Corpus):
    with pytest.raises(EarshotError, match="Name a code encoder or an audio encoder"):
        embed("tiny")
    with pytest.raises(EarshotError, match="log-mel embeds audio, not code"):
        embed("tiny", code_encoder=ENCODER)
    with pytest.raises(EarshotError, match="no encoder 'log-mell'"):
        embed("tiny", audio_encoder="log-mell")
