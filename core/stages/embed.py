"""Embed what a corpus holds and an encoder has not seen yet."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field

from core import encoders
from core.corpus import BadVectors, Corpus
from core.errors import EarshotError
from core.progress import Progress, silent
from core.sonicpi.clip import Clip

CODE_STEP = "Embedding code"
CLIPS_STEP = "Embedding clips"
# Programs embedded before they are committed: enough for an encoder to sort by
# length, few enough to lose when killed.
BLOCK = 64
# Clips embedded before they are committed: an encoder computes one on each core at a time. More
# would only take memory, about 6 MB each.
MAX_CLIPS_AT_ONCE = 16


@dataclass
class EmbedReport:
    """What embedding did.

    Attributes
    ----------
    code, audio : int
        New embeddings.
    failed : dict of program id to str
        Programs that an encoder could not embed, and why.
    seconds : dict of step to float
    """

    code: int = 0
    audio: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)


def embed(
    corpus_name: str,
    code_encoder: str | None = None,
    audio_encoder: str | None = None,
    progress: Progress = silent,
) -> EmbedReport:
    """Embed all programs and clips that have no embedding by these encoders.

    Parameters
    ----------
    corpus_name : str
    code_encoder, audio_encoder : str, optional
        Encoder ids. If neither is given: the two with which the corpus was
        built; if only one is given, only that one.
    progress : Progress

    Raises
    ------
    EarshotError
        When the corpus or an encoder is not there, somebody else is writing, or
        an encoder could not embed anything. What was embedded stays.
    """
    corpus = Corpus.open(corpus_name)
    if code_encoder is None and audio_encoder is None:
        chosen = corpus.settings.get("encoders")
        if chosen is None:
            raise EarshotError(
                f"Corpus '{corpus_name}' was never built, so it has no encoders of its own.",
                remedy="Name a code encoder or an audio encoder.",
            )
        code_encoder, audio_encoder = chosen["code"], chosen["audio"]
    code_encoder, audio_encoder = checked(code_encoder, "code"), checked(audio_encoder, "audio")
    report = EmbedReport()
    with corpus.writing(f"embed {corpus_name}"):
        if code_encoder is not None:
            embed_code(corpus, code_encoder, report, progress)
        if audio_encoder is not None:
            embed_clips(corpus, audio_encoder, report, progress)
    return report


def checked(encoder_id: str | None, modality: str) -> str | None:
    """Return the id by which the corpus knows an encoder; None stays None.

    Raises
    ------
    EarshotError
        When there is no such encoder, or it does not embed that modality.
    """
    if encoder_id is None:
        return None
    entry = encoders.entry(encoder_id)
    if entry.modality != modality:
        raise EarshotError(f"{entry.id} embeds {entry.modality}, not {modality}.")
    return entry.id


def embed_code(
    corpus: Corpus, encoder_id: str, report: EmbedReport, progress: Progress = silent
) -> None:
    """Embed the code of all programs that lack it, also of those without a clip.

    Of encoders that are joined each is embedded by alone, as the corpus keeps them.
    """
    for part in encoders.entry(encoder_id).parts:
        _embed_code(corpus, part.id, report, progress)


def _embed_code(corpus: Corpus, encoder_id: str, report: EmbedReport, progress: Progress) -> None:
    missing = corpus.missing_embeddings(encoder_id, encoders.entry(encoder_id).revision)
    if not missing:
        return
    start = time.monotonic()
    progress(CODE_STEP, 0, len(missing))
    encoder = encoders.get(encoder_id)
    sources = corpus.programs().set_index("program")["source"]
    for first in range(0, len(missing), BLOCK):
        block = missing[first : first + BLOCK]
        report.code += embed_items(corpus, encoder, block, list(sources[block]), report)
        progress(CODE_STEP, first + len(block), len(missing))
    report.seconds[CODE_STEP] = report.seconds.get(CODE_STEP, 0) + time.monotonic() - start
    _raise_if_nothing_worked(corpus, encoder_id, report)


def embed_clips(
    corpus: Corpus, encoder_id: str, report: EmbedReport, progress: Progress = silent
) -> None:
    """Embed the files of all clips that lack it; see `embed_code` for encoders that are joined."""
    for part in encoders.entry(encoder_id).parts:
        _embed_clips(corpus, part.id, report, progress)


def _embed_clips(corpus: Corpus, encoder_id: str, report: EmbedReport, progress: Progress) -> None:
    missing = corpus.missing_embeddings(encoder_id, encoders.entry(encoder_id).revision)
    if not missing:
        return
    start = time.monotonic()
    progress(CLIPS_STEP, 0, len(missing))
    encoder = encoders.get(encoder_id)
    paths = corpus.programs().set_index("program")["audio"]
    clips_per_block = clips_at_once()
    for first in range(0, len(missing), clips_per_block):
        block = missing[first : first + clips_per_block]
        clips = {}
        for program_id in block:
            try:
                clips[program_id] = Clip.load(paths[program_id])
            except EarshotError as error:
                report.failed[program_id] = str(error)
        if clips:
            report.audio += embed_items(
                corpus, encoder, list(clips), list(clips.values()), report
            )
        for done, program_id in enumerate(block, first + 1):
            progress(CLIPS_STEP, done, len(missing), report.failed.get(program_id, ""))
    report.seconds[CLIPS_STEP] = report.seconds.get(CLIPS_STEP, 0) + time.monotonic() - start
    _raise_if_nothing_worked(corpus, encoder_id, report)


def clips_at_once() -> int:
    """Number of clips to embed together so that no core idles."""
    return min(len(os.sched_getaffinity(0)), MAX_CLIPS_AT_ONCE)


def embed_items(
    corpus: Corpus,
    encoder: encoders.Encoder,
    program_ids: list[str],
    items: list[str] | list[Clip],
    report: EmbedReport,
) -> int:
    """Embed and keep a few programs' code or clips; return how many it could.

    When that fails each is tried alone, so that one item costs only itself. Encoders that
    are joined embed one after the other.
    """
    if len(encoder.parts) > 1:
        done = [embed_items(corpus, part, program_ids, items, report) for part in encoder.parts]
        return min(done)
    try:
        vectors = encoder.embed(items)
    except EarshotError as error:
        why = str(error)
    else:
        try:
            corpus.put_embeddings(encoder.entry.id, encoder.entry.revision, program_ids, vectors)
            return len(program_ids)
        except BadVectors as error:
            why = str(error)
    if len(program_ids) == 1:
        report.failed[program_ids[0]] = why
        return 0
    return sum(
        embed_items(corpus, encoder, [program_id], [item], report)
        for program_id, item in zip(program_ids, items)
    )


def _raise_if_nothing_worked(corpus: Corpus, encoder_id: str, report: EmbedReport) -> None:
    worked = any(count for known, _, count in corpus.encoders() if known == encoder_id)
    if report.failed and not worked:
        program_id, why = next(iter(report.failed.items()))
        raise EarshotError(
            f"{encoder_id} could embed none of {len(report.failed)} programs: {why}",
            where=f"program {program_id}",
        )
