"""The clips of a corpus: the part of `Corpus` that stores them."""

from __future__ import annotations

from collections.abc import Sequence

from core.corpus.audio_shard_store import AudioStore
from core.corpus.clip_store import ClipStore
from core.corpus.encoded_render import EncodedRender
from core.progress_callback import Progress, ignore_progress
from core.sonicpi.audio_clip_and_render_result import Clip, RenderResult


class CorpusClips:
    """The clips in the folder and the database of a corpus.

    Parameters
    ----------
    clip_store : ClipStore
    """

    def __init__(self, clip_store: ClipStore):
        self._clip_store = clip_store

    @property
    def is_strict_about_thread_errors(self) -> bool:
        """Whether an error that ends one thread fails a program; false in a new corpus."""
        return self._clip_store.is_strict_about_thread_errors

    def set_strict_about_thread_errors(self, is_strict: bool) -> None:
        """Make the corpus strict or not.

        Programs for which that makes a difference are rendered again by the next build.
        """
        if is_strict != self.is_strict_about_thread_errors:
            self._clip_store.change_strictness_about_thread_errors(is_strict)

    @property
    def audio_store(self) -> AudioStore | None:
        """Where the clips lie in shards; None if they are only in the corpus's folder."""
        return self._clip_store.audio_store

    def set_audio_store(self, url: str, cache_mb: int | None = None) -> None:
        """Keep the clips in shards at a URL; the corpus's folder becomes a cache of them.

        `upload_clips` and the methods that store clips write the shards. A corpus has one audio
        store for good.

        Parameters
        ----------
        url : str
            As `core.corpus.audio_shard_store.normalize_store_url` returns it. The shards are in a
            folder with the corpus's name. Clips of shards that are there already are used.
        cache_mb : int, optional
            Size of the local cache of clips in MB: the present size, or 2,000 for a new store.

        Raises
        ------
        EarshotError
            If the corpus has another store, or this one cannot be read.
        """
        self._clip_store.set_audio_store(url, cache_mb)

    def upload_clips(self, progress: Progress = ignore_progress) -> None:
        """Write all clips that are in no shard yet into the audio store, if there is one.

        Raises
        ------
        EarshotError
            If the store cannot be written. No clip is lost then.
        """
        self._clip_store.upload_clips(progress)

    def discard_renders_that_lack_samples(self) -> None:
        """Let the next build render again what failed or did not find a sample file."""
        self._clip_store.discard_renders_that_lack_samples()

    def list_programs_to_render(self) -> list[tuple[str, str]]:
        """Return (program id, source) of each program to render, in insertion order.

        These are programs that were never rendered, whose clip is missing or has another size on
        disk, and programs whose failure another attempt may not repeat: it was the machine's fault
        or happened in an older renderer. Clips of an older renderer stay valid.
        """
        return self._clip_store.list_programs_to_render()

    def store_render_result(
        self, program_id: str, rendering: RenderResult, seconds: float
    ) -> Clip | None:
        """Store the result of rendering a program: first the clip's file, then its row.

        Parameters
        ----------
        program_id : str
        rendering : RenderResult
        seconds : float
            Length of the clip.

        Returns
        -------
        Clip or None
            The clip as its file holds it, which is what is embedded. None if the program failed.
        """
        return self._clip_store.store_render_result(program_id, rendering, seconds)

    def store_encoded_renders(
        self, renders: Sequence[tuple[str, EncodedRender]], seconds: float
    ) -> None:
        """Store the encoded results of rendering programs: first the files, then the rows.

        The rows are stored in one transaction.

        Parameters
        ----------
        renders : sequence of (program id, EncodedRender)
            Each program at most once.
        seconds : float
            Length of the clips.

        Raises
        ------
        EarshotError
            If a file cannot be written, or a program is unknown or given twice.
        """
        self._clip_store.store_encoded_renders(renders, seconds)

    def list_programs_with_clip_file(self, program_ids: Sequence[str], seconds: float) -> list[str]:
        """Return those of some programs whose clip has a file, which may be damaged.

        Parameters
        ----------
        program_ids : sequence of str
            Each program at most once.
        seconds : float
            Length of the clips.
        """
        return self._clip_store.list_programs_with_clip_file(program_ids, seconds)

    def register_existing_clip(self, program_id: str, seconds: float) -> Clip | None:
        """Record the clip of a program whose file exists already.

        Returns
        -------
        Clip or None
            None if there is no such file or it is damaged.
        """
        return self._clip_store.register_existing_clip(program_id, seconds)
