"""The interface through which the pipeline renders and embeds many programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from core.corpus.encoded_render import EncodedRender
from core.sonicpi import DEFAULT_SONIC_PI, RenderResult

EmbeddedItem = np.ndarray | str
"""The vector of one item, float32 [dim], or the message why it could not be embedded."""


@dataclass(frozen=True)
class ClipSettings:
    """How the programs of a corpus become clips and embeddings.

    Attributes
    ----------
    seconds : float
        Length of each clip.
    sonic_pi : {"3.2", "5"}
        Version of Sonic Pi whose sound the clips have.
    audio_format : {"flac", "ogg"}
    is_strict : bool
        Whether an error that ends one thread fails a program.
    audio_encoders : tuple of str
        Ids of the encoders that embed each clip; none of them a concatenation.
    sample_folders : tuple of Path
        Folders of samples that programs may read. Every node needs them at the same path.
    """

    seconds: float
    sonic_pi: str = DEFAULT_SONIC_PI
    audio_format: str = "flac"
    is_strict: bool = False
    audio_encoders: tuple[str, ...] = ()
    sample_folders: tuple[Path, ...] = ()


@dataclass(frozen=True, eq=False)
class ProgramResult:
    """What a corpus stores of one program: its clip or its error, and the clip's embeddings.

    Attributes
    ----------
    render : EncodedRender
    embeddings : dict of encoder id to EmbeddedItem
        One entry for each of `ClipSettings.audio_encoders`; empty if the program failed.
    """

    render: EncodedRender
    embeddings: dict[str, EmbeddedItem] = field(default_factory=dict)


class Executor(Protocol):
    """Renders and embeds programs, on this machine or elsewhere.

    Where the work ran does not change a result. Leaving a block stops all work in it.
    """

    def render_programs(
        self, sources: Iterable[str], seconds: float, sonic_pi: str = DEFAULT_SONIC_PI
    ) -> AbstractContextManager[Iterator[tuple[int, RenderResult]]]:
        """Render programs, in any order, while the block lasts.

        Parameters
        ----------
        sources : iterable of str
            Source code of the programs; consumed no faster than they are rendered.
        seconds : float
            Length of each clip.
        sonic_pi : {"3.2", "5"}
            Version of Sonic Pi whose sound the clips have.

        Returns
        -------
        context manager of an iterator of (int, RenderResult)
            Each program's index in `sources`, once, with its clip or its error.

        Raises
        ------
        EarshotError
            When nothing can be rendered at all.
        """
        ...

    def render_programs_and_embed_clips(
        self, sources: Iterable[str], settings: ClipSettings
    ) -> AbstractContextManager[Iterator[list[tuple[int, ProgramResult]]]]:
        """Render programs, encode their clips and embed them, in any order.

        Parameters
        ----------
        sources : iterable of str
            As in `render_programs`.
        settings : ClipSettings

        Returns
        -------
        context manager of an iterator of lists of (int, ProgramResult)
            Each program's index in `sources`, once. A list holds what was finished since the
            previous one, for the caller to store together.

        Raises
        ------
        EarshotError
            When nothing can be rendered at all, or an encoder cannot be used.
        """
        ...

    def embed_batches(
        self, encoder_id: str, batches: Iterable[Sequence[str] | Sequence[Path]]
    ) -> AbstractContextManager[Iterator[tuple[int, list[EmbeddedItem]]]]:
        """Embed batches of programs or of clips, in any order.

        Parameters
        ----------
        encoder_id : str
            No concatenation.
        batches : iterable of sequences
            Sources of programs for a code encoder, paths of clip files for an audio encoder.

        Returns
        -------
        context manager of an iterator of (int, list of EmbeddedItem)
            Each batch's index, once, with one result per item.

        Raises
        ------
        EarshotError
            When the encoder cannot be used.
        """
        ...

    def choose_batch_size(self, modality: str) -> int:
        """Return the number of programs ("code") or clips ("audio") to embed in one batch."""
        ...
