"""Encoders joined: `a+b` gives a's vector beside b's.

Each part is scaled to length 1 first, and the whole to length 1 again: so the cosine of two
joined vectors is the mean of the parts' cosines, whatever sizes and units the parts have. A
corpus keeps the parts alone and joins them as they are read, so `a+b+c` costs nothing where a, b
and c are there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.encoders.base import Encoder
from core.encoders.registry import EncoderSpec
from core.errors import EarshotError

if TYPE_CHECKING:
    from core.encoders.device import ComputeConfig

ID_SEPARATOR = "+"
REVISION_SEPARATOR = "|"  # the revisions of the parts


def split_encoder_id(encoder_id: str) -> list[str]:
    """Ids of the encoders that an id joins; of a single one that id alone."""
    return [part.strip() for part in encoder_id.split(ID_SEPARATOR)]


def split_revision(revision: str) -> list[str]:
    """Revisions of the parts, in their order, from that of the whole."""
    return revision.rpartition("+")[0].split(REVISION_SEPARATOR)


def concatenate_embeddings(embeddings: Sequence[np.ndarray]) -> np.ndarray:
    """Set the parts' vectors side by side.

    Parameters
    ----------
    embeddings : sequence of array, float [n, d_i]
        Row i of all is the same item.

    Returns
    -------
    float32 [n, sum of d_i]
        Rows of length 1; a part that is all zeros stays so.
    """
    scaled = []
    for part in embeddings:
        length = np.linalg.norm(part, axis=1, keepdims=True)
        scaled.append(part / np.where(length > 0, length, 1) / np.sqrt(len(embeddings)))
    return np.concatenate(scaled, axis=1).astype(np.float32)


@dataclass(frozen=True)
class ConcatWeights:
    """The weights of all parts."""

    components: tuple[EncoderSpec, ...]

    @property
    def source(self) -> str:
        return "; ".join(part.source for part in self.components)

    @property
    def revision(self) -> str:
        return REVISION_SEPARATOR.join(part.revision for part in self.components)

    def format_install_instructions(self, encoder_id: str) -> str:
        lacking = [part for part in self.components if not part.is_available_offline()]
        return "; ".join(part.install_instructions for part in lacking) or "Nothing to get"

    def is_available_offline(self) -> bool:
        return all(part.is_available_offline() for part in self.components)

    def resolve_weights_path(self, encoder_id: str) -> Path:
        raise EarshotError(f"{encoder_id} has no weights of its own, only its parts have.")


def build_concat_spec(components: Sequence[EncoderSpec]) -> EncoderSpec:
    """The entry of some encoders joined.

    Raises
    ------
    EarshotError
        When they aren't all for code or all for audio, or one comes twice.
    """
    ids = [part.id for part in components]
    whole = ID_SEPARATOR.join(ids)
    modalities = sorted({part.modality for part in components})
    if len(modalities) > 1:
        raise EarshotError(
            f"{whole} joins encoders of code and of audio.", remedy="Join encoders of one kind."
        )
    if len(set(ids)) < len(ids):
        raise EarshotError(f"{whole} names an encoder twice.", remedy="Name each once.")
    return EncoderSpec(
        id=whole,
        modality=modalities[0],
        family="joined",
        dim=sum(part.dim for part in components),
        title=", joined with ".join(part.title for part in components),
        licence="; ".join(dict.fromkeys(part.licence for part in components)),
        weights=ConcatWeights(tuple(components)),
        credit="; ".join(filter(None, (part.credit for part in components))),
    )


class ConcatEncoder(Encoder):
    """Several encoders that read, or hear, the same."""

    def __init__(self, spec: EncoderSpec, compute: ComputeConfig):
        from core.encoders.loading import get_or_load_encoder

        super().__init__(spec)
        self._components = [get_or_load_encoder(part, compute) for part in spec.weights.components]

    @property
    def components(self) -> list[Encoder]:
        return self._components

    def _embed_batches(self, items: Sequence[Any]) -> Iterator[tuple[list[int], np.ndarray]]:
        yield list(range(len(items))), concatenate_embeddings([part.embed(items) for part in self._components])
