"""Encoders joined by "+": one vector beside the other, whether read together or kept apart."""

from __future__ import annotations

import numpy as np
import pytest

from core import encoders
from core.corpus import Corpus
from core.encoders.concat import concatenate_embeddings, split_encoder_id, split_revision
from core.errors import EarshotError
from core.programs import Program
from core.sonicpi import Clip, RenderResult
from core.pipeline import embed

MINILM = "sentence-transformers/all-MiniLM-L6-v2"
BOTH = "aisfx+log-mel"


@pytest.fixture
def corpus(tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path))
    made = Corpus.create("two", seconds=0.5)
    made.add_programs(
        Program(
            source=f"play {note}\n",
            name=f"p-{note}",
            template="t",
            role="melody",
            parameters={},
            seed=0,
        )
        for note in (60, 64, 67)
    )
    time = np.arange(22_050) / 44_100
    for program_id, source in made.list_pending_clips():
        hertz = 4 * float(source.split()[1])
        wave = 0.3 * np.sin(2 * np.pi * hertz * time)[:, None].repeat(2, axis=1)
        made.put_rendering(program_id, RenderResult(Clip(wave.astype(np.float32))), 0.5)
    return made


def test_cosine_of_joined_vectors_is_the_mean_of_the_parts():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 7)), 1e4 * rng.normal(size=(2, 3))

    def cosine(x):
        return x[0] @ x[1] / np.linalg.norm(x[0]) / np.linalg.norm(x[1])

    whole = concatenate_embeddings([a, b])
    assert whole.shape == (2, 10)
    np.testing.assert_allclose(np.linalg.norm(whole, axis=1), 1, rtol=1e-6)
    assert cosine(whole) == pytest.approx((cosine(a) + cosine(b)) / 2, abs=1e-6)
    assert np.isfinite(concatenate_embeddings([np.zeros((1, 2)), b[:1]])).all()


def test_an_entry_says_what_it_joins():
    both = encoders.find_encoder_spec(BOTH)
    assert (both.modality, both.dim) == ("audio", 512 + 192)
    assert [part.id for part in both.components] == split_encoder_id(BOTH) == ["aisfx", "log-mel"]
    assert split_revision(both.revision) == [part.revision for part in both.components]
    assert encoders.find_encoder_spec("aisfx").components == (encoders.find_encoder_spec("aisfx"),)


@pytest.mark.parametrize("bad", [f"aisfx+{MINILM}", "aisfx+aisfx", "aisfx+", "aisfx+nothing"])
def test_what_does_not_join_is_refused(bad):
    with pytest.raises(EarshotError):
        encoders.find_encoder_spec(bad)


def test_a_corpus_joins_what_it_keeps_apart(corpus):
    report = embed.embed_corpus(Corpus.open("two"), MINILM, BOTH)
    assert (report.code_embeddings_added, report.audio_embeddings_added, report.embedding_errors) == (3, 6, {})
    assert {name for name, _, _ in corpus.list_encoders()} == {MINILM, "aisfx", "log-mel"}
    pairs = corpus.load_embedding_pairs(MINILM, BOTH)
    assert pairs.audio_embeddings.shape == (3, 704)
    ids, joined = corpus.load_embeddings(BOTH, list(reversed(pairs.programs)))
    np.testing.assert_array_equal(joined[::-1], pairs.audio_embeddings)
    assert ids[::-1] == pairs.programs
    clips = [Clip.load(corpus.get_clip_path(program)) for program in pairs.programs]
    # The same numbers as from the encoder itself, which is what a snippet goes through.
    np.testing.assert_array_equal(encoders.get_encoder(BOTH).embed(clips), pairs.audio_embeddings)
    revision = encoders.find_encoder_spec(BOTH).revision
    assert corpus.list_missing_embeddings(BOTH, revision) == []
    assert embed.embed_corpus(Corpus.open("two"), MINILM, BOTH).audio_embeddings_added == 0
    assert len(corpus.list_missing_embeddings(BOTH, revision.replace("|0", "|9"))) == 3


def test_a_program_that_lacks_a_part_is_left_out(corpus):
    embed.embed_corpus(Corpus.open("two"), MINILM, "log-mel")
    with pytest.raises(EarshotError, match="aisfx"):
        corpus.load_embedding_pairs(MINILM, BOTH)
    clips = [program for program, _, _ in corpus.load_programs()[["program", "name", "seed"]].values]
    effects = encoders.find_encoder_spec("aisfx")
    corpus.put_embeddings("aisfx", effects.revision, clips[:2], np.ones((2, 512), np.float32))
    assert corpus.list_missing_embeddings(BOTH) == clips[2:]
    assert corpus.load_embedding_pairs(MINILM, BOTH).programs == clips[:2]
    with pytest.raises(EarshotError, match="no embedding"):
        corpus.load_embeddings(BOTH, clips)
