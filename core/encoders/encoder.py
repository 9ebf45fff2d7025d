"""What every encoder does: items in, finite vectors out, in the same order."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from core.encoders.registry import EncoderEntry
from core.errors import EarshotError
from core.progress import Progress, silent

if TYPE_CHECKING:
    from core.sonicpi.clip import Clip

STEPS = {"code": "Embedding code", "audio": "Embedding clips"}


class EmbedError(EarshotError):
    """One item cannot be embedded; `index` is its place among the items, from 0."""

    def __init__(self, message: str, index: int, *, remedy: str | None = None):
        self.index = index
        super().__init__(message, where=f"item {index}", remedy=remedy)


class Encoder(ABC):
    """A loaded encoder. Made by `core.encoders.get`.

    Attributes
    ----------
    entry : EncoderEntry
    """

    def __init__(self, entry: EncoderEntry):
        self.entry = entry

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
        progress = progress or silent
        step, total = STEPS[self.entry.modality], len(items)
        vectors = np.empty((total, self.entry.dim), np.float32)
        done = 0
        for places, rows in self._embedded(items):
            finite = np.isfinite(rows).all(axis=1)
            if not finite.all():
                place = places[int(np.argmin(finite))]
                raise EmbedError(f"{self.entry.id} gives no finite vector for it.", place)
            vectors[places] = rows
            done += len(places)
            progress(step, done, total)
        return vectors

    @property
    def parts(self) -> list[Encoder]:
        """The encoders that it joins; itself alone if it joins none."""
        return [self]

    @abstractmethod
    def _embedded(self, items: Sequence[Any]) -> Iterator[tuple[list[int], np.ndarray]]:
        """Yield places among the items and their vectors [len(places), dim], in any order."""
