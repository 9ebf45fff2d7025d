"""Encoder: the interface of all encoders, and the checks on their inputs and outputs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from core.encoders.encoder_spec import EncoderSpec
from core.errors import EarshotError
from core.progress_callback import Progress, ignore_progress
from core.sonicpi.audio_clip_and_render_result import Clip

if TYPE_CHECKING:  # importing it loads torch
    from core.encoders.encoder_device_and_precision import ComputeConfig

PROGRESS_LABELS = {"code": "Embedding code", "audio": "Embedding clips"}
# Far more than Sonic Pi accepts in one buffer. Text pasted by mistake must not take minutes.
MAX_EMBEDDABLE_CHARS = 200_000


class EmbedError(EarshotError):
    """An item cannot be embedded.

    Parameters
    ----------
    message : str
        What happened, in one sentence.
    index : int
        Position of the item among the items, from 0.
    remedy : str, optional
        What to do about it.
    """

    def __init__(self, message: str, index: int, *, remedy: str | None = None):
        self.index = index
        super().__init__(message, where=f"item {index}", remedy=remedy)


class Encoder(ABC):
    """A loaded encoder, as `core.encoders.get_encoder` returns it.

    Parameters
    ----------
    spec : EncoderSpec
    compute : ComputeConfig, optional
        Device and precision; encoders without a neural network ignore it.
    """

    def __init__(self, spec: EncoderSpec, _compute: ComputeConfig | None = None):
        self.spec = spec

    def embed(
        self, items: Sequence[str] | Sequence[Clip], progress: Progress | None = None
    ) -> np.ndarray:
        """Return the vectors of programs or clips.

        On a CPU, the vector of an item depends on that item alone, bit for bit: not on the other
        items, their order or the number of threads. On a GPU the last bits may differ.

        Parameters
        ----------
        items : sequence of str, or of Clip
            Program sources for a code encoder, clips of any sample rate for an audio encoder.
            Empty programs and silent clips have vectors too.
        progress : Progress, optional

        Returns
        -------
        float32 [n, dim]
            Row i belongs to item i. Not normalized.

        Raises
        ------
        EmbedError
            If an item is not a program or clip, or its vector is not finite.
        """
        progress = progress or ignore_progress
        label, total = PROGRESS_LABELS[self.spec.modality], len(items)
        vectors = np.empty((total, self.spec.dim), np.float32)
        done = 0
        for indices, rows in self._iterate_embedded_batches(items):
            is_finite = np.isfinite(rows).all(axis=1)
            if not is_finite.all():
                index = indices[int(np.argmin(is_finite))]
                raise EmbedError(f"{self.spec.id} returned a vector that is not finite.", index)
            vectors[indices] = rows
            done += len(indices)
            progress(label, done, total)
        return vectors

    @property
    def component_encoders(self) -> list[Encoder]:
        """Return the concatenated encoders; the encoder itself if it is a single one."""
        return [self]

    @abstractmethod
    def _iterate_embedded_batches(
        self, items: Sequence[Any]
    ) -> Iterator[tuple[list[int], np.ndarray]]:
        """Yield item indices and their vectors [len(indices), dim], in any order."""


def validate_source_text(
    source: object, item_index: int, max_chars: int | None = MAX_EMBEDDABLE_CHARS
) -> str:
    """Return the source of a program if a code encoder can embed it.

    Parameters
    ----------
    source : object
    item_index : int
        Position of the program among the items, for the error message.
    max_chars : int, optional
        Maximum length; None for no limit.

    Raises
    ------
    EmbedError
        If the source is not a string, or too long.
    """
    if not isinstance(source, str):
        raise EmbedError(f"A program must be a string, not {type(source).__name__}.", item_index)
    if max_chars is not None and len(source) > max_chars:
        raise EmbedError(
            f"The program has {len(source):,} characters; the maximum is {max_chars:,}.",
            item_index,
            remedy="Split it.",
        )
    return source
