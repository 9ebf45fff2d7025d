"""An opened alignment: its cache, its encoders, its splits, and files that do not fit."""

from __future__ import annotations

import pytest

from core.corpus import Corpus
from core.errors import EarshotError
from core.search.aligned_corpus import AlignedCorpus, open_aligned_corpus
from core.search.unseen_program_splits import UNSEEN_SPLIT
from tests.unit.search.alignments import CONFIG, save_untrained_alignment


@pytest.fixture
def alignment_id(corpus: Corpus) -> str:
    """An alignment with untrained heads that held out the only template."""
    return save_untrained_alignment(corpus)


def test_an_opened_alignment_is_shared_until_the_corpus_changes(
    corpus: Corpus, alignment_id: str
) -> None:
    aligned_corpus = open_aligned_corpus(corpus)
    assert open_aligned_corpus(Corpus.open("starter"), alignment_id) is aligned_corpus
    corpus.set_corpus_setting("note", 1)
    assert open_aligned_corpus(corpus) is not aligned_corpus


def test_the_newest_alignment_is_opened_by_default(corpus: Corpus, alignment_id: str) -> None:
    newer_id = save_untrained_alignment(corpus)
    assert open_aligned_corpus(corpus).record.id == newer_id
    assert open_aligned_corpus(corpus, alignment_id).record.id == alignment_id


def test_embeddings_are_projected_to_unit_vectors(corpus: Corpus, alignment_id: str) -> None:
    aligned_corpus = open_aligned_corpus(corpus)
    code = aligned_corpus.project_code_embeddings(aligned_corpus.pairs.code_embeddings)
    audio = aligned_corpus.project_audio_embeddings(aligned_corpus.pairs.audio_embeddings)
    assert code.shape == audio.shape == (6, CONFIG.dim)
    assert (code**2).sum(axis=1) == pytest.approx(1, abs=1e-5)
    with pytest.raises(EarshotError, match="the alignment was trained on"):
        aligned_corpus.project_code_embeddings(code)


def test_unseen_templates_form_a_split(corpus: Corpus, alignment_id: str) -> None:
    aligned_corpus = open_aligned_corpus(corpus)
    assert set(aligned_corpus.splits) == {UNSEEN_SPLIT}
    assert (aligned_corpus.assign_splits() == aligned_corpus.pairs.splits).all()


def test_a_corpus_without_an_alignment_names_the_command(corpus: Corpus) -> None:
    with pytest.raises(EarshotError, match="no alignment yet.*run train starter"):
        open_aligned_corpus(corpus)


def test_an_incomplete_config_is_refused(corpus: Corpus) -> None:
    record = corpus.load_alignment(save_untrained_alignment(corpus))
    del record.config["encoders"]["code"]["revision"]
    with pytest.raises(EarshotError, match="lacks 'revision'"):
        AlignedCorpus.open_from_alignment_record(corpus, record)


def test_embeddings_of_another_revision_are_refused(corpus: Corpus, alignment_id: str) -> None:
    program_ids, embeddings = corpus.load_embeddings("sonicpi")
    corpus.store_embeddings("sonicpi", "another", program_ids, embeddings)
    record = corpus.load_alignment(alignment_id)
    with pytest.raises(EarshotError, match="another revision of sonicpi"):
        len(AlignedCorpus.open_from_alignment_record(corpus, record).pairs)
