"""Zero-shot retrieval: code and audio encoders that share a space without any training here."""

from __future__ import annotations

import numpy as np

from core import encoders
from core.corpus import Corpus
from core.encoders.encoder_spec import EncoderSpec
from core.errors import EarshotError
from core.pipeline.embed_missing_programs_and_clips import embed_corpus
from core.progress_callback import Progress
from core.studies.retrieval_method_definitions import ZERO_SHOT, RetrievalMethod
from core.studies.retrieval_study_data import QueryScorer, RetrievalStudyData, make_cosine_scorer
from core.studies.study_clip_rendering import embed_program_sources


def list_zero_shot_methods(
    corpus: Corpus, text_encoder: str | None, progress: Progress
) -> list[RetrievalMethod]:
    """Return the zero-shot methods that can run on a corpus.

    Parameters
    ----------
    corpus : Corpus
    text_encoder : str, optional
        Id of a text tower. The corpus is embedded by its audio tower if it is not yet. Default:
        every built-in pair whose text tower is on this machine and whose audio tower has embedded
        the corpus.
    progress : Progress

    Raises
    ------
    EarshotError
        If `text_encoder` shares no space with an audio encoder, or its weights are unavailable.
    """
    embedded_by = {id_ for id_, _, count in corpus.count_embeddings_by_encoder() if count}
    if text_encoder is None:
        return [
            _make_zero_shot_method(spec)
            for spec in encoders.list_encoder_specs("code")
            if spec.shared_space in embedded_by and spec.is_available_offline()
        ]
    spec = encoders.find_encoder_spec(text_encoder)
    if not spec.shared_space:
        with_text_towers = [s.id for s in encoders.list_encoder_specs("code") if s.shared_space]
        raise EarshotError(
            f"{text_encoder} shares no space with an audio encoder.",
            remedy=f"Give {', '.join(with_text_towers)}, or FOLDER#text for a local model of text"
            " and audio.",
        )
    if spec.shared_space not in embedded_by:
        embed_corpus(corpus, None, spec.shared_space, progress)
    return [_make_zero_shot_method(spec)]


def _make_zero_shot_method(spec: EncoderSpec) -> RetrievalMethod:
    return RetrievalMethod(f"zero-shot {spec.shared_space}", ZERO_SHOT, spec.id)


def fit_zero_shot_scorer(method: RetrievalMethod, context: RetrievalStudyData) -> QueryScorer:
    """Return a scorer that compares the text of a query with clips; nothing is fitted.

    Parameters
    ----------
    method : RetrievalMethod
        Its code encoder is a text tower.
    context : RetrievalStudyData
        Base clips that the audio tower has not embedded have similarity 0.
    """
    audio_encoder = encoders.find_encoder_spec(method.code_encoder).shared_space
    base_audio = context.load_base_embeddings(audio_encoder)
    queries = list(context.query_set.queries["source"])
    query_text = embed_program_sources(method.code_encoder, queries, context.progress)
    return make_cosine_scorer(lambda rows: query_text[rows], np.nan_to_num(base_audio))
