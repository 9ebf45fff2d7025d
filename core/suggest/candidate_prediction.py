"""Predicted sound of many candidates at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from core.blas_thread_limit import limit_blas_to_one_thread
from core.encoders.score_features import reuse_layer_features
from core.encoders.simulation.program_simulation import reuse_simulated_sounds
from core.encoders.static_analysis_encoder import SymbolicEncoder, reuse_program_embeddings
from core.sonicpi.interpreter import ProgramReading, interpret_program
from core.sonicpi.interpreter.program_interpretation import reuse_program_readings
from core.suggest.candidates import Candidate
from core.suggest.incremental_variant_interpretation import (
    Variant,
    VariantReader,
    pause_garbage_collection,
)
from core.suggest.parallel_variant_reading_and_simulation import (
    AnalysedVariant,
    SimulatedSounds,
    read_and_embed_variants,
    simulate_variants,
)
from core.suggest.program_literals_calls_and_blocks import ProgramOutline

if TYPE_CHECKING:
    from core.alignment.sound_property_regression_with_intervals import ForecastModel
    from core.search.aligned_corpus import AlignedCorpus

DUPLICATE_DISTANCE = 1e-6
"""Cosine distance below which two candidates are predicted to sound the same."""
MIN_BATCH_SIZE = 16
"""Candidates that are read at once in place of those that were left out."""


@dataclass(frozen=True, eq=False)
class PredictedCandidates:
    """Candidates that sound, with their predictions.

    Attributes
    ----------
    candidates : list of Candidate
    code_embeddings : float32 [n, d1]
    vectors : float32 [n, d]
        Unit vectors in the shared space.
    current_source : str
    current_embedding : float32 [1, d1]
    current_vector : float32 [d]
        Of the program itself.
    readings : mapping of str to ProgramReading
        By the source of the candidate.
    unparsable_count, silent_count : int
        Candidates that were left out because they do not parse, or make no sound.
    symbolic_embeddings : mapping of str to float32 [d]
        By source: vectors of the encoder `sonicpi`, where the code encoder contains it.
    forecast_features : dict of str to float32 [d]
        By source: what has been simulated so far, for `predict_forecast`.
    """

    candidates: list[Candidate]
    code_embeddings: np.ndarray
    vectors: np.ndarray
    current_source: str
    current_embedding: np.ndarray
    current_vector: np.ndarray
    readings: Mapping[str, ProgramReading]
    unparsable_count: int = 0
    silent_count: int = 0
    symbolic_embeddings: Mapping[str, np.ndarray] = field(default_factory=dict)
    forecast_features: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def candidate_distances_from_program(self) -> np.ndarray:
        """Cosine distance of each candidate from the program, float [n]."""
        return 1 - self.vectors @ self.current_vector


@limit_blas_to_one_thread()
def predict_candidates(
    aligned_corpus: AlignedCorpus,
    outline: ProgramOutline,
    candidates: Iterable[Candidate],
    count: int,
) -> PredictedCandidates:
    """Predict up to a number of candidates that parse and sound.

    Parameters
    ----------
    aligned_corpus : AlignedCorpus
    outline : ProgramOutline
        Of the program that they are variants of.
    candidates : iterable of Candidate
        Read until `count` of them are usable.
    count : int
    """
    usable: list[Candidate] = []
    readings: dict[str, ProgramReading] = {}
    embeddings: dict[str, np.ndarray] = {}
    unparsable_count = silent_count = 0
    with_embeddings = _has_symbolic_encoder(aligned_corpus)
    own_message = interpret_program(outline.source).message
    with pause_garbage_collection(), reuse_layer_features():
        for candidate, analysed in _read_and_embed_candidates(
            outline, candidates, count, with_embeddings
        ):
            reading = analysed.reading
            if reading.has_syntax_error:
                unparsable_count += 1
            elif reading.is_silent or reading.message not in ("", own_message):
                silent_count += 1
            else:
                usable.append(candidate)
                readings[candidate.source] = reading
                if analysed.embedding is not None:
                    embeddings[candidate.source] = analysed.embedding
            if len(usable) == count:
                break
        sources = [outline.source, *(candidate.source for candidate in usable)]
        with reuse_program_readings(readings), reuse_program_embeddings(embeddings):
            code_embeddings = embed_sources(aligned_corpus, sources)
    vectors = aligned_corpus.project_code_embeddings(code_embeddings)
    return PredictedCandidates(
        usable,
        code_embeddings[1:],
        vectors[1:],
        outline.source,
        code_embeddings[:1],
        vectors[0],
        readings,
        unparsable_count,
        silent_count,
        embeddings,
    )


def drop_repeated_candidates(predicted: PredictedCandidates) -> tuple[PredictedCandidates, int]:
    """Leave out candidates that are predicted to sound like the program, or like an earlier one.

    Returns
    -------
    PredictedCandidates
    int
        Number of candidates that were left out.
    """
    distinct_rows: list[int] = []
    distinct_vectors = predicted.current_vector[None]
    for row, vector in enumerate(predicted.vectors):
        if (distinct_vectors @ vector).max() < 1 - DUPLICATE_DISTANCE:
            distinct_rows.append(row)
            distinct_vectors = np.concatenate([distinct_vectors, vector[None]])
    return select_predicted_candidates(predicted, distinct_rows), len(predicted.candidates) - len(
        distinct_rows
    )


def select_predicted_candidates(
    predicted: PredictedCandidates, rows: Sequence[int]
) -> PredictedCandidates:
    """Return some of the candidates, in the order of the rows."""
    return replace(
        predicted,
        candidates=[predicted.candidates[row] for row in rows],
        code_embeddings=predicted.code_embeddings[list(rows)],
        vectors=predicted.vectors[list(rows)],
    )


def join_predicted_candidates(
    first: PredictedCandidates, second: PredictedCandidates
) -> PredictedCandidates:
    """Return the candidates of two predictions of the same program."""
    return replace(
        first,
        candidates=first.candidates + second.candidates,
        code_embeddings=np.concatenate([first.code_embeddings, second.code_embeddings]),
        vectors=np.concatenate([first.vectors, second.vectors]),
        readings={**first.readings, **second.readings},
        symbolic_embeddings={**first.symbolic_embeddings, **second.symbolic_embeddings},
        forecast_features={**first.forecast_features, **second.forecast_features},
        unparsable_count=first.unparsable_count + second.unparsable_count,
        silent_count=first.silent_count + second.silent_count,
    )


def _has_symbolic_encoder(aligned_corpus: AlignedCorpus) -> bool:
    """Return whether the code encoder of a corpus is, or contains, the encoder `sonicpi`."""
    encoder = aligned_corpus.code_encoder.load_recorded_encoder()
    return any(isinstance(part, SymbolicEncoder) for part in encoder.component_encoders)


def _read_and_embed_candidates(
    outline: ProgramOutline, candidates: Iterable[Candidate], count: int, with_embeddings: bool
) -> Iterator[tuple[Candidate, AnalysedVariant]]:
    """Yield candidates with their readings; they are read in batches."""
    reader = VariantReader(outline)
    remaining = iter(candidates)
    batch_size = count
    while batch := list(islice(remaining, batch_size)):
        variants = [make_variant_to_read(candidate) for candidate in batch]
        yield from zip(batch, read_and_embed_variants(reader, variants, with_embeddings))
        batch_size = MIN_BATCH_SIZE


def make_variant_to_read(candidate: Candidate) -> Variant:
    """Return what a reader needs of a candidate."""
    return Variant(candidate.source, candidate.replacements)


def embed_sources(aligned_corpus: AlignedCorpus, sources: Sequence[str]) -> np.ndarray:
    """Embed programs with the corpus's code encoder: float32 [n, dim]."""
    encoder = aligned_corpus.code_encoder.load_recorded_encoder()
    return np.asarray(encoder.embed(list(sources)), dtype=np.float32)


