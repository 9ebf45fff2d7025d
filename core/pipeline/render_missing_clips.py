"""Rendering of the missing clips of a corpus, with embedding of each clip while it is in memory."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from core import encoders
from core.corpus import Corpus
from core.pipeline.embed_missing_programs_and_clips import (
    EmbedReport,
    embed_missing_clips,
    store_embedded_items,
)
from core.pipeline.executors import ClipSettings, Executor, LocalExecutor, ProgramResult
from core.pipeline.user_sample_folders import load_corpus_sample_folders
from core.progress_callback import Progress, ignore_progress

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
    executor: Executor | None = None,
    progress: Progress = ignore_progress,
) -> RenderReport:
    """Render every program of a corpus that has neither a clip nor an error of its own.

    Parameters
    ----------
    corpus : Corpus
        The caller holds its writer lock.
    audio_encoders : sequence of str
        Ids of encoders that embed each new clip at once.
    executor : Executor, optional
        Default: processes on this machine, one per core.
    progress : Progress

    Raises
    ------
    EarshotError
        When an encoder or the renderer cannot be used at all. Clips that were finished stay.
    """
    pending = corpus.list_programs_to_render()
    if not pending:
        corpus.upload_clips(progress)
        return RenderReport()
    start = time.monotonic()
    executor = executor or LocalExecutor()
    clip_settings = _read_clip_settings(corpus, audio_encoders)
    progress(RENDERING_STEP, 0, len(pending))
    to_render = []
    clips_reused = 0
    program_ids = [program_id for program_id, _ in pending]
    with_file = set(corpus.list_programs_with_clip_file(program_ids, clip_settings.seconds))
    for program_id, source in pending:
        if (
            program_id not in with_file
            or corpus.register_existing_clip(program_id, clip_settings.seconds) is None
        ):
            to_render.append((program_id, source))
            continue
        clips_reused += 1
        progress(RENDERING_STEP, clips_reused, len(pending))
    names = corpus.load_programs().set_index("program")["name"]
    embed_report = EmbedReport()
    done = clips_reused
    sources = (source for _, source in to_render)
    with executor.render_programs_and_embed_clips(sources, clip_settings) as batches:
        for batch in batches:
            results = {to_render[index][0]: result for index, result in batch}
            embed_report += _store_program_results(
                corpus, results, clip_settings.seconds, audio_encoders
            )
            for program_id, result in results.items():
                done += 1
                error = result.render.error
                note = f"{names[program_id]}: {error}" if error else ""
                progress(RENDERING_STEP, done, len(pending), note)
    corpus.upload_clips(progress)
    if clips_reused:
        for encoder_id in audio_encoders:
            embed_report += embed_missing_clips(corpus, encoder_id, progress, executor)
    seconds = time.monotonic() - start
    return RenderReport(done - clips_reused, clips_reused, embed_report, seconds)


def _read_clip_settings(corpus: Corpus, audio_encoders: Sequence[str]) -> ClipSettings:
    settings = corpus.settings
    components = [
        component.id
        for encoder_id in audio_encoders
        for component in encoders.find_encoder_spec(encoder_id).component_specs
    ]
    return ClipSettings(
        settings["seconds"],
        settings["sonic_pi"],
        settings["audio_format"],
        corpus.is_strict_about_thread_errors,
        tuple(dict.fromkeys(components)),
        load_corpus_sample_folders(corpus),
    )


def _store_program_results(
    corpus: Corpus,
    results: dict[str, ProgramResult],
    clip_seconds: float,
    audio_encoders: Sequence[str],
) -> EmbedReport:
    """Store clips, errors and embeddings; in this order, because embeddings belong to clips."""
    renders = [(program_id, result.render) for program_id, result in results.items()]
    corpus.store_encoded_renders(renders, clip_seconds)
    report = EmbedReport()
    embedded_ids = [name for name, result in results.items() if result.render.error is None]
    for encoder_id in audio_encoders if embedded_ids else ():
        errors: dict[str, str] = {}
        for spec in encoders.find_encoder_spec(encoder_id).component_specs:
            items = [results[program_id].embeddings[spec.id] for program_id in embedded_ids]
            errors |= store_embedded_items(corpus, spec, embedded_ids, items)
        report += EmbedReport(0, len(embedded_ids) - len(errors), errors)
    return report
