"""Rendering of the missing clips of a corpus, with embedding of each clip while it is in memory."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from core import encoders
from core.corpus import Corpus
from core.pipeline.corpus_sample_folders import load_corpus_sample_folders
from core.pipeline.embed import EmbedReport, choose_clip_batch_size, embed_and_store
from core.pipeline.render_executor import LocalExecutor, RenderExecutor
from core.progress_callback import Progress, ignore_progress
from core.sonicpi import Clip

RENDERING_STEP = "Rendering and embedding clips"


@dataclass(frozen=True)
class RenderReport:
    """Result of rendering the missing clips.

    Attributes
    ----------
    clips_rendered : int
        Programs that were rendered, failed ones included.
    clips_reused : int
        Intact clip files of an earlier build.
    embed_report : EmbedReport
    seconds : float
        Duration; 0 if nothing was missing.
    """

    clips_rendered: int = 0
    clips_reused: int = 0
    embed_report: EmbedReport = field(default_factory=EmbedReport)
    seconds: float = 0.0


def render_missing_clips(
    corpus: Corpus,
    audio_encoders: Sequence[str] = (),
    executor: RenderExecutor | None = None,
    progress: Progress = ignore_progress,
) -> RenderReport:
    """Render every program of a corpus that has neither a clip nor an error of its own.

    Parameters
    ----------
    corpus : Corpus
        The caller holds its writer lock.
    audio_encoders : sequence of str
        Ids of encoders that embed each new clip at once.
    executor : RenderExecutor, optional
        Default: processes on this machine, one per core.
    progress : Progress

    Raises
    ------
    EarshotError
        When an encoder or the renderer cannot be used at all. Clips that were finished stay.
    """
    pending = corpus.list_programs_to_render()
    if not pending:
        return RenderReport()
    start = time.monotonic()
    settings = corpus.settings
    clip_seconds = settings["seconds"]
    progress(RENDERING_STEP, 0, len(pending))
    embedder = _BatchEmbedder(corpus, [encoders.get_encoder(name) for name in audio_encoders])
    to_render = []
    clips_reused = 0
    for program_id, source in pending:
        clip = corpus.register_existing_clip(program_id, clip_seconds)
        if clip is None:
            to_render.append((program_id, source))
            continue
        clips_reused += 1
        embedder.collect_clip_and_embed_full_batch(program_id, clip)
        progress(RENDERING_STEP, clips_reused, len(pending))
    names = corpus.load_programs().set_index("program")["name"]
    executor = executor or LocalExecutor(sample_folders=load_corpus_sample_folders(corpus))
    clips_rendered = 0
    sources = (source for _, source in to_render)
    with executor.render_programs(sources, clip_seconds, settings["sonic_pi"]) as results:
        for index, result in results:
            program_id = to_render[index][0]
            clip = corpus.store_render_result(program_id, result, clip_seconds)
            clips_rendered += 1
            if clip is not None:
                embedder.collect_clip_and_embed_full_batch(program_id, clip)
            note = f"{names[program_id]}: {result.error}" if result.error else ""
            progress(RENDERING_STEP, clips_reused + clips_rendered, len(pending), note)
    embedder.embed_collected_clips()
    seconds = time.monotonic() - start
    return RenderReport(clips_rendered, clips_reused, embedder.report, seconds)


class _BatchEmbedder:
    """Collects clips until there is one per core, then embeds them all."""

    def __init__(self, corpus: Corpus, audio_encoders: Sequence[encoders.Encoder]):
        self.report = EmbedReport()
        self._corpus = corpus
        self._audio_encoders = audio_encoders
        self._clips: dict[str, Clip] = {}

    def collect_clip_and_embed_full_batch(self, program_id: str, clip: Clip) -> None:
        self._clips[program_id] = clip
        if len(self._clips) >= choose_clip_batch_size():
            self.embed_collected_clips()

    def embed_collected_clips(self) -> None:
        if not self._clips:
            return
        program_ids, clips = list(self._clips), list(self._clips.values())
        for encoder in self._audio_encoders:
            errors = embed_and_store(self._corpus, encoder, program_ids, clips)
            self.report += EmbedReport(0, len(clips) - len(errors), errors)
        self._clips.clear()
