"""An alignment taken from its corpus, ready to project with."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import torch

from core import encoders
from core.alignment import AlignmentConfig, ProjectionHeads
from core.corpus import AlignmentRecord, Corpus, EmbeddingPairs
from core.encoders.concat import split_encoder_id
from core.errors import EarshotError


UNSEEN_SPLIT = "unseen templates"


@dataclass(frozen=True)
class AlignedCorpus:
    """A trained alignment and the encoders whose embeddings it projects.

    Attributes
    ----------
    corpus : Corpus
    record : AlignmentRecord
    heads : ProjectionHeads
        In evaluation mode, on the processor.
    code_encoder_record, audio_encoder_record : dict
        "id", "revision" and "dim" of each.
    """

    corpus: Corpus
    record: AlignmentRecord
    heads: ProjectionHeads
    code_encoder_record: dict
    audio_encoder_record: dict

    def project_code(self, embeddings: np.ndarray) -> np.ndarray:
        """Project code embeddings [n, d1] to unit vectors: float32 [n, dim]."""
        return project_embeddings(self.heads, embeddings, "code")

    def project_audio(self, embeddings: np.ndarray) -> np.ndarray:
        """Project audio embeddings [n, d2] to unit vectors: float32 [n, dim]."""
        return project_embeddings(self.heads, embeddings, "audio")

    def load_embedding_pairs(self) -> EmbeddingPairs:
        """The corpus's pairs of embeddings by this alignment's encoders.

        Raises
        ------
        EarshotError
            When the corpus was embedded anew by encoders of another revision or size.
        """
        for encoder in (self.code_encoder_record, self.audio_encoder_record):
            check_embedding_revision(self.corpus, encoder["id"], encoder["revision"])
        return self.corpus.load_embedding_pairs(self.code_encoder_record["id"], self.audio_encoder_record["id"])


def open_aligned_corpus(corpus_name: str, alignment_id: str | None = None) -> AlignedCorpus:
    """Load an alignment of a corpus; without an id, the newest.

    Raises
    ------
    EarshotError
        When the corpus or the alignment isn't there, or its files don't fit each other.
    """
    corpus = Corpus.open(corpus_name)
    if alignment_id is None:
        record = corpus.load_newest_alignment()
        if record is None:
            raise EarshotError(
                f"Corpus '{corpus_name}' has no alignment yet.",
                remedy=f"To train one: ./run train {corpus_name}",
            )
    else:
        record = corpus.load_alignment(alignment_id)
    try:
        config = AlignmentConfig.from_dict(record.config["alignment"])
        code, audio = record.config["encoders"]["code"], record.config["encoders"]["audio"]
        sizes = code["dim"], audio["dim"]
    except (KeyError, TypeError) as error:
        raise EarshotError(
            f"The config of alignment {record.id} lacks {error}.",
            where=str(record.path),
            remedy=f"Train it again: ./run train {corpus_name}",
        ) from error
    heads = ProjectionHeads.from_tensors(config, record.load_heads())
    if (heads.code_dim, heads.audio_dim) != sizes:
        raise EarshotError(
            f"The projection heads of alignment {record.id} take embeddings of"
            f" {heads.code_dim} and {heads.audio_dim} dimensions, its encoders give"
            f" {sizes[0]} and {sizes[1]}.",
            where=str(record.path),
            remedy=f"Train it again: ./run train {corpus_name}",
        )
    return AlignedCorpus(corpus, record, heads, code, audio)


@torch.no_grad()
def project_embeddings(heads: ProjectionHeads, embeddings: np.ndarray, modality: str) -> np.ndarray:
    """Project embeddings [n, d] with the head of `modality`: float32 unit vectors [n, dim].

    Raises
    ------
    EarshotError
        When the embeddings are not as wide as the head's input.
    """
    width = heads.code_dim if modality == "code" else heads.audio_dim
    if embeddings.shape[1] != width:
        raise EarshotError(
            f"The {modality} embeddings have {embeddings.shape[1]} dimensions, the alignment"
            f" was trained on {width}.",
            remedy="Use the encoder that it was trained with.",
        )
    head = heads.project_code if modality == "code" else heads.project_audio
    return head(torch.from_numpy(np.ascontiguousarray(embeddings, np.float32))).numpy()


def resolve_encoder_ids(
    corpus: Corpus, code_encoder: str | None = None, audio_encoder: str | None = None
) -> tuple[str, str]:
    """Ids of the encoders to use: as named, else those that the corpus was built with.

    Raises
    ------
    EarshotError
        When one isn't named and the corpus was never built, or nothing is embedded by one.
    """
    built = corpus.settings.get("encoders") or {}
    there = {name for name, _, count in corpus.list_encoders() if count}
    found = []
    for modality, named in (("code", code_encoder), ("audio", audio_encoder)):
        encoder = named or built.get(modality)
        if encoder is None:
            raise EarshotError(
                f"Corpus '{corpus.name}' has not been built, so nothing in it is embedded.",
                remedy=f"To build it: ./run build {corpus.name}",
            )
        if encoder not in there and not set(split_encoder_id(encoder)) <= there:
            raise EarshotError(
                f"Nothing in corpus '{corpus.name}' is embedded by {encoder}.",
                remedy=f"To embed it: ./run embed {corpus.name} --{modality}-encoder {encoder}",
            )
        found.append(encoder)
    return found[0], found[1]


def check_embedding_revision(corpus: Corpus, encoder_id: str, revision: str) -> None:
    """Raise an EarshotError unless the corpus's embeddings by this encoder are of `revision`."""
    try:
        stale = corpus.list_missing_embeddings(encoder_id, revision)
    except ValueError:  # revisions of more or fewer encoders than the id joins
        stale = None
    if stale is None or len(stale) != len(corpus.list_missing_embeddings(encoder_id)):
        raise EarshotError(
            f"Corpus '{corpus.name}' is embedded by another revision of {encoder_id} than"
            f" {revision}.",
            remedy=f"Embed it again and train again: ./run embed {corpus.name},"
            f" then ./run train {corpus.name}",
        )


def make_encoder_record(encoder_id: str, dim: int) -> dict:
    """What an alignment remembers of an encoder: "id", "revision", "dim"."""
    return {"id": encoder_id, "revision": encoders.find_encoder_spec(encoder_id).revision, "dim": dim}


def compute_fingerprint(*parts: np.ndarray | str) -> str:
    """16 hex digits that only the same arrays and texts in the same order have."""
    digest = hashlib.blake2b(digest_size=8)
    for part in parts:
        array = np.ascontiguousarray(part)
        digest.update(f"{array.dtype} {array.shape} ".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
