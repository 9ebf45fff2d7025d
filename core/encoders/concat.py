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
from core.encoders.registry import EncoderEntry
from core.errors import EarshotError

if TYPE_CHECKING:
    from core.encoders.device import Compute

SIGN = "+"
BETWEEN = "|"  # the revisions of the parts


def part_ids(encoder_id: str) -> list[str]:
    """Ids of the encoders that an id joins; of a single one that id alone."""
    return [part.strip() for part in encoder_id.split(SIGN)]


def part_revisions(revision: str) -> list[str]:
    """Revisions of the parts, in their order, from that of the whole."""
    return revision.rpartition("+")[0].split(BETWEEN)


def join(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Set the parts' vectors side by side.

    Parameters
    ----------
    parts : sequence of array, float [n, d_i]
        Row i of all is the same item.

    Returns
    -------
    float32 [n, sum of d_i]
        Rows of length 1; a part that is all zeros stays so.
    """
    scaled = []
    for part in parts:
        length = np.linalg.norm(part, axis=1, keepdims=True)
        scaled.append(part / np.where(length > 0, length, 1) / np.sqrt(len(parts)))
    return np.concatenate(scaled, axis=1).astype(np.float32)


@dataclass(frozen=True)
class JoinedWeights:
    """The weights of all parts."""

    parts: tuple[EncoderEntry, ...]

    @property
    def source(self) -> str:
        return "; ".join(part.source for part in self.parts)

    @property
    def revision(self) -> str:
        return BETWEEN.join(part.revision for part in self.parts)

    def how_to_get(self, encoder_id: str) -> str:
        lacking = [part for part in self.parts if not part.at_hand()]
        return "; ".join(part.how_to_get for part in lacking) or "Nothing to get"

    def at_hand(self) -> bool:
        return all(part.at_hand() for part in self.parts)

    def locate(self, encoder_id: str) -> Path:
        raise EarshotError(f"{encoder_id} has no weights of its own, only its parts have.")


def joined_entry(parts: Sequence[EncoderEntry]) -> EncoderEntry:
    """The entry of some encoders joined.

    Raises
    ------
    EarshotError
        When they aren't all for code or all for audio, or one comes twice.
    """
    ids = [part.id for part in parts]
    whole = SIGN.join(ids)
    modalities = sorted({part.modality for part in parts})
    if len(modalities) > 1:
        raise EarshotError(
            f"{whole} joins encoders of code and of audio.", remedy="Join encoders of one kind."
        )
    if len(set(ids)) < len(ids):
        raise EarshotError(f"{whole} names an encoder twice.", remedy="Name each once.")
    return EncoderEntry(
        id=whole,
        modality=modalities[0],
        family="joined",
        dim=sum(part.dim for part in parts),
        title=", joined with ".join(part.title for part in parts),
        licence="; ".join(dict.fromkeys(part.licence for part in parts)),
        weights=JoinedWeights(tuple(parts)),
        credit="; ".join(filter(None, (part.credit for part in parts))),
    )


class JoinedEncoder(Encoder):
    """Several encoders that read, or hear, the same."""

    def __init__(self, entry: EncoderEntry, compute: Compute):
        from core.encoders.loading import load_or_kept

        super().__init__(entry)
        self._parts = [load_or_kept(part, compute) for part in entry.weights.parts]

    @property
    def parts(self) -> list[Encoder]:
        return self._parts

    def _embedded(self, items: Sequence[Any]) -> Iterator[tuple[list[int], np.ndarray]]:
        yield list(range(len(items))), join([part.embed(items) for part in self._parts])