def compute_property_movements(
    model: ForecastModel, predicted: PredictedCandidates, rows: Sequence[int]
) -> np.ndarray:
    """Return how far the forecast properties of candidates move from those of the program.

    Parameters
    ----------
    model : ForecastModel
    predicted : PredictedCandidates
    rows : sequence of int
        Candidates, at least one.

    Returns
    -------
    float [len(rows), t]
        In standard deviations over programs, by the columns of the forecast.
    """
    sounds = simulate_candidates(predicted, rows)
    values, _ = model.predict_values_with_intervals(sounds.features)
    movements: np.ndarray = values[1:] - values[0]
    return movements


@limit_blas_to_one_thread()
def simulate_candidates(
    predicted: PredictedCandidates, rows: Sequence[int], seconds: float | None = None
) -> SimulatedSounds:
    """Simulate the sounds of a program, row 0, and of some of its candidates.

    Parameters
    ----------
    predicted : PredictedCandidates
    rows : sequence of int
    seconds : float, optional
        As for `simulate_variants`.
    """
    variants = [Variant(predicted.current_source)]
    variants += [make_variant_to_read(predicted.candidates[row]) for row in rows]
    with pause_garbage_collection(), reuse_simulated_sounds():
        sounds = simulate_variants(predicted.current_source, variants, predicted.readings, seconds)
    sources = [variant.source for variant in variants]
    predicted.forecast_features.update(zip(sources, sounds.features))
    return sounds


def get_forecast_features(predicted: PredictedCandidates, rows: Sequence[int]) -> np.ndarray:
    """Return what candidates are forecast from, float32 [len(rows), d].

    Parameters
    ----------
    predicted : PredictedCandidates
    rows : sequence of int
        At least one. Those that have not been simulated yet are simulated.
    """
    sources = [predicted.candidates[row].source for row in rows]
    if not predicted.forecast_features.keys() >= set(sources):
        simulate_candidates(predicted, rows)
    return np.stack([predicted.forecast_features[source] for source in sources])
