"""Embed what a corpus holds and an encoder has not seen yet."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field

from core import encoders
from core.corpus import NonFiniteEmbeddingError, Corpus
from core.errors import EarshotError
from core.progress import Progress, ignore_progress
from core.sonicpi.clip import Clip

CODE_EMBEDDING_STEP = "Embedding code"
AUDIO_EMBEDDING_STEP = "Embedding clips"
# Programs embedded before they are committed: enough for an encoder to sort by
# length, few enough to lose when killed.
COMMIT_BATCH_SIZE = 64
# Clips embedded before they are committed: an encoder computes one on each core at a time. More
# would only take memory, about 6 MB each.
MAX_CLIPS_AT_ONCE = 16


@dataclass
class EmbedReport:
    """What embedding did.

    Attributes
    ----------
    code_embeddings_added, audio_embeddings_added : int
        New embeddings.
    embedding_errors : dict of program id to str
        Programs that an encoder could not embed, and why.
    step_seconds : dict of step to float
    """

    code_embeddings_added: int = 0
    audio_embeddings_added: int = 0
    embedding_errors: dict[str, str] = field(default_factory=dict)
    step_seconds: dict[str, float] = field(default_factory=dict)


def embed_corpus(
    corpus: Corpus,
    code_encoder: str | None = None,
    audio_encoder: str | None = None,
    progress: Progress = ignore_progress,
) -> EmbedReport:
    """Embed all programs and clips that have no embedding by these encoders.

    Parameters
    ----------
    corpus : Corpus
    code_encoder, audio_encoder : str, optional
        Encoder ids. If neither is given: the two with which the corpus was
        built; if only one is given, only that one.
    progress : Progress

    Raises
    ------
    EarshotError
        When an encoder is not there, somebody else is writing, or
        an encoder could not embed anything. What was embedded stays.
    """
    if code_encoder is None and audio_encoder is None:
        chosen = corpus.settings.get("encoders")
        if chosen is None:
            raise EarshotError(
                f"Corpus '{corpus.name}' was never built, so it has no encoders of its own.",
                remedy="Name a code encoder or an audio encoder.",
            )
        code_encoder, audio_encoder = chosen["code"], chosen["audio"]
    code_encoder, audio_encoder = resolve_encoder_id(code_encoder, "code"), resolve_encoder_id(audio_encoder, "audio")
    report = EmbedReport()
    with corpus.lock_for_writing(f"embed {corpus.name}"):
        if code_encoder is not None:
            embed_missing_code(corpus, code_encoder, report, progress)
        if audio_encoder is not None:
            embed_missing_clips(corpus, audio_encoder, report, progress)
    return report


def resolve_encoder_id(encoder_id: str | None, modality: str) -> str | None:
    """Return the id by which the corpus knows an encoder; None stays None.

    Raises
    ------
    EarshotError
        When there is no such encoder, or it does not embed that modality.
    """
    if encoder_id is None:
        return None
    entry = encoders.find_encoder_spec(encoder_id)
    if entry.modality != modality:
        raise EarshotError(f"{entry.id} embeds {entry.modality}, not {modality}.")
    return entry.id


def embed_missing_code(
    corpus: Corpus, encoder_id: str, report: EmbedReport, progress: Progress = ignore_progress
) -> None:
    """Embed the code of all programs that lack it, also of those without a clip.

    Of encoders that are joined each is embedded by alone, as the corpus keeps them.
    """
    for part in encoders.find_encoder_spec(encoder_id).components:
        _embed_code_part(corpus, part.id, report, progress)


def _embed_code_part(corpus: Corpus, encoder_id: str, report: EmbedReport, progress: Progress) -> None:
    missing = corpus.list_missing_embeddings(encoder_id, encoders.find_encoder_spec(encoder_id).revision)
    if not missing:
        return
    start = time.monotonic()
    progress(CODE_EMBEDDING_STEP, 0, len(missing))
    encoder = encoders.get_encoder(encoder_id)
    sources = corpus.load_programs().set_index("program")["source"]
    for first in range(0, len(missing), COMMIT_BATCH_SIZE):
        block = missing[first : first + COMMIT_BATCH_SIZE]
        report.code_embeddings_added += embed_and_store(corpus, encoder, block, list(sources[block]), report)
        progress(CODE_EMBEDDING_STEP, first + len(block), len(missing))
    report.step_seconds[CODE_EMBEDDING_STEP] = report.step_seconds.get(CODE_EMBEDDING_STEP, 0) + time.monotonic() - start
    _raise_if_all_failed(corpus, encoder_id, report)


def embed_missing_clips(
    corpus: Corpus, encoder_id: str, report: EmbedReport, progress: Progress = ignore_progress
) -> None:
    """Embed the files of all clips that lack it; see `embed_code` for encoders that are joined."""
    for part in encoders.find_encoder_spec(encoder_id).components:
        _embed_clips_part(corpus, part.id, report, progress)


def _embed_clips_part(corpus: Corpus, encoder_id: str, report: EmbedReport, progress: Progress) -> None:
    missing = corpus.list_missing_embeddings(encoder_id, encoders.find_encoder_spec(encoder_id).revision)
    if not missing:
        return
    start = time.monotonic()
    progress(AUDIO_EMBEDDING_STEP, 0, len(missing))
    encoder = encoders.get_encoder(encoder_id)
    paths = corpus.load_programs().set_index("program")["audio"]
    clips_per_block = clips_at_once()
    for first in range(0, len(missing), clips_per_block):
        block = missing[first : first + clips_per_block]
        clips = {}
        for program_id in block:
            try:
                clips[program_id] = Clip.load(paths[program_id])
            except EarshotError as error:
                report.embedding_errors[program_id] = str(error)
        if clips:
            report.audio_embeddings_added += embed_and_store(corpus, encoder, list(clips), list(clips.values()), report)
        for done, program_id in enumerate(block, first + 1):
            progress(AUDIO_EMBEDDING_STEP, done, len(missing), report.embedding_errors.get(program_id, ""))
    report.step_seconds[AUDIO_EMBEDDING_STEP] = report.step_seconds.get(AUDIO_EMBEDDING_STEP, 0) + time.monotonic() - start
    _raise_if_all_failed(corpus, encoder_id, report)


def clips_at_once() -> int:
    """Number of clips to embed together so that no core idles."""
    return min(len(os.sched_getaffinity(0)), MAX_CLIPS_AT_ONCE)


def embed_and_store(
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
    if len(encoder.components) > 1:
        done = [embed_and_store(corpus, part, program_ids, items, report) for part in encoder.components]
        return min(done)
    try:
        vectors = encoder.embed(items)
    except EarshotError as error:
        why = str(error)
    else:
        try:
            corpus.put_embeddings(encoder.spec.id, encoder.spec.revision, program_ids, vectors)
            return len(program_ids)
        except NonFiniteEmbeddingError as error:
            why = str(error)
    if len(program_ids) == 1:
        report.embedding_errors[program_ids[0]] = why
        return 0
    return sum(
        embed_and_store(corpus, encoder, [program_id], [item], report)
        for program_id, item in zip(program_ids, items)
    )


def _raise_if_all_failed(corpus: Corpus, encoder_id: str, report: EmbedReport) -> None:
    worked = any(count for known, _, count in corpus.list_encoders() if known == encoder_id)
    if report.embedding_errors and not worked:
        program_id, why = next(iter(report.embedding_errors.items()))
        raise EarshotError(
            f"{encoder_id} could embed none of {len(report.embedding_errors)} programs: {why}",
            where=f"program {program_id}",
        )
