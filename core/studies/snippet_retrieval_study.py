"""Snippet-retrieval study: clips retrieved by code alone for programs outside the base."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from typing import Any

import pandas as pd

from core import encoders
from core.corpus import Corpus
from core.encoders.concatenated_encoders import split_encoder_id
from core.encoders.encoder_spec_lookup import do_encoders_share_component
from core.errors import EarshotError
from core.pipeline.embed_missing_programs_and_clips import embed_corpus
from core.progress_callback import Progress
from core.search.aspect_similarity import ASPECT_ENCODER
from core.search.corpus_encoder_records import fill_default_encoder_ids
from core.studies import retrieval_confidence, retrieval_findings
from core.studies.retrieval_aspect_scores import (
    ASPECT_CAPTION,
    AspectQueries,
    build_aspect_score_table,
    measure_and_store_missing_clip_aspects,
)
from core.studies.retrieval_method_definitions import (
    SONICPI_ENCODER,
    RetrievalMethod,
    list_baseline_methods,
)
from core.studies.retrieval_method_fitting_and_ranking import (
    NEIGHBOUR_COUNT,
    RetrievalResult,
    Retriever,
)
from core.studies.retrieval_queries import VALIDATION_QUERIES, QuerySet, load_query_set
from core.studies.retrieval_study_data import RetrievalStudyData
from core.studies.retrieval_tables import (
    build_encoder_score_table,
    build_method_score_table,
    build_query_kind_table,
    build_query_result_table,
    build_retrieval_comparison,
    collect_query_clips,
)
from core.studies.retrieved_clip_scores import (
    SCORE,
    AudioEmbeddings,
    RetrievalOutcome,
    score_retrieved_clips,
)
from core.studies.study_clip_rendering import embed_clip_files
from core.studies.study_figures import (
    plot_method_scores,
    plot_raw_against_default_scores,
    plot_reliability_diagram,
)
from core.studies.study_registry import fill_default_study_options
from core.studies.study_result import StudyFigure, StudyResult, StudyTable
from core.studies.zero_shot_retrieval_methods import list_zero_shot_methods

PROGRESS_STEP = "Retrieving"
MIN_TRAINING_PROGRAMS = 20
BASELINES = "baselines"
METHOD_SETS = (BASELINES, "ridge", "consensus", "trained", "augmented", "mlp", "finetuned", "all")


def compute_study_result(
    corpus: Corpus, options: Mapping[str, Any], progress: Progress
) -> StudyResult:
    """Retrieve clips for every query by several methods; measure by several audio encoders."""
    method_set, query_source, seed = options["methods"], options["queries"], options["seed"]
    _validate_retrieval_options(method_set, query_source)
    code_encoder, audio_encoder = fill_default_encoder_ids(
        corpus, options["code_encoder"], options["audio_encoder"]
    )
    held_out_encoders, skipped_encoders = choose_held_out_encoders(corpus, options["eval_encoder"])
    eval_encoders = _list_eval_encoders(audio_encoder, held_out_encoders)
    _embed_missing_programs(corpus, eval_encoders, progress)
    methods, retriever_class = _load_retrieval_methods(method_set, code_encoder)
    methods += list_zero_shot_methods(corpus, options["zero_shot"], progress)
    query_set = load_query_set(
        corpus, query_source, [code_encoder, SONICPI_ENCODER, *eval_encoders], progress
    )
    methods, skipped_methods = _split_methods_by_embedded_share(
        corpus, methods, len(query_set.base)
    )
    audio = {
        encoder: _load_base_and_query_audio(corpus, encoder, query_set, progress)
        for encoder in eval_encoders
    }
    context = RetrievalStudyData(
        corpus, query_set, audio_encoder, audio[audio_encoder].base, seed, progress
    )
    retriever = retriever_class(context)
    results = _retrieve_by_all_methods(methods, retriever, progress)
    outcome = score_retrieved_clips(context, results, audio)
    score_table = build_method_score_table(outcome)
    query_table = build_query_result_table(outcome)
    confidences = retrieval_confidence.estimate_query_confidences(outcome)
    missing_encoders = _list_missing_encoders(skipped_methods, code_encoder)
    return StudyResult(
        comparison=build_retrieval_comparison(score_table, query_source, seed),
        tables=[
            *_build_retrieval_tables(outcome, score_table, query_table, confidences),
            *_build_aspect_tables(outcome, retriever, audio[audio_encoder]),
        ],
        figures=[
            StudyFigure(
                "scores",
                "All methods",
                plot_method_scores(score_table, SCORE),
                retrieval_findings.METRIC_CAPTION,
            ),
            StudyFigure(
                "queries",
                "Each program",
                plot_raw_against_default_scores(query_table),
                "Click a point to play the program's own clip, then the retrieved clips.",
                clip_table="queries",
            ),
            StudyFigure(
                "reliability",
                "Reliability of the confidence",
                plot_reliability_diagram(retrieval_confidence.build_reliability_table(confidences)),
                retrieval_findings.RELIABILITY_CAPTION,
            ),
        ],
        clips=collect_query_clips(outcome, query_table),
        notes=[
            *retrieval_findings.write_retrieval_findings(outcome, query_source, missing_encoders),
            *retrieval_findings.describe_skipped_encoders(skipped_encoders),
            retrieval_findings.describe_confidence(confidences),
        ],
        settings={
            "encoders": {"code": code_encoder, "audio": audio_encoder},
            "eval_encoders": eval_encoders,
            "k": NEIGHBOUR_COUNT,
            "queries": query_source,
            "seed": seed,
            "methods": {method.name: _serialize_method(method) for method in methods},
        },
    )


def _build_retrieval_tables(
    outcome: RetrievalOutcome,
    score_table: pd.DataFrame,
    query_table: pd.DataFrame,
    confidences: list[retrieval_confidence.ConfidenceOutcome],
) -> list[StudyTable]:
    metric_caption = retrieval_findings.METRIC_CAPTION
    default_method = outcome.default_retrieval_method.name
    skipped_programs = outcome.context.query_set.skipped
    return [
        StudyTable(
            "scores",
            "All methods",
            score_table,
            f"{metric_caption} {retrieval_findings.TIMING_CAPTION}",
        ),
        StudyTable(
            "scores_by_encoder",
            "All methods, one column per audio encoder",
            build_encoder_score_table(outcome),
            f"{metric_caption} {retrieval_findings.LOWEST_SCORE_CAPTION}",
        ),
        StudyTable(
            "scores_by_kind", "By kind of program", build_query_kind_table(outcome), metric_caption
        ),
        StudyTable(
            "confidence",
            f"Confidence levels of {default_method}",
            retrieval_confidence.build_confidence_level_table(confidences),
            retrieval_findings.CONFIDENCE_CAPTION,
        ),
        StudyTable(
            "calibration",
            f"Quality of the confidence of {default_method}",
            retrieval_confidence.build_calibration_quality_table(confidences),
            retrieval_findings.CALIBRATION_CAPTION,
        ),
        StudyTable(
            "reliability",
            f"Reliability of the confidence of {default_method}",
            retrieval_confidence.build_reliability_table(confidences),
            retrieval_findings.RELIABILITY_CAPTION,
        ),
        StudyTable(
            "queries", f"Each program, retrieved by {default_method}", query_table, metric_caption
        ),
        StudyTable(
            "skipped",
            "Programs that cannot be queries",
            pd.DataFrame(skipped_programs, columns=["program", "reason"]),
        ),
    ]


def _build_aspect_tables(
    outcome: RetrievalOutcome, retriever: Retriever, training_audio: AudioEmbeddings
) -> list[StudyTable]:
    """Build the table of scores by aspect; none if too many clips are not measured."""
    context, method = outcome.context, outcome.default_retrieval_method
    corpus, query_set = context.corpus, context.query_set
    if not measure_and_store_missing_clip_aspects(corpus, context.progress):
        return []
    queries = AspectQueries(
        list(query_set.queries["source"]),
        float(corpus.settings["seconds"]),
        retriever.score_base_clips(method),
    )
    measured = _load_base_and_query_audio(corpus, ASPECT_ENCODER, query_set, context.progress)
    table = build_aspect_score_table(
        queries, measured, {context.audio_encoder: training_audio}, context.progress
    )
    return [StudyTable("aspects", f"Aspects added to {method.name}", table, ASPECT_CAPTION)]


def _validate_retrieval_options(method_set: str, query_source: str) -> None:
    if method_set not in METHOD_SETS:
        raise EarshotError(
            f"There are no methods {method_set!r}.", remedy=f"Give {', '.join(METHOD_SETS)}."
        )
    if method_set != BASELINES and query_source != VALIDATION_QUERIES:
        raise EarshotError(
            "An ablation selects methods, and selection uses validation programs only.",
            remedy="Leave out --queries, or --methods.",
        )


def choose_held_out_encoders(corpus: Corpus, encoder_ids: str) -> tuple[list[str], list[str]]:
    """Return the audio encoders that only measure.

    Parameters
    ----------
    corpus : Corpus
    encoder_ids : str
        Value of the option: ids joined by commas.

    Returns
    -------
    available : list of str
        Encoders that have embedded the corpus or whose weights are on this machine.
    skipped : list of str
        Encoders of the option's default without weights on this machine.

    Raises
    ------
    EarshotError
        If an encoder is unknown or embeds code, or one that was asked for has no weights here.
    """
    embedded_by = {encoder_id for encoder_id, _, _ in corpus.count_embeddings_by_encoder()}
    is_default = encoder_ids == _get_default_eval_encoder()
    available: list[str] = []
    skipped: list[str] = []
    for encoder_id in filter(None, (part.strip() for part in encoder_ids.split(","))):
        spec = encoders.find_encoder_spec(encoder_id)
        if spec.modality != "audio":
            raise EarshotError(
                f"{encoder_id} embeds code; clips are measured by audio encoders.",
                remedy=f"Give audio encoders, for example {_get_default_eval_encoder()}.",
            )
        is_missing = encoder_id not in embedded_by and not spec.is_available_offline()
        (skipped if is_missing and is_default else available).append(encoder_id)
    return available, skipped


def _list_eval_encoders(training_encoder: str, other_encoders: Sequence[str]) -> list[str]:
    """Return the training encoder, its components and the others, each once."""
    components = [
        component
        for component in split_encoder_id(training_encoder)
        if not any(do_encoders_share_component(component, other) for other in other_encoders)
    ]
    return list(dict.fromkeys((training_encoder, *components, *other_encoders)))


def _get_default_eval_encoder() -> str:
    return str(fill_default_study_options("retrieval")["eval_encoder"])


def _embed_missing_programs(
    corpus: Corpus, eval_encoders: Sequence[str], progress: Progress
) -> None:
    """Embed the corpus by the default code encoder and all audio encoders, if it is not yet."""
    embedded_by = {
        encoder_id for encoder_id, _, count in corpus.count_embeddings_by_encoder() if count
    }
    if SONICPI_ENCODER not in embedded_by:
        embed_corpus(corpus, SONICPI_ENCODER, None, progress)
    for encoder_id in eval_encoders:
        if not embedded_by.issuperset(split_encoder_id(encoder_id)):
            embed_corpus(corpus, None, encoder_id, progress)


def _load_retrieval_methods(
    method_set: str, code_encoder: str
) -> tuple[list[RetrievalMethod], type[Retriever]]:
    """Return the methods of a set, and the retriever that can fit them."""
    if method_set == BASELINES:
        return list_baseline_methods(code_encoder), Retriever
    # Loads transformers for fine-tuning, which the baselines do without.
    from core.studies.experiments import ablation_methods, ablation_retriever

    methods = ablation_methods.METHOD_SETS[method_set](code_encoder)
    return methods, ablation_retriever.AblationRetriever


def _split_methods_by_embedded_share(
    corpus: Corpus, methods: Sequence[RetrievalMethod], base_count: int
) -> tuple[list[RetrievalMethod], list[RetrievalMethod]]:
    """Split methods into those whose encoders have embedded enough programs, and the others."""
    embedded_counts = {
        encoder_id: count for encoder_id, _, count in corpus.count_embeddings_by_encoder()
    }

    def has_enough_embeddings(method: RetrievalMethod) -> bool:
        needed = (
            base_count if method.requires_embeddings_of_all_base_programs else MIN_TRAINING_PROGRAMS
        )
        return all(
            embedded_counts.get(encoder_id, 0) >= min(needed, base_count)
            for encoder_id in method.list_required_training_program_encoders()
        )

    covered = [method for method in methods if has_enough_embeddings(method)]
    return covered, [method for method in methods if method not in covered]


def _list_missing_encoders(
    skipped_methods: Sequence[RetrievalMethod], code_encoder: str
) -> list[str]:
    """Return the encoders without which methods were skipped."""
    encoder_ids = {
        encoder_id
        for method in skipped_methods
        for encoder_id in method.list_required_training_program_encoders()
    }
    return sorted(encoder_ids - {SONICPI_ENCODER, code_encoder})


def _load_base_and_query_audio(
    corpus: Corpus, audio_encoder: str, query_set: QuerySet, progress: Progress
) -> AudioEmbeddings:
    base_audio = corpus.load_embeddings(audio_encoder, list(query_set.base["program"]))[1]
    queries = query_set.queries
    if "program" in queries:
        query_audio = corpus.load_embeddings(audio_encoder, list(queries["program"]))[1]
    else:
        query_audio = embed_clip_files(audio_encoder, list(queries["audio"]), progress)
    return AudioEmbeddings(base_audio, query_audio)


def _retrieve_by_all_methods(
    methods: Sequence[RetrievalMethod], retriever: Retriever, progress: Progress
) -> dict[RetrievalMethod, RetrievalResult]:
    results = {}
    for done, method in enumerate(methods):
        progress(PROGRESS_STEP, done, len(methods), method.name)
        results[method] = retriever.fit_and_retrieve_clips(method)
    progress(PROGRESS_STEP, len(methods), len(methods))
    return results


def _convert_setting_to_json(value: Any) -> Any:
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value


def _serialize_method(method: RetrievalMethod) -> dict[str, Any]:
    """Return a method's settings in JSON types."""
    settings: dict[str, Any] = {}
    for name, value in vars(method).items():
        if name == "members":
            settings[name] = [member.name for member in value]
        elif name != "name":
            settings[name] = _convert_setting_to_json(value)
    return settings
