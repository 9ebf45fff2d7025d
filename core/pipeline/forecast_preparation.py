"""Preparation of an alignment's forecast: measure the clips, simulate the programs, and fit."""

from __future__ import annotations

from core.corpus import Corpus
from core.encoders import find_encoder_spec
from core.errors import EarshotError
from core.pipeline.embed_missing_programs_and_clips import embed_missing_clips, embed_missing_code
from core.progress_callback import Progress, ignore_progress
from core.search.aligned_corpus import AlignedCorpus
from core.search.aspect_similarity import ASPECT_ENCODER
from core.search.clip_property_forecast import FEATURE_ENCODER, FORECAST_ENCODER

FORECAST_STEP = "Fitting the forecast"
MAX_CLIPS_TO_MEASURE = 1500
"""More would keep a training waiting for minutes: `./run embed` measures them."""


def prepare_corpus_for_forecast(
    aligned_corpus: AlignedCorpus, progress: Progress = ignore_progress
) -> bool:
    """Measure what a forecast needs and fit it, so that pages and commands show it at once.

    Parameters
    ----------
    aligned_corpus : AlignedCorpus
    progress : Progress

    Returns
    -------
    bool
        Whether the alignment has a forecast. It has none with too few programs, with more than
        1,500 clips to measure, or while another process writes to the corpus.

    Examples
    --------
    >>> from core.corpus import Corpus
    >>> from core.search import open_aligned_corpus
    >>> prepare_corpus_for_forecast(open_aligned_corpus(Corpus.open("starter")))
    True
    """
    try:
        measure_and_simulate_corpus(aligned_corpus.corpus, progress)
    except EarshotError as error:
        progress(FORECAST_STEP, 0, 1, f"no forecast: {error}")
        return False
    progress(FORECAST_STEP, 0, 1)
    has_forecast = aligned_corpus.forecast_model is not None
    progress(FORECAST_STEP, 1, 1, "" if has_forecast else "too few measured programs")
    return has_forecast


def measure_and_simulate_corpus(corpus: Corpus, progress: Progress = ignore_progress) -> None:
    """Measure the clips of a corpus, and simulate its programs.

    Raises
    ------
    EarshotError
        When more than 1,500 clips are not measured yet, or another process is writing.
    """
    unmeasured = corpus.list_programs_without_embedding(FORECAST_ENCODER)
    if len(unmeasured) > MAX_CLIPS_TO_MEASURE:
        raise EarshotError(
            f"{len(unmeasured)} clips of corpus '{corpus.name}' are not measured.",
            remedy=f"To measure them: ./run embed {corpus.name} --audio-encoder {FORECAST_ENCODER}",
        )
    revision = find_encoder_spec(FORECAST_ENCODER).revision
    outdated = corpus.list_programs_without_embedding(FORECAST_ENCODER, revision)
    with corpus.lock_for_writing(f"measure {corpus.name}"):
        # Measurements of an earlier revision are good enough where new ones would take minutes.
        if len(outdated) <= MAX_CLIPS_TO_MEASURE:
            embed_missing_clips(corpus, FORECAST_ENCODER, progress)
        embed_missing_clips(corpus, ASPECT_ENCODER, progress)
        embed_missing_code(corpus, FEATURE_ENCODER, progress)
