"""LocalExecutor: renders in processes and embeds in threads of this machine."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core import encoders, sonicpi
from core.corpus import get_local_clip_file, try_to_fetch_clip_files
from core.corpus.encoded_render import EncodedRender, encode_render
from core.errors import EarshotError
from core.pipeline.executors.executor_interface import ClipSettings, EmbeddedItem, ProgramResult
from core.pipeline.executors.fault_tolerant_embedding import embed_each_item
from core.sonicpi import DEFAULT_SONIC_PI, Clip, RenderResult

# Programs per commit: enough for an encoder to sort them by length, few enough to lose in a crash.
CODE_BATCH_SIZE = 64
# Clips per commit. An encoder computes one clip per core at a time, and each clip takes about 6 MB.
MAX_CLIPS_AT_ONCE = 16


@dataclass(frozen=True)
class LocalExecutor:
    """Renders in processes on this machine, and embeds in threads of this process.

    Attributes
    ----------
    workers : int or None
        Number of processes. None: one per core.
    sample_folders : tuple of Path
        Folders of samples that the programs of `render_programs` may read.
    """

    workers: int | None = None
    sample_folders: tuple[Path, ...] = ()

    @contextmanager
    def render_programs(
        self, sources: Iterable[str], seconds: float, sonic_pi: str = DEFAULT_SONIC_PI
    ) -> Iterator[Iterator[tuple[int, RenderResult]]]:
        """Render programs, as `Executor.render_programs` documents it."""
        settings = ClipSettings(seconds, sonic_pi, sample_folders=self.sample_folders)
        with self._render_with_settings(sources, settings) as results:
            yield results

    @contextmanager
    def render_programs_and_embed_clips(
        self, sources: Iterable[str], settings: ClipSettings
    ) -> Iterator[Iterator[list[tuple[int, ProgramResult]]]]:
        """Do what `Executor.render_programs_and_embed_clips` documents."""
        audio_encoders = [encoders.get_encoder(name) for name in settings.audio_encoders]
        with self._render_with_settings(sources, settings) as results:
            yield _encode_and_embed_results(results, settings, audio_encoders)

    @contextmanager
    def embed_batches(
        self, encoder_id: str, batches: Iterable[Sequence[str] | Sequence[Path]]
    ) -> Iterator[Iterator[tuple[int, list[EmbeddedItem]]]]:
        """Embed batches of items, as `Executor.embed_batches` documents it."""
        encoder = encoders.get_encoder(encoder_id)
        yield ((index, _embed_batch(encoder, batch)) for index, batch in enumerate(batches))

    def choose_batch_size(self, modality: str) -> int:
        """Return the number of programs or clips to embed together so that no core idles."""
        return CODE_BATCH_SIZE if modality == "code" else choose_clip_batch_size()

    @contextmanager
    def _render_with_settings(
        self, sources: Iterable[str], settings: ClipSettings
    ) -> Iterator[Iterator[tuple[int, RenderResult]]]:
        results = sonicpi.render_programs_in_parallel(
            sources,
            seconds=settings.seconds,
            workers=self.workers,
            sample_folders=settings.sample_folders,
            sonic_pi=settings.sonic_pi,
        )
        try:
            yield results
        finally:
            # `render_programs_in_parallel` is a generator function; closing its generator stops the
            # workers.
            results.close()  # type: ignore[attr-defined] # typed as the iterator that users need


def choose_clip_batch_size() -> int:
    """Return the number of clips to embed together so that no core idles."""
    return min(len(os.sched_getaffinity(0)), MAX_CLIPS_AT_ONCE)


def _encode_and_embed_results(
    results: Iterator[tuple[int, RenderResult]],
    settings: ClipSettings,
    audio_encoders: Sequence[encoders.Encoder],
) -> Iterator[list[tuple[int, ProgramResult]]]:
    """Encode each result at once, and embed the clips of as many as there are cores together."""
    batch_size = choose_clip_batch_size() if audio_encoders else 1
    waiting: dict[int, tuple[EncodedRender, Clip]] = {}
    for index, result in results:
        render, clip = encode_render(result, settings.audio_format, is_strict=settings.is_strict)
        if clip is None:
            yield [(index, ProgramResult(render))]
            continue
        waiting[index] = render, clip
        if len(waiting) >= batch_size:
            yield _embed_clips(waiting, audio_encoders)
            waiting = {}
    if waiting:
        yield _embed_clips(waiting, audio_encoders)


def _embed_clips(
    renders: dict[int, tuple[EncodedRender, Clip]], audio_encoders: Sequence[encoders.Encoder]
) -> list[tuple[int, ProgramResult]]:
    clips = [clip for _, clip in renders.values()]
    vectors = {encoder.spec.id: embed_each_item(encoder, clips) for encoder in audio_encoders}
    return [
        (index, ProgramResult(render, {name: items[row] for name, items in vectors.items()}))
        for row, (index, (render, _)) in enumerate(renders.items())
    ]


def _embed_batch(
    encoder: encoders.Encoder, batch: Sequence[str] | Sequence[Path]
) -> list[EmbeddedItem]:
    """Embed one batch; a clip that cannot be loaded costs only itself."""
    items: dict[int, Any] = {}
    results: dict[int, EmbeddedItem] = {}
    try_to_fetch_clip_files(item for item in batch if isinstance(item, Path))
    for index, item in enumerate(batch):
        try:
            items[index] = Clip.load(get_local_clip_file(item)) if isinstance(item, Path) else item
        except EarshotError as error:
            results[index] = str(error)
    if items:
        results |= zip(items, embed_each_item(encoder, list(items.values())))
    return [results[index] for index in range(len(batch))]
