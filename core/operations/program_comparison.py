"""Comparison of the predicted sounds of two programs, as a whole and by aspect."""

from __future__ import annotations

import numpy as np

from core.encoders.clip_descriptor_definitions import standardize_descriptors_by_name
from core.operations.corpus_opening import format_alignment_name, open_corpus_for_prediction
from core.operations.operation_requests import CompareRequest
from core.operations.operation_results import AspectComparison, CompareResult, ForecastResult
from core.operations.program_prediction import check_and_forecast
from core.search.aligned_corpus import AlignedCorpus
from core.search.aspect_similarity import describe_aspect_match, predict_aspects


def compare_programs(request: CompareRequest) -> CompareResult:
    """Compare the predicted sounds of two programs.

    Parameters
    ----------
    request : CompareRequest

    Returns
    -------
    CompareResult
        Without similarities if one of the programs would not sound.

    Raises
    ------
    EarshotError
        When the corpus or alignment is missing, or an encoder has another revision.

    Examples
    --------
    >>> from core.operations import CompareRequest, compare_programs
    >>> result = compare_programs(CompareRequest(first="play 60", second="play 60"))
    >>> round(result.whole.similarity, 3)
    1.0
    """
    aligned_corpus = open_corpus_for_prediction(request.corpus, request.alignment)
    first = check_and_forecast(aligned_corpus, request.first)
    second = check_and_forecast(aligned_corpus, request.second)
    whole, aspects, words = None, {}, ""
    if first.status == second.status == "ok":
        whole = _compare_in_shared_space(aligned_corpus, request.first, request.second)
        if aligned_corpus.clip_aspect_search_index is not None:
            aspects = _compare_by_aspect(aligned_corpus, request.first, request.second)
            words = describe_aspect_match(
                {name: aspect.percentile for name, aspect in aspects.items()},
                _subtract_forecasts(first.forecast, second.forecast),
            )
    return CompareResult(
        corpus=aligned_corpus.corpus.name,
        alignment=format_alignment_name(aligned_corpus),
        first=first,
        second=second,
        whole=whole,
        aspects=aspects,
        words=words,
    )


def _compare_in_shared_space(
    aligned_corpus: AlignedCorpus, first: str, second: str
) -> AspectComparison:
    embeddings = np.concatenate(
        [aligned_corpus.embed_snippet(first), aligned_corpus.embed_snippet(second)]
    )
    vectors = aligned_corpus.project_code_embeddings(embeddings)
    corpus_vectors = aligned_corpus.project_code_embeddings(aligned_corpus.pairs.code_embeddings)
    return _compute_similarity_and_percentile(vectors[0], vectors[1], corpus_vectors)


def _compare_by_aspect(
    aligned_corpus: AlignedCorpus, first: str, second: str
) -> dict[str, AspectComparison]:
    index = aligned_corpus.clip_aspect_search_index
    assert index is not None
    return {
        name: _compute_similarity_and_percentile(vectors[0], vectors[1], index.unit_vectors[name])
        for name, vectors in predict_aspects(aligned_corpus, [first, second]).items()
    }


def _compute_similarity_and_percentile(
    first: np.ndarray, second: np.ndarray, corpus_vectors: np.ndarray
) -> AspectComparison:
    """Compare two unit vectors [d]; the percentile is among the corpus's unit vectors [n, d]."""
    similarity = float(np.clip(first @ second, -1, 1))
    percentile = 100 * float((corpus_vectors @ first < similarity).mean())
    return AspectComparison(similarity=similarity, percentile=percentile)


def _subtract_forecasts(first: ForecastResult | None, second: ForecastResult | None) -> np.ndarray:
    """Return second minus first as standardized descriptors; nan without a forecast."""
    return _standardize_forecast(second) - _standardize_forecast(first)


def _standardize_forecast(forecast: ForecastResult | None) -> np.ndarray:
    properties = {} if forecast is None else forecast.properties
    return standardize_descriptors_by_name({name: item.value for name, item in properties.items()})
