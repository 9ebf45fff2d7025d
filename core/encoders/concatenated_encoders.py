"""Concatenated encoders: the vector of `a+b` is that of `a` followed by that of `b`.

Each component is scaled to unit length, then by its weight, and so is the concatenation. The cosine
similarity of two concatenated vectors is therefore the weighted mean of the components'
similarities, whatever their dimensions and units. Weights (`EncoderSpec.concat_weight`) make up for
similarities that spread less than those of other encoders: in `aisfx+log-mel+musicnn-short`, the
consensus of three encoders that Earshot uses by default, each counts. A corpus stores the
components separately and concatenates them on reading, so `a+b+c` needs no further computation
once a, b and c are stored.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from core.encoders.encoder_interface import Encoder
from core.encoders.encoder_spec import ConcatWeights, EncoderSpec
from core.errors import EarshotError

ID_SEPARATOR = "+"


def split_encoder_id(encoder_id: str) -> list[str]:
    """Return the ids of the components; a single id for a single encoder."""
    return [component_id.strip() for component_id in encoder_id.split(ID_SEPARATOR)]


def concatenate_embeddings(
    embeddings: Sequence[np.ndarray], weights: Sequence[float] | None = None
) -> np.ndarray:
    """Concatenate the components' vectors, each scaled by the root of its weight.

    Parameters
    ----------
    embeddings : sequence of array, float [n, d_i]
        Row i of each array belongs to item i.
    weights : sequence of float, optional
        Positive, one per array: its share of the cosine similarity. Default: all equal.

    Returns
    -------
    float32 [n, sum of d_i]
        Rows of unit length; a component of zeros stays zero.
    """
    component_weights = np.ones(len(embeddings)) if weights is None else np.asarray(weights, float)
    divisors = np.sqrt(component_weights.sum() / component_weights)
    scaled = []
    for vectors, divisor in zip(embeddings, divisors, strict=True):
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        scaled.append(vectors / np.where(norms > 0, norms, 1) / divisor)
    return np.concatenate(scaled, axis=1).astype(np.float32)


def build_concat_encoder_spec(components: Sequence[EncoderSpec]) -> EncoderSpec:
    """Return the spec of a concatenated encoder.

    Raises
    ------
    EarshotError
        If the components differ in modality, or one appears twice.
    """
    component_ids = [spec.id for spec in components]
    encoder_id = ID_SEPARATOR.join(component_ids)
    modalities = sorted({spec.modality for spec in components})
    if len(modalities) > 1:
        raise EarshotError(
            f"{encoder_id} joins encoders of code and of audio.",
            remedy="Join encoders of one modality.",
        )
    if len(set(component_ids)) < len(component_ids):
        raise EarshotError(f"{encoder_id} names an encoder twice.", remedy="Name each once.")
    return EncoderSpec(
        id=encoder_id,
        modality=modalities[0],
        family="concat",
        dim=sum(spec.dim for spec in components),
        title=" + ".join(spec.title for spec in components),
        licence="; ".join(dict.fromkeys(spec.licence for spec in components)),
        weights=ConcatWeights(tuple(components)),
        use_restriction="; ".join(
            dict.fromkeys(filter(None, (spec.use_restriction for spec in components)))
        ),
        credit="; ".join(filter(None, (spec.credit for spec in components))),
        recipe_version=1 if len({spec.concat_weight for spec in components}) == 1 else 2,
    )


class ConcatEncoder(Encoder):
    """Several encoders of one modality that embed the same items.

    Parameters
    ----------
    spec : EncoderSpec
    components : list of Encoder
        Loaded, in the order of `spec.components`.
    """

    def __init__(self, spec: EncoderSpec, components: list[Encoder]):
        super().__init__(spec)
        self._components = components

    @property
    def component_encoders(self) -> list[Encoder]:
        """Return the concatenated encoders."""
        return self._components

    def _iterate_embedded_batches(
        self, items: Sequence[Any]
    ) -> Iterator[tuple[list[int], np.ndarray]]:
        embeddings = [encoder.embed(items) for encoder in self._components]
        weights = [encoder.spec.concat_weight for encoder in self._components]
        yield list(range(len(items))), concatenate_embeddings(embeddings, weights)
