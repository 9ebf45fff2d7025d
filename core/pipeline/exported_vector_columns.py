"""The vectors that an export contains: raw embeddings, and embeddings in the shared space."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.corpus import Corpus
from core.errors import EarshotError
from core.pipeline.encoder_names_without_local_paths import name_encoders_for_publication
from core.search.aligned_corpus import AlignedCorpus, open_aligned_corpus
from core.search.default_alignment_choice import choose_default_alignment


@dataclass(frozen=True)
class VectorColumn:
    """A column of vectors.

    Attributes
    ----------
    name : str
        Such as "embedding:log-mel" or "aligned_code:0001-5f1c09ab".
    dim : int
    vector_by_program : dict of program id to array, float32 [dim]
    """

    name: str
    dim: int
    vector_by_program: dict[str, np.ndarray]


def load_vector_columns(corpus: Corpus, alignment_id: str | None = None) -> list[VectorColumn]:
    """Load the raw embeddings of each encoder, and those that an alignment projects.

    Parameters
    ----------
    corpus : Corpus
    alignment_id : str, optional
        Default: the alignment made for prediction; none if the corpus has none, or if its
        encoders have another revision than the corpus's embeddings.

    Returns
    -------
    list of VectorColumn
        "embedding:ENCODER" for each encoder, then "aligned_code:ALIGNMENT" and
        "aligned_audio:ALIGNMENT".

    Raises
    ------
    EarshotError
        If the alignment is named and cannot be used.
    """
    counts = [row for row in corpus.count_embeddings_by_encoder() if row[2]]
    names = name_encoders_for_publication([encoder_id for encoder_id, _, _ in counts])
    columns = []
    for encoder_id, name in names.items():
        program_ids, embeddings = corpus.load_embeddings(encoder_id)
        columns.append(_make_vector_column(f"embedding:{name}", program_ids, embeddings))
    aligned_corpus = open_exported_alignment(corpus, alignment_id)
    if aligned_corpus is not None:
        columns += _load_aligned_columns(aligned_corpus)
    return columns


def open_exported_alignment(
    corpus: Corpus, alignment_id: str | None = None
) -> AlignedCorpus | None:
    """Open the alignment whose vectors an export contains; None if there is none to use.

    Raises
    ------
    EarshotError
        If the alignment is named and cannot be used.
    """
    if alignment_id is not None:
        return open_aligned_corpus(corpus, alignment_id)
    choice = choose_default_alignment(corpus, "prediction")
    if choice is None:
        return None
    try:
        aligned_corpus = open_aligned_corpus(corpus, choice.alignment_id)
        return aligned_corpus if len(aligned_corpus.pairs) else None
    except EarshotError:  # Embedded by another revision since: the raw vectors remain useful.
        return None


def _load_aligned_columns(aligned_corpus: AlignedCorpus) -> list[VectorColumn]:
    pairs, alignment_id = aligned_corpus.pairs, aligned_corpus.record.id
    code = aligned_corpus.project_code_embeddings(pairs.code_embeddings)
    audio = aligned_corpus.project_audio_embeddings(pairs.audio_embeddings)
    return [
        _make_vector_column(f"aligned_code:{alignment_id}", pairs.program_ids, code),
        _make_vector_column(f"aligned_audio:{alignment_id}", pairs.program_ids, audio),
    ]


def _make_vector_column(name: str, program_ids: list[str], vectors: np.ndarray) -> VectorColumn:
    return VectorColumn(name, vectors.shape[1], dict(zip(program_ids, vectors)))
