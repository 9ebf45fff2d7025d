"""Choice of an alignment of another corpus."""

from __future__ import annotations

import numpy as np
import pytest

from core.corpus import Corpus
from core.encoders import find_encoder_spec
from core.errors import EarshotError
from core.search.aligned_corpus import open_aligned_corpus
from core.search.alignment_choice_for_other_corpora import (
    choose_alignment_that_searches_all,
    choose_prediction_alignment,
    load_alignment_by_name,
)
from core.search.multi_corpus_search import open_corpora_with_one_alignment
from core.search.nearest_neighbour_queries import find_neighbours
from tests.unit.search.alignments import save_untrained_alignment
from tests.unit.search.tone_corpora import make_tone_corpus

SNIPPET = "play 60"


def test_a_corpus_without_an_alignment_is_searched_by_one_of_another_corpus(
    corpus: Corpus,
) -> None:
    songs = make_tone_corpus("songs", 4)
    assert choose_prediction_alignment([songs]) is None
    alignment_id = save_untrained_alignment(corpus)
    choice = choose_prediction_alignment([songs])
    assert choice is not None and (choice.alignment_id, choice.owner_name) == (
        alignment_id,
        "starter",
    )
    assert "of corpus 'starter'" in str(choice)
    (aligned_songs,) = open_corpora_with_one_alignment([songs])
    assert aligned_songs.alignment_owner_name == "starter"
    neighbours = find_neighbours(aligned_songs, SNIPPET, 9)
    assert len(neighbours) == 4 and {found.corpus_name for found in neighbours} == {"songs"}


def test_of_several_alignments_the_one_trained_on_most_programs_is_taken(corpus: Corpus) -> None:
    songs = make_tone_corpus("songs", 4)
    large = make_tone_corpus("large", 6)
    save_untrained_alignment(corpus, split={"programs": {"train": 40}, "unseen_templates": []})
    save_untrained_alignment(large, split={"programs": {"train": 90}, "unseen_templates": []})
    choice = choose_prediction_alignment([songs])
    assert choice is not None and choice.owner_name == "large"
    assert "90 programs" in choice.reason
    own = choose_prediction_alignment([corpus])
    assert own is not None and own.owner_name == ""  # its own, although another one is larger


def test_an_alignment_of_another_corpus_can_be_named(corpus: Corpus) -> None:
    alignment_id = save_untrained_alignment(corpus)
    songs = make_tone_corpus("songs", 4)
    owner, record = load_alignment_by_name(songs, f"starter/{alignment_id}")
    assert (owner.name, record.id) == ("starter", alignment_id)
    assert open_aligned_corpus(songs, record) is open_aligned_corpus(songs, record)
    with pytest.raises(EarshotError):
        load_alignment_by_name(songs, alignment_id)


def store_simulations(corpus: Corpus) -> None:
    spec = find_encoder_spec("simulation")
    program_ids = list(corpus.load_programs()["program"])
    vectors = np.random.default_rng(0).normal(size=(len(program_ids), spec.dim))
    corpus.store_embeddings(spec.id, spec.revision, program_ids, vectors.astype(np.float32))


def test_corpora_without_simulations_are_searched_by_kernel_ridge(corpus: Corpus) -> None:
    """So is a corpus beside the owner of a joint alignment; with simulations, that is taken."""
    songs = make_tone_corpus("songs", 4)
    ridge = save_untrained_alignment(corpus, alignment={"objective": "kernel_ridge"})
    store_simulations(corpus)
    config = corpus.load_alignment(ridge).config
    spec = find_encoder_spec("sonicpi+simulation")
    code = {"id": spec.id, "revision": spec.revision, "dim": spec.dim}
    joint = save_untrained_alignment(
        corpus,
        alignment={"objective": "joint_kernel_ridge"},
        encoders={**config["encoders"], "code": code},
    )
    joint_record = corpus.load_alignment(joint)
    for corpora in ([songs], [corpus, songs], [songs, corpus]):
        choice = choose_prediction_alignment(corpora)
        assert choice is not None and choice.alignment_id == ridge
        assert choose_alignment_that_searches_all(corpora, joint_record).id == ridge
    own = choose_prediction_alignment([corpus])
    assert own is not None and own.alignment_id == joint
    store_simulations(songs)
    for corpora in ([songs], [corpus, songs]):
        choice = choose_prediction_alignment(corpora)
        assert choice is not None and choice.alignment_id == joint
        assert choose_alignment_that_searches_all(corpora, joint_record).id == joint
        for_suggestions = choose_prediction_alignment(corpora, "suggestion")
        assert for_suggestions is not None and for_suggestions.alignment_id == ridge
