"""A corpus opened with an alignment, which projects its embeddings to the shared space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from core.alignment import AlignmentConfig, ProjectionHeads
from core.corpus import AlignmentRecord, Corpus, EmbeddingPairs
from core.errors import EarshotError
from core.evaluation.nearest_neighbours import CosineIndex
from core.search.embedded_corpus import (
    EmbeddedCorpus,
    EncoderRecord,
    make_no_alignment_error,
)

ALIGNED_CORPUS_CACHE_SIZE = 2

Modality = Literal["code", "audio"]


class AlignedCorpus(EmbeddedCorpus):
    """A corpus with its embeddings and an alignment, which adds the shared space.

    Parameters
    ----------
    corpus : Corpus
    record : AlignmentRecord
    heads : ProjectionHeads
        In evaluation mode, on the CPU.
    pairs : EmbeddingPairs, optional
        The embeddings, where they are in memory already.
    """

    def __init__(
        self,
        corpus: Corpus,
        record: AlignmentRecord,
        heads: ProjectionHeads,
        pairs: EmbeddingPairs | None = None,
    ):
        super().__init__(corpus, *_read_encoder_records(record), pairs)
        self.record = record
        self.heads = heads

    @classmethod
    def open(
        cls, corpus: Corpus, record: AlignmentRecord, pairs: EmbeddingPairs | None = None
    ) -> AlignedCorpus:
        """Load the projection heads of an alignment.

        Raises
        ------
        EarshotError
            When the alignment's files do not fit each other.
        """
        remedy = f"Train it again: ./run train {corpus.name}"
        try:
            config = AlignmentConfig.from_dict(record.config["alignment"])
            code_encoder, audio_encoder = _read_encoder_records(record)
        except (KeyError, TypeError) as error:
            raise EarshotError(
                f"The config of alignment {record.id} lacks {error}.",
                where=str(record.path),
                remedy=remedy,
            ) from error
        heads = ProjectionHeads.from_tensors(config, record.load_heads())
        if (heads.code_dim, heads.audio_dim) != (code_encoder.dim, audio_encoder.dim):
            raise EarshotError(
                f"The projection heads of alignment {record.id} take embeddings of"
                f" {heads.code_dim} and {heads.audio_dim} dimensions, its encoders give"
                f" {code_encoder.dim} and {audio_encoder.dim}.",
                where=str(record.path),
                remedy=remedy,
            )
        return cls(corpus, record, heads, pairs)

    @property
    def unseen_templates(self) -> Sequence[str]:
        """Ids of the templates that training held out whole."""
        return self.record.config["split"]["unseen_templates"]

    @cached_property
    def splits(self) -> np.ndarray:
        """Split of each pair, as `assign_splits` returns it."""
        return self.assign_splits(self.unseen_templates)

    @cached_property
    def shared_code_index(self) -> CosineIndex:
        """Index over the projected code embeddings."""
        return CosineIndex(self.project_code(self.pairs.code_embeddings))

    @cached_property
    def shared_audio_index(self) -> CosineIndex:
        """Index over the projected audio embeddings."""
        return CosineIndex(self.project_audio(self.pairs.audio_embeddings))

    def project_code(self, embeddings: np.ndarray) -> np.ndarray:
        """Project code embeddings [n, d1] to unit vectors: float32 [n, dim]."""
        return project_embeddings(self.heads, embeddings, "code")

    def project_audio(self, embeddings: np.ndarray) -> np.ndarray:
        """Project audio embeddings [n, d2] to unit vectors: float32 [n, dim]."""
        return project_embeddings(self.heads, embeddings, "audio")

    def _select_neighbour_index(
        self, embedding: np.ndarray, direction: str
    ) -> tuple[CosineIndex, np.ndarray]:
        if direction == "code->audio":
            return self.shared_audio_index, self.project_code(embedding)
        if direction == "audio->code":
            return self.shared_code_index, self.project_audio(embedding)
        return super()._select_neighbour_index(embedding, direction)


@dataclass(frozen=True)
class _CacheKey:
    """What an opened alignment is cached by; the corpus rides along uncompared."""

    path: Path
    change_stamp: str
    alignment_id: str
    corpus: Corpus = field(compare=False)


def open_aligned_corpus(corpus: Corpus, alignment_id: str | None = None) -> AlignedCorpus:
    """Open an alignment of a corpus, from memory unless the corpus has changed since.

    Parameters
    ----------
    corpus : Corpus
    alignment_id : str, optional
        Default: the newest.

    Returns
    -------
    AlignedCorpus
        Shared by all callers until `corpus.change_stamp` changes.

    Raises
    ------
    EarshotError
        When the corpus has no such alignment, or its files do not fit each other.
    """
    if alignment_id is None:
        alignment_ids = corpus.list_alignment_ids()
        if not alignment_ids:
            raise make_no_alignment_error(corpus)
        alignment_id = alignment_ids[-1]
    return _open_aligned_corpus_cached(
        _CacheKey(corpus.path, corpus.change_stamp, alignment_id, corpus)
    )


@lru_cache(maxsize=ALIGNED_CORPUS_CACHE_SIZE)
def _open_aligned_corpus_cached(key: _CacheKey) -> AlignedCorpus:
    return AlignedCorpus.open(key.corpus, key.corpus.load_alignment(key.alignment_id))


@torch.no_grad()
def project_embeddings(
    heads: ProjectionHeads, embeddings: np.ndarray, modality: Modality
) -> np.ndarray:
    """Project embeddings [n, d] with the head of a modality: float32 unit vectors [n, dim].

    Raises
    ------
    EarshotError
        When the embeddings do not have as many dimensions as the head takes.
    """
    input_dim = heads.code_dim if modality == "code" else heads.audio_dim
    if embeddings.shape[1] != input_dim:
        raise EarshotError(
            f"The {modality} embeddings have {embeddings.shape[1]} dimensions, the alignment"
            f" was trained on {input_dim}.",
            remedy="Use the encoder that it was trained with.",
        )
    project = heads.project_code if modality == "code" else heads.project_audio
    return project(torch.from_numpy(np.ascontiguousarray(embeddings, np.float32))).numpy()


def _read_encoder_records(record: AlignmentRecord) -> tuple[EncoderRecord, EncoderRecord]:
    """Return the code and the audio encoder that an alignment was trained on."""
    encoder_fields = record.config["encoders"]
    return (
        EncoderRecord.from_dict(encoder_fields["code"]),
        EncoderRecord.from_dict(encoder_fields["audio"]),
    )
