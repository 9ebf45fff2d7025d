"""Embedding of the programs and clips of a corpus."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from core import encoders
from core.corpus import Corpus, NonFiniteEmbeddingError
from core.encoders.encoder_interface import PROGRESS_LABELS
from core.errors import EarshotError
from core.progress_callback import Progress, ignore_progress
from core.sonicpi.audio_clip_and_render_result import Clip

# Programs per commit: enough for an encoder to sort them by length, few enough to lose in a crash.
COMMIT_BATCH_SIZE = 64
# Clips per commit. An encoder computes one clip per core at a time, and each clip takes about 6 MB.
MAX_CLIPS_AT_ONCE = 16


@dataclass(frozen=True)
class EmbedReport:
    """Result of an embedding run; reports can be added.

    Attributes
    ----------
    code_embeddings_added, audio_embeddings_added : int
    embedding_errors : dict of program id to str
        Programs that an encoder could not embed, with the error message.
    step_seconds : dict of step to float
        Duration of each step that had something to do.
    """

    code_embeddings_added: int = 0
    audio_embeddings_added: int = 0
    embedding_errors: dict[str, str] = field(default_factory=dict)
    step_seconds: dict[str, float] = field(default_factory=dict)

    def __add__(self, other: EmbedReport) -> EmbedReport:
        seconds = Counter(self.step_seconds)
        seconds.update(other.step_seconds)
        return EmbedReport(
            self.code_embeddings_added + other.code_embeddings_added,
            self.audio_embeddings_added + other.audio_embeddings_added,
            {**self.embedding_errors, **other.embedding_errors},
            dict(seconds),
        )


def embed_corpus(
    corpus: Corpus,
    code_encoder: str | None = None,
    audio_encoder: str | None = None,
    progress: Progress = ignore_progress,
) -> EmbedReport:
    """Embed all programs and clips that these encoders have not embedded yet.

    Parameters
    ----------
    corpus : Corpus
    code_encoder, audio_encoder : str, optional
        Encoder ids. Without either, the two that the corpus was built with; with one of them,
        only that one.
    progress : Progress

    Raises
    ------
    EarshotError
        When an encoder does not exist, another process is writing, or an encoder could not embed
        anything. Embeddings that were finished stay.
    """
    if code_encoder is None and audio_encoder is None:
        built_with = corpus.settings.get("encoders")
        if built_with is None:
            raise EarshotError(
                f"Corpus '{corpus.name}' was never built, so it has no encoders of its own.",
                remedy="Name a code encoder or an audio encoder.",
            )
        code_encoder, audio_encoder = built_with["code"], built_with["audio"]
    code_encoder = get_canonical_encoder_id(code_encoder, "code")
    audio_encoder = get_canonical_encoder_id(audio_encoder, "audio")
    report = EmbedReport()
    with corpus.lock_for_writing(f"embed {corpus.name}"):
        if code_encoder is not None:
            report += embed_missing_code(corpus, code_encoder, progress)
        if audio_encoder is not None:
            report += embed_missing_clips(corpus, audio_encoder, progress)
    return report


def get_canonical_encoder_id(encoder_id: str | None, modality: str) -> str | None:
    """Return the id under which a corpus stores an encoder's embeddings; None stays None.

    Raises
    ------
    EarshotError
        When there is no such encoder, or it embeds the other modality.
    """
    if encoder_id is None:
        return None
    spec = encoders.find_encoder_spec(encoder_id)
    if spec.modality != modality:
        raise EarshotError(f"{spec.id} embeds {spec.modality}, not {modality}.")
    return spec.id


def embed_missing_code(
    corpus: Corpus, encoder_id: str, progress: Progress = ignore_progress
) -> EmbedReport:
    """Embed the code of all programs that lack it, including those without a clip.

    The parts of a concatenated encoder embed one after the other.

    Raises
    ------
    EarshotError
        When the encoder could not embed anything.
    """
    return _embed_missing_by_component(corpus, encoder_id, "code", progress)


def embed_missing_clips(
    corpus: Corpus, encoder_id: str, progress: Progress = ignore_progress
) -> EmbedReport:
    """Embed the files of all clips that lack it.

    The parts of a concatenated encoder embed one after the other.

    Raises
    ------
    EarshotError
        When the encoder could not embed anything.
    """
    return _embed_missing_by_component(corpus, encoder_id, "audio", progress)


def _embed_missing_by_component(
    corpus: Corpus, encoder_id: str, modality: str, progress: Progress
) -> EmbedReport:
    report = EmbedReport()
    for part in encoders.find_encoder_spec(encoder_id).component_specs:
        report += _embed_missing_items(corpus, part, modality, progress)
    return report


def _embed_missing_items(
    corpus: Corpus, spec: encoders.EncoderSpec, modality: str, progress: Progress
) -> EmbedReport:
    """Embed by one encoder that is no concatenation."""
    missing = corpus.list_programs_without_embedding(spec.id, spec.revision)
    if not missing:
        return EmbedReport()
    is_code = modality == "code"
    load_item: Callable[[str], Any] = str if is_code else Clip.load
    step = PROGRESS_LABELS[modality]
    batch_size = COMMIT_BATCH_SIZE if is_code else choose_clip_batch_size()
    start = time.monotonic()
    progress(step, 0, len(missing))
    encoder = encoders.get_encoder(spec.id)
    values = corpus.load_programs().set_index("program")["source" if is_code else "audio"]
    errors: dict[str, str] = {}
    added = 0
    for first in range(0, len(missing), batch_size):
        program_ids = missing[first : first + batch_size]
        items: dict[str, Any] = {}
        for program_id in program_ids:
            try:
                items[program_id] = load_item(values[program_id])
            except EarshotError as error:
                errors[program_id] = str(error)
        if items:
            batch_errors = embed_and_store(corpus, encoder, list(items), list(items.values()))
            added += len(items) - len(batch_errors)
            errors |= batch_errors
        for done, program_id in enumerate(program_ids, first + 1):
            progress(step, done, len(missing), errors.get(program_id, ""))
    _raise_if_encoder_embedded_nothing(corpus, spec.id, errors)
    seconds = {step: time.monotonic() - start}
    return EmbedReport(added if is_code else 0, 0 if is_code else added, errors, seconds)


def choose_clip_batch_size() -> int:
    """Return the number of clips to embed together so that no core idles."""
    return min(len(os.sched_getaffinity(0)), MAX_CLIPS_AT_ONCE)


def embed_and_store(
    corpus: Corpus,
    encoder: encoders.Encoder,
    program_ids: Sequence[str],
    items: Sequence[str] | Sequence[Clip],
) -> dict[str, str]:
    """Embed and store the code or the clips of some programs.

    Where a batch fails, each item is tried alone, so that a bad item costs only itself. The parts
    of a concatenated encoder embed one after the other.

    Returns
    -------
    dict of program id to str
        Programs that could not be embedded, with the error message.
    """
    if len(encoder.component_encoders) > 1:
        errors: dict[str, str] = {}
        for part in encoder.component_encoders:
            errors |= embed_and_store(corpus, part, program_ids, items)
        return errors
    message = _try_embed_and_store(corpus, encoder, program_ids, items)
    if message is None:
        return {}
    if len(program_ids) == 1:
        return {program_ids[0]: message}
    errors = {}
    for index, program_id in enumerate(program_ids):
        errors |= embed_and_store(corpus, encoder, [program_id], items[index : index + 1])
    return errors


def _try_embed_and_store(
    corpus: Corpus,
    encoder: encoders.Encoder,
    program_ids: Sequence[str],
    items: Sequence[str] | Sequence[Clip],
) -> str | None:
    """Embed and store all items; return the error message if an item is at fault."""
    try:
        embeddings = encoder.embed(items)
    except EarshotError as error:
        return str(error)
    try:
        corpus.store_embeddings(encoder.spec.id, encoder.spec.revision, program_ids, embeddings)
    except NonFiniteEmbeddingError as error:
        return str(error)
    return None


def _raise_if_encoder_embedded_nothing(
    corpus: Corpus, encoder_id: str, errors: dict[str, str]
) -> None:
    has_embedded = any(
        count for id_, _, count in corpus.count_embeddings_by_encoder() if id_ == encoder_id
    )
    if errors and not has_embedded:
        program_id, message = next(iter(errors.items()))
        raise EarshotError(
            f"{encoder_id} could embed none of {len(errors)} programs: {message}",
            where=f"program {program_id}",
        )
