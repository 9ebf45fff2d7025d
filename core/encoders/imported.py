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
from core.encoders.registry import MODALITIES, EncoderSpec
from core.errors import EarshotError

if TYPE_CHECKING:
    from core.encoders.device import ComputeConfig

IMPORTED_ID_PREFIX = "own"


def make_imported_encoder_id(modality: str, embedding_name: str) -> str:
    """The id under which a corpus keeps vectors that were brought.

    Raises
    ------
    EarshotError
        When the name isn't one, or the modality is neither "code" nor "audio".
    """
    if modality not in MODALITIES:
        raise EarshotError(f"{modality!r} is no modality.", remedy="Use code or audio.")
    return f"{IMPORTED_ID_PREFIX}/{modality}/{workspace.validate_name(embedding_name, 'name of the vectors')}"


def is_imported_encoder(encoder_id: str) -> bool:
    """Whether an id is one of `own_id`'s."""
    parts = encoder_id.split("/")
    return (
        len(parts) == 3
        and (parts[0], parts[1] in MODALITIES) == (IMPORTED_ID_PREFIX, True)
        and workspace.NAME_PATTERN.match(parts[2]) is not None
    )


def build_imported_spec(encoder_id: str) -> EncoderSpec:
    """The entry of vectors that were brought; their length is the corpus's to say."""
    _, modality, name = encoder_id.split("/")
    return EncoderSpec(
        id=make_imported_encoder_id(modality, name),
        modality=modality,
        family="own",
        dim=0,
        title="vectors of your own",
        licence="as their maker says",
        weights=ImportedWeights(modality, name),
    )


@dataclass(frozen=True)
class ImportedWeights:
    """They stayed where the vectors were made."""

    modality: str
    embedding_name: str
    revision: str = "0"
    source: str = "vectors that were imported"

    def format_install_instructions(self, encoder_id: str) -> str:
        return f"./run import CORPUS TABLE --vectors {self.modality} --as {self.embedding_name}"

    def is_available_offline(self) -> bool:
        return False

    def resolve_weights_path(self, encoder_id: str) -> Path:
        raise EarshotError(f"{encoder_id} has no weights here.")


class ImportedEncoder(Encoder):
    """What can't be loaded."""

    def __init__(self, spec: EncoderSpec, compute: ComputeConfig):
        raise EarshotError(
            f"{spec.id} holds vectors that were imported; what made them isn't here, so nothing"
            " new can be embedded by it.",
            remedy="Import vectors of what is new too, or use an alignment that was trained with"
            " an encoder that Earshot runs.",
        )

    def _embed_batches(self, items):
        raise NotImplementedError
