"""A corpus opened with the embeddings of one code encoder and one audio encoder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from core.corpus import Corpus, EmbeddingPairs
from core.errors import EarshotError
from core.evaluation.nearest_neighbours import CosineIndex
from core.search.approximate_cosine_index import open_cosine_index
from core.search.corpus_encoder_records import (
    EncoderRecord,
    check_embedding_revision,
    fill_default_encoder_ids,
)
from core.search.default_alignment_choice import make_no_alignment_error
from core.search.unseen_program_splits import (
    relabel_splits_of_unseen_templates,
)
from core.sonicpi.audio_clip_and_render_result import Clip

SEARCH_CACHE_SIZE = 16


class EmbeddedCorpus:
    """A corpus with the embeddings of one code encoder and one audio encoder.

    Instances do not change and may be shared between threads. Everything that is read from disk
    or derived is loaded at its first use.

    Parameters
    ----------
    corpus : Corpus
    code_encoder, audio_encoder : EncoderRecord
    pairs : EmbeddingPairs, optional
        The embeddings, where they are in memory already.
    """

    def __init__(
        self,
        corpus: Corpus,
        code_encoder: EncoderRecord,
        audio_encoder: EncoderRecord,
        pairs: EmbeddingPairs | None = None,
    ):
        self.corpus = corpus
        self.code_encoder = code_encoder
        self.audio_encoder = audio_encoder
        if pairs is not None:
            self.pairs = pairs

    def serialize_encoder_records(self) -> dict[str, dict[str, Any]]:
        """Return both encoders as an alignment's config keeps them, by modality."""
        return {"code": self.code_encoder.to_dict(), "audio": self.audio_encoder.to_dict()}

    @cached_property
    def pairs(self) -> EmbeddingPairs:
        """Embeddings of all programs that have a clip and both embeddings.

        Raises
        ------
        EarshotError
            When the corpus has been embedded by another revision of an encoder.
        """
        for encoder in (self.code_encoder, self.audio_encoder):
            check_embedding_revision(self.corpus, encoder)
        return self.corpus.load_embedding_pairs(self.code_encoder.id, self.audio_encoder.id)

    @cached_property
    def templates(self) -> np.ndarray:
        """Template or grammar style of each pair: str [n], "" for an imported program."""
        templates = self.corpus.load_programs().set_index("program")["template"]
        return templates[self.pairs.program_ids].to_numpy(dtype=str)

    @cached_property
    def row_by_program(self) -> dict[str, int]:
        """Row of `pairs` by program id."""
        return {program_id: row for row, program_id in enumerate(self.pairs.program_ids)}

    @cached_property
    def raw_code_index(self) -> CosineIndex:
        """Index over the raw code embeddings."""
        embeddings = self.pairs.code_embeddings
        return open_cosine_index(embeddings, embeddings, self.corpus.path)

    @cached_property
    def raw_audio_index(self) -> CosineIndex:
        """Index over the raw audio embeddings."""
        embeddings = self.pairs.audio_embeddings
        return open_cosine_index(embeddings, embeddings, self.corpus.path)

    def embed_snippet(self, snippet: str) -> np.ndarray:
        """Embed a snippet with the corpus's code encoder: float32 [1, dim].

        Raises
        ------
        EarshotError
            When the encoder is missing, has another revision or another number of dimensions.
        """
        return self.code_encoder.embed_snippet(snippet)

    def embed_clip(self, clip: Clip) -> np.ndarray:
        """Embed a clip with the corpus's audio encoder: float32 [1, dim].

        Raises
        ------
        EarshotError
            When the encoder is missing or has another revision.
        """
        return np.asarray(
            self.audio_encoder.load_recorded_encoder().embed([clip]), dtype=np.float32
        )

    def assign_splits(self, unseen_templates: Sequence[str] = ()) -> np.ndarray:
        """Return the split of each pair; templates that are held out whole form their own.

        Returns
        -------
        array of str [n]
            "train", "validation", "test", "unseen templates" or "unseen grammar styles".
        """
        if not unseen_templates:
            return self.pairs.splits
        splits = self.pairs.splits
        return relabel_splits_of_unseen_templates(splits, self.templates, unseen_templates)

    def check_has_embedding_pairs(self) -> None:
        """Raise an EarshotError when no program has a clip and both embeddings."""
        if not self.pairs.program_ids:
            raise EarshotError(
                f"Corpus '{self.corpus.name}' has no program with a clip and embeddings.",
                remedy=f"To build it: ./run build {self.corpus.name}",
            )

    def find_nearest_rows(
        self, embedding: np.ndarray, k: int, direction: str, excluded_row: int | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Find the rows of `pairs` nearest to a raw embedding.

        Parameters
        ----------
        embedding : array, float [1, d]
            By the encoder of the modality that the direction starts from.
        k : int
        direction : {"code->audio", "audio->code", "code->code", "audio->audio"}
        excluded_row : int, optional
            A row that is not returned.

        Returns
        -------
        rows : array, int [k]
        similarities : array, float [k]
            Cosines, in [-1, 1], descending.
        """
        query = np.ascontiguousarray(embedding)
        rows, similarities = self._search_with_cache(
            query.tobytes(), query.dtype.str, k, direction, excluded_row
        )
        return rows.copy(), similarities.copy()

    @cached_property
    def _search_with_cache(
        self,
    ) -> Callable[[bytes, str, int, str, int | None], tuple[np.ndarray, np.ndarray]]:
        """Search that remembers recent queries.

        A page runs again with the same snippet at every click, and a search among 135,000 raw code
        embeddings reads 490 MB.
        """

        def search(
            content: bytes, dtype: str, k: int, direction: str, excluded_row: int | None
        ) -> tuple[np.ndarray, np.ndarray]:
            embedding = np.frombuffer(content, dtype)[None].copy()
            excluded_rows = None if excluded_row is None else np.array([excluded_row])
            index, query = self._select_neighbour_index(embedding, direction)
            rows, similarities = index.find_most_similar_rows(query, k, excluded_rows=excluded_rows)
            return rows[0], similarities[0]

        return lru_cache(SEARCH_CACHE_SIZE)(search)

    def _select_neighbour_index(
        self, embedding: np.ndarray, direction: str
    ) -> tuple[CosineIndex, np.ndarray]:
        """Return the index to search and the query in its space."""
        if direction == "code->code":
            return self.raw_code_index, embedding
        if direction == "audio->audio":
            return self.raw_audio_index, embedding
        raise make_no_alignment_error(self.corpus)


def open_embedded_corpus(
    corpus: Corpus, code_encoder: str | None = None, audio_encoder: str | None = None
) -> EmbeddedCorpus:
    """Open the embeddings of a corpus, for what needs no alignment.

    Parameters
    ----------
    corpus : Corpus
    code_encoder, audio_encoder : str, optional
        Encoder ids. Default: those that the corpus was built with.

    Raises
    ------
    EarshotError
        When the corpus is not embedded by these encoders in their installed revision.
    """
    code_id, audio_id = fill_default_encoder_ids(corpus, code_encoder, audio_encoder)
    pairs = corpus.load_embedding_pairs(code_id, audio_id)
    code, audio = (
        EncoderRecord.build_record_of_stored_embeddings(corpus, encoder_id, embeddings.shape[1])
        for encoder_id, embeddings in (
            (code_id, pairs.code_embeddings),
            (audio_id, pairs.audio_embeddings),
        )
    )
    for encoder in (code, audio):
        check_embedding_revision(corpus, encoder)
    return EmbeddedCorpus(corpus, code, audio, pairs)
