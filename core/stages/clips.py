"""Render what has no clip; embed clips from memory while the next ones are rendered."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Sequence

from core import encoders
from core.corpus import Corpus
from core.progress import Progress, silent
from core.sonicpi import Clip
from core.stages.embed import EmbedReport, clips_at_once, embed_items
from core.stages.engine import Engine, LocalProcesses

CLIPS_STEP = "Rendering and embedding clips"


@dataclass
class ClipsReport:
    """What was done.

    Attributes
    ----------
    rendered, adopted : int
        Programs rendered; clips found whole from an earlier time.
    embedded : EmbedReport
    seconds : float
    """

    rendered: int = 0
    adopted: int = 0
    embedded: EmbedReport = field(default_factory=EmbedReport)
    seconds: float = 0.0


def make_clips(
    corpus: Corpus,
    audio_encoders: Sequence[str] = (),
    engine: Engine | None = None,
    progress: Progress = silent,
) -> ClipsReport:
    """Bring every program of a corpus to a clip or an error.

    Parameters
    ----------
    corpus : Corpus
        Whose writer's lock the caller holds.
    audio_encoders : sequence of str
        Encoder ids by which each new clip is embedded at once.
    engine : Engine, optional
        What renders. Default: processes on this machine, one a core.
    progress : Progress

    Raises
    ------
    EarshotError
        When an encoder or the renderer cannot be used at all. What was finished
        stays.
    """
    report = ClipsReport()
    pending = corpus.pending_clips()
    if not pending:
        return report
    start = time.monotonic()
    seconds = corpus.settings["seconds"]
    progress(CLIPS_STEP, 0, len(pending))
    loaded = [encoders.get(each) for each in audio_encoders]
    to_render = []
    waiting: dict[str, Clip] = {}
    for program_id, source in pending:
        clip = corpus.adopt_clip(program_id, seconds)
        if clip is None:
            to_render.append((program_id, source))
            continue
        report.adopted += 1
        _embed_when_enough(corpus, loaded, waiting, program_id, clip, report)
        progress(CLIPS_STEP, report.adopted, len(pending))
    names = corpus.programs().set_index("program")["name"]
    engine = engine or LocalProcesses()
    with engine.rendering((source for _, source in to_render), seconds) as renderings:
        for index, rendering in renderings:
            program_id = to_render[index][0]
            clip = corpus.put_rendering(program_id, rendering, seconds)
            report.rendered += 1
            if clip is not None:
                _embed_when_enough(corpus, loaded, waiting, program_id, clip, report)
            note = f"{names[program_id]}: {rendering.error}" if rendering.error else ""
            progress(CLIPS_STEP, report.adopted + report.rendered, len(pending), note)
    _embed(corpus, loaded, waiting, report)
    report.seconds = time.monotonic() - start
    return report


def _embed_when_enough(
    corpus: Corpus,
    loaded: Sequence[encoders.Encoder],
    waiting: dict[str, Clip],
    program_id: str,
    clip: Clip,
    report: ClipsReport,
) -> None:
    """Let a clip wait until there is one for each core, then embed them all."""
    waiting[program_id] = clip
    if len(waiting) >= clips_at_once():
        _embed(corpus, loaded, waiting, report)


def _embed(
    corpus: Corpus,
    loaded: Sequence[encoders.Encoder],
    waiting: dict[str, Clip],
    report: ClipsReport,
) -> None:
    if not waiting:
        return
    program_ids, clips = list(waiting), list(waiting.values())
    for encoder in loaded:
        report.embedded.audio += embed_items(
            corpus, encoder, program_ids, clips, report.embedded
        )
    waiting.clear()
