"""What every encoder does: items in, finite vectors out, in the same order."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from core.encoders.registry import EncoderSpec
from core.errors import EarshotError
from core.progress import Progress, ignore_progress

if TYPE_CHECKING:
    from core.sonicpi.clip import Clip

PROGRESS_LABELS = {"code": "Embedding code", "audio": "Embedding clips"}


class EmbedError(EarshotError):
    """One item cannot be embedded; `index` is its place among the items, from 0."""

    def __init__(self, message: str, index: int, *, remedy: str | None = None):
        self.index = index
        super().__init__(message, where=f"item {index}", remedy=remedy)


class Encoder(ABC):
    """A loaded encoder. Made by `core.encoders.get`.

    Attributes
    ----------
    spec : EncoderEntry
    """

    def __init__(self, spec: EncoderSpec):
        self.spec = spec

    def embed(
        self, items: Sequence[str] | Sequence[Clip], progress: Progress | None = None
    ) -> np.ndarray:
        """Turn programs, or clips, into vectors.

        On a CPU an item's vector depends on that item alone, bit for bit: not on the other
        items, their order or the number of threads. On another processor its last bits differ.

        Parameters
        ----------
        items : sequence of str, or of Clip
            Sources for a code encoder, clips of any sample rate for an audio
            encoder. Silence and empty sources have a vector too.
        progress : Progress, optional

        Returns
        -------
        float32 [n, dim]
            Row i belongs to item i. As the model gives them: not normalised.

        Raises
        ------
        EmbedError
            When an item is no program or clip, or its vector is not finite.
        """
        progress = progress or ignore_progress
        step, total = PROGRESS_LABELS[self.spec.modality], len(items)
        vectors = np.empty((total, self.spec.dim), np.float32)
        done = 0
        for places, rows in self._embed_batches(items):
            finite = np.isfinite(rows).all(axis=1)
            if not finite.all():
                place = places[int(np.argmin(finite))]
                raise EmbedError(f"{self.spec.id} gives no finite vector for it.", place)
            vectors[places] = rows
            done += len(places)
            progress(step, done, total)
        return vectors

    @property
    def components(self) -> list[Encoder]:
        """The encoders that it joins; itself alone if it joins none."""
        return [self]

    @abstractmethod
    def _embed_batches(self, items: Sequence[Any]) -> Iterator[tuple[list[int], np.ndarray]]:
        """Yield places among the items and their vectors [len(places), dim], in any order."""
