"""Similarity by aspect: weights, words, and search over measured clips."""

import numpy as np
import pytest

from core.corpus import Corpus
from core.encoders import find_encoder_spec, get_encoder
from core.encoders.clip_descriptor_definitions import CLIP_DESCRIPTORS, DESCRIPTOR_NAMES
from core.errors import EarshotError
from core.programs import Program
from core.search import aligned_corpus as search
from core.search.aspect_queries import add_aspect_matches, find_neighbours_by_aspects
from core.search.aspect_similarity import (
    describe_aspect_match,
    parse_aspect_weights,
    predict_aspects,
)
from core.search.nearest_neighbour_queries import find_neighbours
from core.sonicpi import RenderResult, render
from tests.unit.search.alignments import save_untrained_alignment
from tests.unit.search.conftest import AUDIO, CODE

SOURCES = [
    "8.times do\n  sample :bd_haus\n  sleep 0.25\nend",
    "2.times do\n  sample :bd_haus\n  sleep 1\nend",
    "8.times do\n  synth :beep, note: 40, release: 0.2\n  sleep 0.25\nend",
    "8.times do\n  synth :beep, note: 88, release: 0.2\n  sleep 0.25\nend",
    "synth :noise, sustain: 2, amp: 0.2",
    "synth :beep, note: 64, sustain: 2",
]


@pytest.fixture(scope="module")
def clips():
    return [render(source, 2.0) for source in SOURCES]


@pytest.fixture
def aligned_corpus(empty_workspace, clips):
    """Six rendered programs, measured, with an alignment that knows nothing."""
    corpus = Corpus.create("aspects", seconds=2.0)
    programs = [Program(source, f"p{n}", f"t{n}", "", {}, 0) for n, source in enumerate(SOURCES)]
    corpus.add_programs(programs)
    ids = [program.id for program in programs]
    rng = np.random.default_rng(0)
    for program_id, clip in zip(ids, clips):
        corpus.store_render_result(program_id, RenderResult(clip), 2.0)
    for name in (CODE, AUDIO):
        spec = find_encoder_spec(name)
        rows = rng.normal(size=(len(ids), spec.dim)).astype(np.float32)
        corpus.store_embeddings(name, spec.revision, ids, rows)
    for name in ("descriptors", "aspects"):
        spec = find_encoder_spec(name)
        corpus.store_embeddings(name, spec.revision, ids, get_encoder(name).embed(clips))
    corpus.set_corpus_setting("encoders", {"code": CODE, "audio": AUDIO})
    save_untrained_alignment(corpus)
    return search.open_aligned_corpus(corpus)


@pytest.mark.parametrize(
    ("aspect", "snippet", "name"),
    [
        ("rhythm", "4.times do\n  synth :saw, note: 50, release: 0.1\n  sleep 1\nend", "p1"),
        ("pitch", "synth :tri, note: 88, sustain: 2", "p3"),
        ("timbre", "synth :pnoise, sustain: 1", "p4"),
        ("level", "synth :tri, note: 64, sustain: 2", "p5"),
    ],
)
def test_each_aspect_finds_the_clip_that_is_like_it(aligned_corpus, aspect, snippet, name):
    found = find_neighbours_by_aspects([aligned_corpus], snippet, {aspect: 1.0}, 6)
    assert found[0].neighbour.name == name
    assert [item.neighbour.rank for item in found] == [1, 2, 3, 4, 5, 6]
    assert found[0].score >= found[-1].score and set(found[0].match.similarities) >= {aspect}


def test_many_programs_are_predicted_at_once(aligned_corpus):
    predicted = predict_aspects(aligned_corpus, SOURCES)
    for name, vectors in predicted.items():
        assert len(vectors) == len(SOURCES)
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-4)
        own = (vectors * aligned_corpus.clip_aspect_search_index.unit_vectors[name]).sum(axis=1)
        assert own.mean() > 0.4, name  # drums have a pitch that no event names


def test_neighbours_by_the_alignment_have_matches_too(aligned_corpus):
    neighbours = find_neighbours(aligned_corpus, SOURCES[0], 3)
    found = add_aspect_matches([aligned_corpus], SOURCES[0], neighbours)
    assert [item.neighbour for item in found] == neighbours
    assert all(item.match.percentiles.keys() == item.match.similarities.keys() for item in found)


def test_a_corpus_without_measured_clips_says_how_to_measure_them(corpus):
    save_untrained_alignment(corpus)
    opened = search.open_aligned_corpus(corpus)
    neighbours = find_neighbours(opened, "play 60", 1)
    assert add_aspect_matches([opened], "play 60", neighbours)[0].match is None
    with pytest.raises(EarshotError, match="not measured") as caught:
        predict_aspects(opened, ["play 60"])
    assert "./run embed" in caught.value.remedy


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "same timbre, rhythm, pitch and level"),
        ({"timbre": ("brightness", 1.0)}, "same rhythm, pitch and level; brighter"),
        ({"rhythm": ("onset_rate", -1.0)}, "same timbre, pitch and level; sparser"),
        ({"pitch": ("register", np.nan)}, "same timbre, rhythm and level; other pitches"),
        (
            {"level": ("loudness", 2.0), "timbre": ("brightness", -2.0)},
            "same rhythm and pitch; darker, louder",
        ),
    ],
)
def test_words_name_what_matches_and_how_the_rest_differs(changes, words):
    percentiles = dict.fromkeys(("timbre", "rhythm", "pitch", "level"), 95.0)
    differences = np.zeros(len(CLIP_DESCRIPTORS))
    for aspect, (descriptor, difference) in changes.items():
        percentiles[aspect] = 10.0
        differences[DESCRIPTOR_NAMES.index(descriptor)] = difference
    assert describe_aspect_match(percentiles, differences) == words


def test_weights_are_read_and_wrong_ones_explained():
    weights = parse_aspect_weights(["rhythm=2", "timbre=0"])
    assert weights == {"whole": 1, "timbre": 0, "rhythm": 2, "pitch": 1, "level": 1}
    for text in ("rhythmic=1", "rhythm", "rhythm=x", "rhythm=-1", "rhythm=nan", "rhythm=11"):
        with pytest.raises(EarshotError) as caught:
            parse_aspect_weights([text])
        assert caught.value.remedy
    with pytest.raises(EarshotError, match="All weights"):
        parse_aspect_weights([f"{name}=0" for name in weights])
