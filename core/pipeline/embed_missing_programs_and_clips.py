"""Embedding of the programs and clips of a corpus."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from core import encoders
from core.corpus import Corpus, NonFiniteEmbeddingError
from core.encoders.encoder_interface import PROGRESS_LABELS
from core.errors import EarshotError
from core.pipeline.executors import EmbeddedItem, Executor, LocalExecutor
from core.progress_callback import Progress, ignore_progress


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
    executor: Executor | None = None,
) -> EmbedReport:
    """Embed all programs and clips that these encoders have not embedded yet.

    Parameters
    ----------
    corpus : Corpus
    code_encoder, audio_encoder : str, optional
        Encoder ids. Without either, the two that the corpus was built with; with one of them,
        only that one.
    progress : Progress
    executor : Executor, optional
        Default: threads of this process, one per core.

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
            report += embed_missing_code(corpus, code_encoder, progress, executor)
        if audio_encoder is not None:
            report += embed_missing_clips(corpus, audio_encoder, progress, executor)
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
    corpus: Corpus,
    encoder_id: str,
    progress: Progress = ignore_progress,
    executor: Executor | None = None,
) -> EmbedReport:
    """Embed the code of all programs that lack it, including those without a clip.

    The parts of a concatenated encoder embed one after the other.

    Raises
    ------
    EarshotError
        When the encoder could not embed anything.
    """
    return _embed_missing_by_component(corpus, encoder_id, "code", progress, executor)


def embed_missing_clips(
    corpus: Corpus,
    encoder_id: str,
    progress: Progress = ignore_progress,
    executor: Executor | None = None,
) -> EmbedReport:
    """Embed the files of all clips that lack it.

    The parts of a concatenated encoder embed one after the other.

    Raises
    ------
    EarshotError
        When the encoder could not embed anything.
    """
    return _embed_missing_by_component(corpus, encoder_id, "audio", progress, executor)


def _embed_missing_by_component(
    corpus: Corpus,
    encoder_id: str,
    modality: str,
    progress: Progress,
    executor: Executor | None,
) -> EmbedReport:
    report = EmbedReport()
    for part in encoders.find_encoder_spec(encoder_id).component_specs:
        report += _embed_missing_items(
            corpus, part, modality, progress, executor or LocalExecutor()
        )
    return report


def _embed_missing_items(
    corpus: Corpus,
    spec: encoders.EncoderSpec,
    modality: str,
    progress: Progress,
    executor: Executor,
) -> EmbedReport:
    """Embed by one encoder that is no concatenation."""
    missing = corpus.list_programs_without_embedding(spec.id, spec.revision)
    if not missing:
        return EmbedReport()
    is_code = modality == "code"
    step = PROGRESS_LABELS[modality]
    start = time.monotonic()
    progress(step, 0, len(missing))
    values = corpus.load_programs().set_index("program")["source" if is_code else "audio"]
    batch_size = executor.choose_batch_size(modality)
    batches = [missing[first : first + batch_size] for first in range(0, len(missing), batch_size)]
    items = (
        [values[name] if is_code else Path(values[name]) for name in batch] for batch in batches
    )
    errors: dict[str, str] = {}
    done = 0
    with executor.embed_batches(spec.id, items) as results:
        for index, embedded in results:
            errors |= store_embedded_items(corpus, spec, batches[index], embedded)
            for program_id in batches[index]:
                done += 1
                progress(step, done, len(missing), errors.get(program_id, ""))
    _raise_if_encoder_embedded_nothing(corpus, spec.id, errors)
    added = len(missing) - len(errors)
    seconds = {step: time.monotonic() - start}
    return EmbedReport(added if is_code else 0, 0 if is_code else added, errors, seconds)


def store_embedded_items(
    corpus: Corpus,
    spec: encoders.EncoderSpec,
    program_ids: Sequence[str],
    items: Sequence[EmbeddedItem],
) -> dict[str, str]:
    """Store the vectors among the results of embedding some programs.

    Where a vector is not finite, each is stored alone, so that a bad one costs only itself.

    Parameters
    ----------
    corpus : Corpus
    spec : EncoderSpec
        Encoder of the vectors; no concatenation.
    program_ids : sequence of str
    items : sequence of EmbeddedItem
        One vector or error message per program.

    Returns
    -------
    dict of program id to str
        Programs that could not be embedded, with the error message.
    """
    errors: dict[str, str] = {}
    vectors: dict[str, np.ndarray] = {}
    for program_id, item in zip(program_ids, items, strict=True):
        if isinstance(item, str):
            errors[program_id] = item
        else:
            vectors[program_id] = item
    if vectors:
        errors |= _store_vectors(corpus, spec, vectors)
    return errors


def _store_vectors(
    corpus: Corpus, spec: encoders.EncoderSpec, vectors: dict[str, np.ndarray]
) -> dict[str, str]:
    matrix = np.stack(list(vectors.values()))
    try:
        corpus.store_embeddings(spec.id, spec.revision, list(vectors), matrix)
    except NonFiniteEmbeddingError as error:
        if len(vectors) == 1:
            return {next(iter(vectors)): str(error)}
        errors: dict[str, str] = {}
        for program_id, vector in vectors.items():
            errors |= _store_vectors(corpus, spec, {program_id: vector})
        return errors
    return {}


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
