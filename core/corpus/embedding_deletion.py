"""Deletion of an encoder's embeddings from a corpus, such as imported ones under a wrong name."""

from __future__ import annotations

from collections.abc import Iterable

from core.corpus.corpus import Corpus
from core.encoders.concatenated_encoders import split_encoder_id
from core.errors import EarshotError


def delete_embeddings(corpus: Corpus, encoder_id: str) -> int:
    """Delete all embeddings by an encoder, so that its name is free again.

    Parameters
    ----------
    corpus : Corpus
    encoder_id : str
        As `Corpus.count_embeddings_by_encoder` lists it: "own/code/NAME" for imported ones.

    Returns
    -------
    int
        Number of deleted embeddings.

    Raises
    ------
    EarshotError
        If the corpus has none by this encoder, it was built with the encoder, or an alignment was
        trained on them.
    """
    counts = {name: count for name, _, count in corpus.count_embeddings_by_encoder()}
    if encoder_id not in counts:
        raise EarshotError(
            f"Corpus '{corpus.name}' has no embeddings by {encoder_id[:80]!r}.",
            remedy=f"It has those of: {', '.join(counts) or 'no encoder'}.",
        )
    if _is_encoder_among(encoder_id, (corpus.settings.get("encoders") or {}).values()):
        raise EarshotError(
            f"Corpus '{corpus.name}' was built with {encoder_id}, so its embeddings stay.",
            remedy="Build it with other encoders first: ./run build NAME --preset …",
        )
    alignment_ids = [
        alignment_id
        for alignment_id in corpus.list_alignment_ids()
        if _is_encoder_among(encoder_id, _list_alignment_encoder_ids(corpus, alignment_id))
    ]
    if alignment_ids:
        raise EarshotError(
            f"{encoder_id} is in use: alignment {', '.join(alignment_ids)} was trained on it.",
            remedy="Import the corrected embeddings under another name.",
        )
    corpus.delete_encoder(encoder_id)
    return counts[encoder_id]


def _is_encoder_among(encoder_id: str, used_ids: Iterable[str]) -> bool:
    """Return whether encoders, or the parts of concatenated ones, include an encoder."""
    return any(
        encoder_id == used_id or encoder_id in split_encoder_id(used_id) for used_id in used_ids
    )


def _list_alignment_encoder_ids(corpus: Corpus, alignment_id: str) -> list[str]:
    encoders = corpus.load_alignment(alignment_id).config.get("encoders") or {}
    return [encoder["id"] for encoder in encoders.values()]
