"""EncoderSpec: the description of an encoder before it is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.encoders.model_weight_sources import Weights
from core.errors import EarshotError

MODALITIES = ("code", "audio")
# How a text encoder turns the vectors of a program's tokens into one.
MEAN_POOLING, LAST_TOKEN_POOLING = "mean", "last-token"
# Between the revisions of the components of a concatenated encoder.
REVISION_SEPARATOR = "|"


def split_concat_revision(revision: str) -> list[str]:
    """Return the revisions of the components from that of the concatenated encoder."""
    # What follows the last "+" is the concatenation's own recipe version.
    return revision.rpartition("+")[0].split(REVISION_SEPARATOR)


def validate_modality(modality: str) -> str:
    """Return the modality if it is one of `MODALITIES`.

    Raises
    ------
    EarshotError
        If it is neither "code" nor "audio".
    """
    if modality not in MODALITIES:
        raise EarshotError(f"{modality!r} is not a modality.", remedy="Use code or audio.")
    return modality


@dataclass(frozen=True)
class EncoderSpec:
    """Description of an encoder, available without loading it.

    Attributes
    ----------
    id : str
        Name used by people and stored in corpora: a built-in name, the path of a folder, or
        several ids joined by "+".
    modality : {"code", "audio"}
    family : str
        Architecture: a key of `core.encoders.encoder_loading.ENCODER_CLASS_BY_FAMILY`.
    dim : int
        Length of the vectors.
    title : str
        Short description.
    licence : str
        Licence of the weights.
    weights : Weights
        Origin of the weights.
    sample_rate : int or None
        Sample rate of the training audio in Hz; None for code encoders.
    context_length : int or None
        Maximum number of tokens per window, where the model's files state more than the model was
        trained for.
    mode_token : str
        Token inserted before the program to select the model's embedding mode.
    prompt : str
        Text inserted before the program, as the model's authors prescribe it.
    pooling : {"mean", "last-token"}
        How a text encoder turns token vectors into one: their mean, or the last one, which in a
        model that only looks back has seen the whole text.
    max_windows : int or None
        Windows of a clip that an audio encoder of `core.encoders.musicnn` embeds at most; None for
        all.
    concat_weight : float
        Weight of the encoder's cosines in a concatenation (`core.encoders.concatenated_encoders`).
        Encoders differ in how far the cosines of two clips spread; weights that are inverse to the
        spread let each component count as much.
    shared_space : str
        Id of the encoder of the other modality with which this one shares a space without any
        training here; "" if there is none.
    use_restriction : str
        What the licence forbids most users, in one sentence; "" if it allows any use.
    credit : str
        Authors to cite.
    recipe_version : int
        Version of the processing around the weights. Increase it with every change that alters
        vectors: corpora then replace the embeddings they hold.
    comparable_revisions : tuple of str
        Earlier revisions whose embeddings have the same columns and the same meaning, with other
        values for some programs. Corpora and alignments that have them can still be searched.
    """

    id: str
    modality: str
    family: str
    dim: int
    title: str
    licence: str
    weights: Weights
    sample_rate: int | None = None
    context_length: int | None = None
    mode_token: str = ""
    prompt: str = ""
    pooling: str = MEAN_POOLING
    max_windows: int | None = None
    concat_weight: float = 1.0
    shared_space: str = ""
    use_restriction: str = ""
    credit: str = ""
    recipe_version: int = 1
    comparable_revisions: tuple[str, ...] = ()

    @property
    def weights_origin(self) -> str:
        """Return the origin of the weights in a few words."""
        return self.weights.weights_origin

    @property
    def weights_install_instructions(self) -> str:
        """Return the command, or else a sentence, that explains how to get the weights."""
        return self.weights.format_weights_install_instructions(self.id)

    @property
    def usage_warning(self) -> str:
        """Return what to know about the licence before use; "" if it allows any use."""
        if not self.use_restriction:
            return ""
        return f"{self.id}: {self.use_restriction} (licence {self.licence})."

    @property
    def revision(self) -> str:
        """Return the version of weights and recipe.

        Embeddings of two revisions do not compare, unless both are in `comparable_revisions`.
        """
        return f"{self.weights.revision}+{self.recipe_version}"

    def is_comparable_revision(self, revision: str) -> bool:
        """Return whether embeddings of a revision compare with those of this encoder."""
        if revision == self.revision or revision in self.comparable_revisions:
            return True
        components = self.component_specs
        revisions = split_concat_revision(revision)
        return len(revisions) == len(components) > 1 and all(
            component.is_comparable_revision(component_revision)
            for component, component_revision in zip(components, revisions)
        )

    @property
    def component_specs(self) -> tuple[EncoderSpec, ...]:
        """Return the specs of the concatenated encoders; the spec itself for a single encoder."""
        return self.weights.component_specs if isinstance(self.weights, ConcatWeights) else (self,)

    def is_available_offline(self) -> bool:
        """Return whether the encoder loads without a network; only looks for files."""
        return self.weights.is_available_offline()


@dataclass(frozen=True)
class ConcatWeights:
    """Weights of a concatenated encoder: those of its components.

    Attributes
    ----------
    component_specs : tuple of EncoderSpec
        At least two, in the order of their vectors.
    """

    component_specs: tuple[EncoderSpec, ...]

    @property
    def weights_origin(self) -> str:
        """Return the sources of all components."""
        return "; ".join(spec.weights_origin for spec in self.component_specs)

    @property
    def revision(self) -> str:
        """Return the revisions of all components, in order."""
        return REVISION_SEPARATOR.join(spec.revision for spec in self.component_specs)

    def format_weights_install_instructions(self, _encoder_id: str, /) -> str:
        """Return how to get the weights of the components that are not available."""
        missing = [spec for spec in self.component_specs if not spec.is_available_offline()]
        return (
            "; ".join(spec.weights_install_instructions for spec in missing) or "Nothing to install"
        )

    def is_available_offline(self) -> bool:
        """Return whether all components are available."""
        return all(spec.is_available_offline() for spec in self.component_specs)

    def locate_or_download_weights(self, encoder_id: str, /) -> Path:
        """Raise an error: only the components have files."""
        raise EarshotError(f"{encoder_id} has no weights of its own, only its components have.")
