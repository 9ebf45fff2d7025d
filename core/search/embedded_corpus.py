"""A corpus opened with the embeddings of one code encoder and one audio encoder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from core import encoders
from core.corpus import Corpus, EmbeddingPairs
from core.encoders.concat import split_encoder_id
from core.errors import EarshotError
from core.evaluation.nearest_neighbours import CosineIndex
from core.sonicpi.clip import Clip

UNSEEN_SPLIT = "unseen templates"
SNIPPET_CACHE_SIZE = 8


@dataclass(frozen=True)
class EncoderRecord:
    """The encoder that made a corpus's embeddings.

    Attributes
    ----------
    id, revision : str
    dim : int
        Dimensions of an embedding.
    """

    id: str
    revision: str
    dim: int

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> EncoderRecord:
        """Read the record from an alignment's config.

        Raises
        ------
        KeyError, TypeError
            When a value is missing.
        """
        return cls(values["id"], values["revision"], values["dim"])

    @classmethod
    def from_installed(cls, encoder_id: str, dim: int) -> EncoderRecord:
        """Describe the encoder that is installed under this id."""
        return cls(encoder_id, encoders.find_encoder_spec(encoder_id).revision, dim)

    def to_dict(self) -> dict[str, Any]:
        """Return the values that an alignment's config keeps."""
        return asdict(self)

    def load_recorded_encoder(self) -> encoders.Encoder:
        """Load the encoder.

        Raises
        ------
        EarshotError
            When another revision of it is installed.
        """
        encoder = encoders.get_encoder(self.id)
        if encoder.spec.revision != self.revision:
            raise EarshotError(
                f"{self.id} is here as revision {encoder.spec.revision}, the corpus was"
                f" embedded by {self.revision}.",
                remedy="Embed the corpus again and train again.",
            )
        return encoder


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
    def row_by_program(self) -> dict[str, int]:
        """Row of `pairs` by program id."""
        return {program_id: row for row, program_id in enumerate(self.pairs.program_ids)}

    @cached_property
    def raw_code_index(self) -> CosineIndex:
        """Index over the raw code embeddings."""
        return CosineIndex(self.pairs.code_embeddings)

    @cached_property
    def raw_audio_index(self) -> CosineIndex:
        """Index over the raw audio embeddings."""
        return CosineIndex(self.pairs.audio_embeddings)

    def embed_snippet(self, snippet: str) -> np.ndarray:
        """Embed a snippet with the corpus's code encoder: float32 [1, dim].

        Raises
        ------
        EarshotError
            When the encoder is missing, has another revision or another number of dimensions.
        """
        embedding = _embed_snippet_cached(self.code_encoder.load_recorded_encoder(), snippet)
        if embedding.shape != (1, self.code_encoder.dim):
            raise EarshotError(
                f"{self.code_encoder.id} gave a vector of shape {list(embedding.shape)}, the corpus"
                f" has {self.code_encoder.dim} dimensions.",
                remedy="Embed the corpus again and train again.",
            )
        return embedding

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
            "train", "validation", "test" or "unseen templates".
        """
        if not unseen_templates:
            return self.pairs.splits
        templates = self.corpus.load_programs().set_index("program")["template"]
        is_unseen = templates[self.pairs.program_ids].isin(list(unseen_templates)).to_numpy()
        return np.where(is_unseen, UNSEEN_SPLIT, self.pairs.splits)

    def check_has_embedding_pairs(self) -> None:
        """Raise an EarshotError when no program has a clip and both embeddings."""
        if not len(self.pairs):
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
        excluded_rows = None if excluded_row is None else np.array([excluded_row])
        index, query = self._select_neighbour_index(embedding, direction)
        rows, similarities = index.find_most_similar_rows(query, k, excluded_rows=excluded_rows)
        return rows[0], similarities[0]

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
    code = EncoderRecord.from_installed(code_id, pairs.code_embeddings.shape[1])
    audio = EncoderRecord.from_installed(audio_id, pairs.audio_embeddings.shape[1])
    for encoder in (code, audio):
        check_embedding_revision(corpus, encoder)
    return EmbeddedCorpus(corpus, code, audio, pairs)


# Listen embeds a snippet to find its neighbours, and again to estimate their confidence.
@lru_cache(maxsize=SNIPPET_CACHE_SIZE)
def _embed_snippet_cached(encoder: encoders.Encoder, snippet: str) -> np.ndarray:
    return np.asarray(encoder.embed([snippet]), dtype=np.float32)


def fill_default_encoder_ids(
    corpus: Corpus, code_encoder: str | None = None, audio_encoder: str | None = None
) -> tuple[str, str]:
    """Return the ids of the code and audio encoder: as named, else those of the last build.

    Raises
    ------
    EarshotError
        When an encoder is not named and the corpus was never built, or nothing is embedded by it.
    """
    built_with = corpus.settings.get("encoders") or {}
    embedded_by = {
        encoder_id for encoder_id, _, count in corpus.count_embeddings_by_encoder() if count
    }
    resolved = []
    for modality, encoder_id in (("code", code_encoder), ("audio", audio_encoder)):
        encoder_id = encoder_id or built_with.get(modality)
        if encoder_id is None:
            raise EarshotError(
                f"Corpus '{corpus.name}' has not been built, so nothing in it is embedded.",
                remedy=f"To build it: ./run build {corpus.name}",
            )
        if encoder_id not in embedded_by and not set(split_encoder_id(encoder_id)) <= embedded_by:
            raise EarshotError(
                f"Nothing in corpus '{corpus.name}' is embedded by {encoder_id}.",
                remedy=f"To embed it: ./run embed {corpus.name} --{modality}-encoder {encoder_id}",
            )
        resolved.append(encoder_id)
    return resolved[0], resolved[1]


def check_embedding_revision(corpus: Corpus, encoder: EncoderRecord) -> None:
    """Raise an EarshotError unless the corpus's embeddings are of the encoder's revision."""
    try:
        stale = corpus.list_missing_embeddings(encoder.id, encoder.revision)
    except ValueError:  # The revision joins more or fewer encoders than the id.
        stale = None
    if stale is None or len(stale) != len(corpus.list_missing_embeddings(encoder.id)):
        raise EarshotError(
            f"Corpus '{corpus.name}' is embedded by another revision of {encoder.id} than"
            f" {encoder.revision}.",
            remedy=f"Embed it again and train again: ./run embed {corpus.name},"
            f" then ./run train {corpus.name}",
        )


def make_no_alignment_error(corpus: Corpus) -> EarshotError:
    """Return the error for a corpus that has no alignment."""
    return EarshotError(
        f"Corpus '{corpus.name}' has no alignment yet.",
        remedy=f"To train one: ./run train {corpus.name}",
    )
