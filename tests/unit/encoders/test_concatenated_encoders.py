"""Concatenated encoders: the same vectors whether computed at once or stored separately."""

from __future__ import annotations

import numpy as np
import pytest

from core import encoders
from core.corpus import Corpus
from core.encoders.concatenated_encoders import concatenate_embeddings, split_encoder_id
from core.encoders.encoder_spec import split_concat_revision
from core.errors import EarshotError
from core.pipeline import embed_missing_programs_and_clips
from core.pipeline.evaluate_alignment_on_held_out_programs import load_held_out_audio_embeddings
from core.programs import Program
from core.sonicpi import Clip, RenderResult

MINILM = "sentence-transformers/all-MiniLM-L6-v2"
BOTH = "aisfx+log-mel"


@pytest.fixture
def corpus(tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path))
    corpus = Corpus.create("two", seconds=0.5)
    corpus.add_programs(
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
    for program_id, source in corpus.list_programs_to_render():
        hertz = 4 * float(source.split()[1])
        wave = 0.3 * np.sin(2 * np.pi * hertz * time)[:, None].repeat(2, axis=1)
        corpus.store_render_result(program_id, RenderResult(Clip(wave.astype(np.float32))), 0.5)
    return corpus


def test_cosine_of_concatenated_vectors_is_the_mean_over_the_components():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 7)), 1e4 * rng.normal(size=(2, 3))

    def cosine(pair):
        return pair[0] @ pair[1] / np.linalg.norm(pair[0]) / np.linalg.norm(pair[1])

    concatenated = concatenate_embeddings([a, b])
    assert concatenated.shape == (2, 10)
    np.testing.assert_allclose(np.linalg.norm(concatenated, axis=1), 1, rtol=1e-6)
    assert cosine(concatenated) == pytest.approx((cosine(a) + cosine(b)) / 2, abs=1e-6)
    assert np.isfinite(concatenate_embeddings([np.zeros((1, 2)), b[:1]])).all()
    weighted = concatenate_embeddings([a, b], [3, 1])
    np.testing.assert_allclose(np.linalg.norm(weighted, axis=1), 1, rtol=1e-6)
    assert cosine(weighted) == pytest.approx((3 * cosine(a) + cosine(b)) / 4, abs=1e-6)


def test_weights_change_the_revision_of_a_concatenation():
    assert encoders.find_encoder_spec(f"{MINILM}+sonicpi").revision.endswith("+1")
    spec = encoders.find_encoder_spec(BOTH)
    assert spec.revision.endswith("+2")
    assert spec.component_specs[0].concat_weight > spec.component_specs[1].concat_weight


def test_a_concatenated_spec_lists_its_components():
    spec = encoders.find_encoder_spec(BOTH)
    assert (spec.modality, spec.dim) == ("audio", 512 + 192)
    assert [component.id for component in spec.component_specs] == ["aisfx", "log-mel"]
    assert split_encoder_id(BOTH) == ["aisfx", "log-mel"]
    assert split_concat_revision(spec.revision) == [
        component.revision for component in spec.component_specs
    ]
    aisfx = encoders.find_encoder_spec("aisfx")
    assert aisfx.component_specs == (aisfx,)


@pytest.mark.parametrize(
    "encoder_id", [f"aisfx+{MINILM}", "aisfx+aisfx", "aisfx+", "aisfx+nothing"]
)
def test_invalid_concatenations_are_refused(encoder_id):
    with pytest.raises(EarshotError):
        encoders.find_encoder_spec(encoder_id)


def test_a_corpus_concatenates_embeddings_that_it_stores_separately(corpus):
    report = embed_missing_programs_and_clips.embed_corpus(Corpus.open("two"), MINILM, BOTH)
    assert report.code_embeddings_added == 3
    assert report.audio_embeddings_added == 6
    assert report.embedding_errors == {}
    assert {name for name, _, _ in corpus.count_embeddings_by_encoder()} == {
        MINILM,
        "aisfx",
        "log-mel",
    }
    pairs = corpus.load_embedding_pairs(MINILM, BOTH)
    assert pairs.audio_embeddings.shape == (3, 704)
    programs, vectors = corpus.load_embeddings(BOTH, list(reversed(pairs.program_ids)))
    np.testing.assert_array_equal(vectors[::-1], pairs.audio_embeddings)
    assert programs[::-1] == pairs.program_ids
    clips = [Clip.load(corpus.get_clip_path(program)) for program in pairs.program_ids]
    # The encoder itself, which embeds snippets, returns the same vectors.
    np.testing.assert_array_equal(encoders.get_encoder(BOTH).embed(clips), pairs.audio_embeddings)
    revision = encoders.find_encoder_spec(BOTH).revision
    assert corpus.list_programs_without_embedding(BOTH, revision) == []
    assert (
        embed_missing_programs_and_clips.embed_corpus(
            Corpus.open("two"), MINILM, BOTH
        ).audio_embeddings_added
        == 0
    )
    assert len(corpus.list_programs_without_embedding(BOTH, revision.replace("|0", "|9"))) == 3


def test_components_of_the_training_encoder_are_not_held_out(corpus):
    embed_missing_programs_and_clips.embed_corpus(Corpus.open("two"), MINILM, BOTH)
    pairs = corpus.load_embedding_pairs(MINILM, BOTH)
    assert load_held_out_audio_embeddings(corpus, pairs, BOTH) == {}
    assert set(load_held_out_audio_embeddings(corpus, pairs, "aisfx")) == {"log-mel"}


def test_a_program_without_all_components_is_left_out(corpus):
    embed_missing_programs_and_clips.embed_corpus(Corpus.open("two"), MINILM, "log-mel")
    with pytest.raises(EarshotError, match="aisfx"):
        corpus.load_embedding_pairs(MINILM, BOTH)
    programs = list(corpus.load_programs()["program"])
    aisfx = encoders.find_encoder_spec("aisfx")
    corpus.store_embeddings("aisfx", aisfx.revision, programs[:2], np.ones((2, 512), np.float32))
    assert corpus.list_programs_without_embedding(BOTH) == programs[2:]
    assert corpus.load_embedding_pairs(MINILM, BOTH).program_ids == programs[:2]
    with pytest.raises(EarshotError, match="no embedding"):
        corpus.load_embeddings(BOTH, programs)
