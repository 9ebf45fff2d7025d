"""Render what has no clip; embed clips from memory while the next ones are rendered."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Sequence

from core import encoders
from core.corpus import Corpus
from core.progress import Progress, ignore_progress
from core.sonicpi import Clip
from core.pipeline.embed import EmbedReport, clips_at_once, embed_and_store
from core.pipeline.render_executor import RenderExecutor, LocalExecutor

RENDERING_STEP = "Rendering and embedding clips"


@dataclass
class RenderReport:
    """What was done.

    Attributes
    ----------
    clips_rendered, clips_reused : int
        Programs rendered; clips found whole from an earlier time.
    embed_report : EmbedReport
    seconds : float
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
    """Bring every program of a corpus to a clip or an error.

    Parameters
    ----------
    corpus : Corpus
        Whose writer's lock the caller holds.
    audio_encoders : sequence of str
        Encoder ids by which each new clip is embedded at once.
    executor : Engine, optional
        What renders. Default: processes on this machine, one a core.
    progress : Progress

    Raises
    ------
    EarshotError
        When an encoder or the renderer cannot be used at all. What was finished
        stays.
    """
    report = RenderReport()
    pending = corpus.list_pending_clips()
    if not pending:
        return report
    start = time.monotonic()
    seconds = corpus.settings["seconds"]
    progress(RENDERING_STEP, 0, len(pending))
    loaded = [encoders.get_encoder(each) for each in audio_encoders]
    to_render = []
    waiting: dict[str, Clip] = {}
    for program_id, source in pending:
        clip = corpus.register_existing_clip(program_id, seconds)
        if clip is None:
            to_render.append((program_id, source))
            continue
        report.clips_reused += 1
        _embed_when_enough(corpus, loaded, waiting, program_id, clip, report)
        progress(RENDERING_STEP, report.clips_reused, len(pending))
    names = corpus.load_programs().set_index("program")["name"]
    executor = executor or LocalExecutor()
    with executor.render_programs((source for _, source in to_render), seconds) as renderings:
        for index, rendering in renderings:
            program_id = to_render[index][0]
            clip = corpus.put_rendering(program_id, rendering, seconds)
            report.clips_rendered += 1
            if clip is not None:
                _embed_when_enough(corpus, loaded, waiting, program_id, clip, report)
            note = f"{names[program_id]}: {rendering.error}" if rendering.error else ""
            progress(RENDERING_STEP, report.clips_reused + report.clips_rendered, len(pending), note)
    _embed_clip(corpus, loaded, waiting, report)
    report.seconds = time.monotonic() - start
    return report


def _embed_when_enough(
    corpus: Corpus,
    loaded: Sequence[encoders.Encoder],
    waiting: dict[str, Clip],
    program_id: str,
    clip: Clip,
    report: RenderReport,
) -> None:
    """Let a clip wait until there is one for each core, then embed them all."""
    waiting[program_id] = clip
    if len(waiting) >= clips_at_once():
        _embed_clip(corpus, loaded, waiting, report)


def _embed_clip(
    corpus: Corpus,
    loaded_encoders: Sequence[encoders.Encoder],
    waiting: dict[str, Clip],
    report: RenderReport,
) -> None:
    if not waiting:
        return
    program_ids, clips = list(waiting), list(waiting.values())
    for encoder in loaded_encoders:
        report.embed_report.audio_embeddings_added += embed_and_store(corpus, encoder, program_ids, clips, report.embed_report)
    waiting.clear()
