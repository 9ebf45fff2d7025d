"""Imported embeddings: vectors computed elsewhere, stored like those of an encoder.

A corpus trains on, evaluates, maps and exports them like any embeddings. Their encoder is not
available, so they cannot embed new items.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core import workspace
from core.encoders.encoder_spec import MODALITIES, EncoderSpec, validate_modality
from core.errors import EarshotError

# Stored in corpora as the first part of an id, own/MODALITY/NAME.
IMPORTED_ID_PREFIX = "own"


def make_imported_encoder_id(modality: str, embedding_name: str) -> str:
    """Return the id under which a corpus stores imported embeddings.

    Parameters
    ----------
    modality : {"code", "audio"}
    embedding_name : str
        As `core.workspace.validate_folder_name` allows it.

    Raises
    ------
    EarshotError
        If the modality or the name is invalid.
    """
    validate_modality(modality)
    name = workspace.validate_folder_name(embedding_name, "name of the vectors")
    return f"{IMPORTED_ID_PREFIX}/{modality}/{name}"


def is_imported_encoder(encoder_id: str) -> bool:
    """Return whether an id was made by `make_imported_encoder_id`."""
    parts = encoder_id.split("/")
    return (
        len(parts) == 3
        and parts[0] == IMPORTED_ID_PREFIX
        and parts[1] in MODALITIES
        and workspace.NAME_PATTERN.match(parts[2]) is not None
    )


def build_imported_encoder_spec(encoder_id: str) -> EncoderSpec:
    """Return the spec of imported embeddings; only the corpus knows their dimension."""
    _, modality, name = encoder_id.split("/")
    return EncoderSpec(
        id=make_imported_encoder_id(modality, name),
        modality=modality,
        family="imported",
        dim=0,
        title="imported embeddings",
        licence="see their source",
        weights=ImportedWeights(modality, name),
    )


def build_encoder_not_loadable_error(spec: EncoderSpec) -> EarshotError:
    """Return the error for an attempt to embed new items with imported embeddings."""
    return EarshotError(
        f"{spec.id} holds imported embeddings. Their encoder is not available, so they cannot embed"
        " new items.",
        remedy="Import embeddings of the new items too, or use an alignment trained with an encoder"
        " that Earshot runs.",
    )


@dataclass(frozen=True)
class ImportedWeights:
    """Weights of an unavailable encoder.

    Attributes
    ----------
    modality : {"code", "audio"}
    embedding_name : str
    """

    modality: str
    embedding_name: str
    revision: str = "0"
    weights_origin: str = "imported embeddings"

    def format_weights_install_instructions(self, _encoder_id: str, /) -> str:
        """Return the command that imports the embeddings."""
        return f"./run import CORPUS TABLE --vectors {self.modality} --name {self.embedding_name}"

    def is_available_offline(self) -> bool:
        """Return False: the encoder cannot be loaded."""
        return False

    def locate_or_download_weights(self, encoder_id: str, /) -> Path:
        """Raise an error: the encoder has no files here."""
        raise EarshotError(f"{encoder_id} has no weights here.")
