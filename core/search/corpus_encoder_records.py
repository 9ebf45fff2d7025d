"""Records of the encoders that embedded a corpus, and the default encoders of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from core import encoders
from core.corpus import AlignmentRecord, Corpus
from core.encoders.concatenated_encoders import split_encoder_id
from core.encoders.encoder_spec import REVISION_SEPARATOR
from core.errors import EarshotError
from core.search.stored_simulations import explain_missing_simulations

SNIPPET_CACHE_SIZE = 8
EMBEDDING_CHECK_CACHE_SIZE = 256


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
    def build_record_of_installed_encoder(cls, encoder_id: str, dim: int) -> EncoderRecord:
        """Describe the encoder that is installed under this id."""
        return cls(encoder_id, encoders.find_encoder_spec(encoder_id).revision, dim)

    @classmethod
    def build_record_of_stored_embeddings(
        cls, corpus: Corpus, encoder_id: str, dim: int
    ) -> EncoderRecord:
        """Describe the encoder in the revision that embedded a corpus.

        Where the corpus's revision does not compare with the installed one, the record states the
        installed one, and `check_embedding_revision` raises the error.
        """
        spec = encoders.find_encoder_spec(encoder_id)
        revision = corpus.get_encoder_revision(encoder_id)
        if revision is None:  # Only the components of a concatenated encoder are stored.
            parts = [corpus.get_encoder_revision(part.id) for part in spec.component_specs]
            joined = REVISION_SEPARATOR.join(part or "" for part in parts)
            revision = f"{joined}+{spec.recipe_version}"
        is_comparable = spec.is_comparable_revision(revision)
        return cls(encoder_id, revision if is_comparable else spec.revision, dim)

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
        if not encoder.spec.is_comparable_revision(self.revision):
            raise EarshotError(
                f"{self.id} is here as revision {encoder.spec.revision}, the corpus was"
                f" embedded by {self.revision}.",
                remedy="Embed the corpus again and train again.",
            )
        return encoder

    def embed_snippet(self, snippet: str) -> np.ndarray:
        """Embed a snippet of code: float32 [1, dim].

        Raises
        ------
        EarshotError
            When the encoder is missing, has another revision or another number of dimensions.
        """
        embedding = _compute_snippet_embedding(self.load_recorded_encoder(), snippet)
        if embedding.shape != (1, self.dim):
            raise EarshotError(
                f"{self.id} gave a vector of shape {list(embedding.shape)}, the corpus has"
                f" {self.dim} dimensions.",
                remedy="Embed the corpus again and train again.",
            )
        return embedding


# Listen embeds a snippet to find its neighbours, and again to estimate their confidence.
@lru_cache(maxsize=SNIPPET_CACHE_SIZE)
def _compute_snippet_embedding(encoder: encoders.Encoder, snippet: str) -> np.ndarray:
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


def read_encoder_records_of_alignment(
    record: AlignmentRecord,
) -> tuple[EncoderRecord, EncoderRecord]:
    """Return the code and the audio encoder that an alignment was trained on."""
    encoder_fields = record.config["encoders"]
    return (
        EncoderRecord.from_dict(encoder_fields["code"]),
        EncoderRecord.from_dict(encoder_fields["audio"]),
    )


def _has_comparable_embeddings(corpus: Corpus, encoder: EncoderRecord) -> bool:
    """Return whether the installed encoder compares with the record and with the corpus."""
    try:
        spec = encoders.find_encoder_spec(encoder.id)
    except EarshotError:  # The encoder is not installed; its embeddings may still be searched.
        return False
    stored = [(part, corpus.get_encoder_revision(part.id)) for part in spec.component_specs]
    return spec.is_comparable_revision(encoder.revision) and all(
        revision is not None and part.is_comparable_revision(revision) for part, revision in stored
    )


def has_embeddings_of_alignment(corpus: Corpus, record: AlignmentRecord) -> bool:
    """Return whether the encoders of an alignment have embedded clips and code of a corpus.

    Of a joint alignment, every clip needs a simulation: the others would not be found.
    """
    key = _EmbeddingCheckKey(corpus.path, corpus.change_stamp, record.path, corpus, record)
    return _check_embeddings_of_alignment(key)


@dataclass(frozen=True)
class _EmbeddingCheckKey:
    """What a check is cached by; corpus and record ride along uncompared."""

    path: Path
    change_stamp: str
    alignment_path: Path
    corpus: Corpus = field(compare=False)
    record: AlignmentRecord = field(compare=False)


# Listen checks all corpora while the user types.
@lru_cache(maxsize=EMBEDDING_CHECK_CACHE_SIZE)
def _check_embeddings_of_alignment(key: _EmbeddingCheckKey) -> bool:
    embedded_by = {
        encoder_id for encoder_id, _, count in key.corpus.count_embeddings_by_encoder() if count
    }
    try:
        for encoder in read_encoder_records_of_alignment(key.record):
            is_embedded = encoder.id in embedded_by
            if not is_embedded and not set(split_encoder_id(encoder.id)) <= embedded_by:
                return False
            check_embedding_revision(key.corpus, encoder)
        if explain_missing_simulations(key.corpus, key.record):
            return False
    except (KeyError, TypeError, EarshotError):  # Opening the alignment explains what is wrong.
        return False
    return True


def check_embedding_revision(corpus: Corpus, encoder: EncoderRecord) -> None:
    """Raise an EarshotError unless the corpus's embeddings are of the encoder's revision.

    Embeddings of another revision that `EncoderSpec.comparable_revisions` names are accepted.
    """
    if _has_comparable_embeddings(corpus, encoder):
        return
    try:
        stale = corpus.list_programs_without_embedding(encoder.id, encoder.revision)
    except ValueError:  # The revision joins more or fewer encoders than the id.
        stale = None
    if stale is None or len(stale) != len(corpus.list_programs_without_embedding(encoder.id)):
        raise EarshotError(
            f"Corpus '{corpus.name}' is embedded by another revision of {encoder.id} than"
            f" {encoder.revision}.",
            remedy=f"Embed it again and train again: ./run embed {corpus.name},"
            f" then ./run train {corpus.name}",
        )
