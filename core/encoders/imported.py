"""Vectors that somebody brought: an encoder of which only what it gave is here.

A corpus keeps them like any encoder's, so they are trained on, judged, mapped and exported like
any other's. What they lack is the encoder itself: nothing new can be embedded by them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core import workspace
from core.encoders.base import Encoder
from core.encoders.registry import MODALITIES, EncoderEntry
from core.errors import EarshotError

if TYPE_CHECKING:
    from core.encoders.device import Compute

PREFIX = "own"


def own_id(modality: str, name: str) -> str:
    """The id under which a corpus keeps vectors that were brought.

    Raises
    ------
    EarshotError
        When the name isn't one, or the modality is neither "code" nor "audio".
    """
    if modality not in MODALITIES:
        raise EarshotError(f"{modality!r} is no modality.", remedy="Use code or audio.")
    return f"{PREFIX}/{modality}/{workspace.checked_name(name, 'name of the vectors')}"


def is_own(encoder_id: str) -> bool:
    """Whether an id is one of `own_id`'s."""
    parts = encoder_id.split("/")
    return (
        len(parts) == 3
        and (parts[0], parts[1] in MODALITIES) == (PREFIX, True)
        and workspace.NAME.match(parts[2]) is not None
    )


def own_entry(encoder_id: str) -> EncoderEntry:
    """The entry of vectors that were brought; their length is the corpus's to say."""
    _, modality, name = encoder_id.split("/")
    return EncoderEntry(
        id=own_id(modality, name),
        modality=modality,
        family="own",
        dim=0,
        title="vectors of your own",
        licence="as their maker says",
        weights=OwnWeights(modality, name),
    )


@dataclass(frozen=True)
class OwnWeights:
    """They stayed where the vectors were made."""

    modality: str
    name: str
    revision: str = "0"
    source: str = "vectors that were imported"

    def how_to_get(self, encoder_id: str) -> str:
        return f"./run import CORPUS TABLE --vectors {self.modality} --as {self.name}"

    def at_hand(self) -> bool:
        return False

    def locate(self, encoder_id: str) -> Path:
        raise EarshotError(f"{encoder_id} has no weights here.")


class OwnVectors(Encoder):
    """What can't be loaded."""

    def __init__(self, entry: EncoderEntry, compute: Compute):
        raise EarshotError(
            f"{entry.id} holds vectors that were imported; what made them isn't here, so nothing"
            " new can be embedded by it.",
            remedy="Import vectors of what is new too, or use an alignment that was trained with"
            " an encoder that Earshot runs.",
        )

    def _embedded(self, items):
        raise NotImplementedError
