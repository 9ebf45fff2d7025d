"""Do clips found by code alone foretell the sound of programs that no template made?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from core.alignment import AlignmentConfig
from core.studies.experiments.finetune import FinetuningConfig
from core.corpus import Corpus
from core.errors import EarshotError
from core.evaluation.bootstrap import bootstrap_interval
from core.evaluation.metrics import normalized_similarity
from core.evaluation.neighbours import top_k
from core.evaluation.calibration import CONFIDENCE_LEVELS, CORRECT_THRESHOLD, classify_confidence, compute_confidence_features
from core.progress import Progress
from core.search.embedded_corpus import resolve_encoder_ids
from core.pipeline.embed import embed_corpus
from core.studies import options as option
from core.studies.retrieval_figures import plot_query_scores, plot_method_scores
from core.studies.retrieval import Retriever, RetrievalResult, NEIGHBOUR_COUNT
from core.studies.retrieval_fitting import make_training_masks
from core.studies.retrieval_context import RetrievalContext
from core.studies.retrieval_queries import EXAMPLE_QUERIES, VALIDATION_QUERIES, QuerySet, load_query_set
from core.studies.retrieval_methods import MLP, RAW_EMBEDDINGS, SONICPI_ENCODER, METHOD_SETS, RetrievalMethod
from core.studies.study_clips import embed_clip_files
from core.studies.result import StudyFigure, ClipSequence, StudyResult, StudyTable, compare_to_paper
from core.studies.store import make_workspace_relative
from core.search.confidence import TrainingSet, fit_calibration

NAME = "foretelling"
TITLE = "Programs that no template made"
QUESTION = "Do the clips found by code alone foretell what any snippet will sound like?"
OPTIONS = option.STUDY_OPTIONS["foretelling"]
PROGRESS_STEP = "Foretelling"
MAX_PLAYABLE_QUERIES = 40  # queries that can be heard
MIN_TRAINING_PROGRAMS = 20  # programs embedded by an encoder, for heads to be trained on it
CONFIDENCE_CAPTION = (
    "Learnt on templates and styles held out of the clips searched, without these programs. said:"
    " the mean probability; right: the share that is at least half foretold, on each program's own"
    " scale; share: the mean of that."
)
TIMING_CAPTION = (
    "fit seconds: processor time of teaching, programs rewritten or rendered for it included for"
    " the first way that takes them."
    " answer ms: from a program to its neighbours, its embedding included."
)
METRIC_CAPTION = (
    "Foretold share at k = 5: cosine of a program's clip and those found for it, on a scale where"
    " the mean over all clips searched is 0 and the 5 truly nearest are 1."
)


def run(corpus: Corpus, options: Mapping[str, Any], progress: Progress) -> StudyResult:
    """Ask every query of the same clips in several ways, and let two audio encoders judge."""
    ways_asked, which, seed = options["ways"], options["queries"], options["seed"]
    _validate_options(ways_asked, which)
    code, audio = resolve_encoder_ids(corpus, options["code_encoder"], options["audio_encoder"])
    judges = list(dict.fromkeys((audio, options["judge"])))
    _embed_missing_programs(corpus, judges, progress)
    ways = METHOD_SETS[ways_asked](code)
    material = load_query_set(corpus, which, [code, SONICPI_ENCODER, *judges], progress)
    enough = _make_coverage_check(corpus, len(material.base))
    left_out = [way for way in ways if not enough(way)]
    ways = [way for way in ways if way not in left_out]

    heard = {ear: corpus.load_embeddings(ear, list(material.base["program"]))[1] for ear in judges}
    truth = {ear: _load_query_audio(corpus, ear, material.queries, progress) for ear in judges}
    given = RetrievalContext(corpus, material, audio, heard[audio], seed, progress)
    finder, found = Retriever(given), {}
    for done, way in enumerate(ways):
        progress(PROGRESS_STEP, done, len(ways), way.name)
        found[way] = finder.retrieve(way)
    progress(PROGRESS_STEP, len(ways), len(ways))

    nearest = {ear: top_k(truth[ear], heard[ear], NEIGHBOUR_COUNT)[0] for ear in judges}
    rows = {way.name: each.rows for way, each in found.items()}
    # The judge's own nearest are 1 by it; by another judge they show what can be hoped for.
    rows[f"truly nearest by {audio}"] = nearest[audio]
    took = {way.name: (each.fit_seconds, each.answer_ms) for way, each in found.items()}
    scored = {
        (name, ear): normalized_similarity(each, truth[ear], heard[ear])
        for name, each in rows.items()
        for ear in judges
    }
    table = _build_score_table(scored, took, audio, seed)
    raw, ours = _select_reported_methods(ways, code)
    each, clips = _build_query_table(
        material, rows[ours.name], nearest[audio], scored[raw.name, audio], scored[ours.name, audio]
    )
    kinds = _build_kind_table(scored, material.queries["kind"].to_numpy())
    sure = _evaluate_confidence(ours, given, found[ours], truth[audio])
    return StudyResult(
        comparison=_make_comparison(table, which, seed),
        tables=[
            StudyTable("shares", "Every way to find neighbours", table, f"{METRIC_CAPTION} {TIMING_CAPTION}"),
            StudyTable("kinds", "By kind of program", kinds, METRIC_CAPTION),
            StudyTable(
                "sureness",
                f"How sure {ours.name} said to be, and how often it was right",
                sure,
                CONFIDENCE_CAPTION,
            ),
            StudyTable("queries", f"Each program, foretold by {ours.name}", each, METRIC_CAPTION),
            StudyTable(
                "skipped",
                "Programs that could not be asked about",
                pd.DataFrame(material.skipped, columns=["program", "why"]),
            ),
        ],
        figures=[
            StudyFigure("shares", "Every way to find neighbours", plot_method_scores(table), METRIC_CAPTION),
            StudyFigure(
                "queries",
                "Each program",
                plot_query_scores(each),
                "Click a point to hear the program, then what was foretold of it.",
                clip_table="queries",
            ),
        ],
        clips=clips,
        notes=[*_write_notes(given, table, (raw, ours), judges, left_out, which, code), *_describe_confidence(sure)],
        settings={
            "encoders": {"code": code, "audio": audio},
            "judges": judges,
            "k": NEIGHBOUR_COUNT,
            "queries": which,
            "seed": seed,
            "ways": {way.name: _serialize_method(way) for way in ways},
        },
    )


def _evaluate_confidence(method: RetrievalMethod, context: RetrievalContext, retrieved: RetrievalResult, query_audio: np.ndarray) -> pd.DataFrame:
    """How sure it would have said to be, learnt without the queries, and what was so."""
    known, own = context.get_code_embeddings(method.code_encoder)
    _, stops = make_training_masks(method, context)
    learnt = fit_calibration(
        TrainingSet(known, context.base_audio, stops),
        list(context.query_set.base["template"]),
        method.alignment_config,
        context.progress,
    )
    columns = ["level", "queries", "said", "right", "share"]
    if learnt is None:
        return pd.DataFrame(columns=columns)
    nearest = top_k(own, known, 1)[1][:, 0]
    said = learnt.predict_probability(compute_confidence_features(context.base_audio[retrieved.base_rows], retrieved.similarities, nearest))
    shares_of = normalized_similarity(retrieved.base_rows, query_audio, context.base_audio, per_query_scale=True)
    levels = np.array([classify_confidence(probability) for probability in said])
    rows = [
        (
            each,
            int(own.sum()),
            said[own].mean(),
            (shares_of[own] >= CORRECT_THRESHOLD).mean(),
            shares_of[own].mean(),
        )
        for each in CONFIDENCE_LEVELS
        if (own := levels == each).any()
    ]
    return pd.DataFrame(rows, columns=columns)


def _describe_confidence(confidence_table: pd.DataFrame) -> list[str]:
    if confidence_table.empty:
        return ["There are too few templates and styles to learn how sure a foretelling is."]
    parts = [
        f"{row['level']}: {row['queries']} programs, right {row['right']:.0%}, expected"
        f" {row['said']:.0%}"
        for row in confidence_table.to_dict("records")
    ]
    return [
        f"How sure it said to be: {'; '.join(parts)}. Right: at least half as near as the truly"
        " nearest."
    ]


def _validate_options(method_set: str, query_source: str) -> None:
    if method_set not in METHOD_SETS:
        raise EarshotError(f"There are no ways {method_set!r}.", remedy=f"Give {', '.join(METHOD_SETS)}.")
    if method_set != "told" and query_source != VALIDATION_QUERIES:
        raise EarshotError(
            "These are for choosing, and choosing is done on validation programs only.",
            remedy="Leave out --queries, or --ways.",
        )


def _embed_missing_programs(corpus: Corpus, eval_encoders: Sequence[str], progress: Progress) -> None:
    """See that the corpus was embedded by what reads code and by every judge."""
    there = {name for name, _, count in corpus.list_encoders() if count}
    if SONICPI_ENCODER not in there:
        embed_corpus(corpus, SONICPI_ENCODER, None, progress)
    for judge in eval_encoders:
        if judge not in there:
            embed_corpus(corpus, None, judge, progress)


def _load_query_audio(corpus: Corpus, audio_encoder: str, queries: pd.DataFrame, progress: Progress) -> np.ndarray:
    if "program" in queries:
        return corpus.load_embeddings(audio_encoder, list(queries["program"]))[1]
    return embed_clip_files(audio_encoder, list(queries["audio"]), progress)


def _select_reported_methods(methods: Sequence[RetrievalMethod], code_encoder: str) -> tuple[RetrievalMethod, RetrievalMethod]:
    """Raw code, and ours: whichever way scores best, it is these that are told of."""
    raw = next(way for way in methods if way.algorithm == RAW_EMBEDDINGS)
    return raw, next(way for way in methods if way.is_default)


def _build_score_table(scores: Mapping, timings: Mapping, training_encoder: str, seed: int) -> pd.DataFrame:
    rows = []
    for (name, ear), share in scores.items():
        low, high = bootstrap_interval(share, seed=seed)
        fit, answer = timings.get(name, (np.nan, np.nan))
        rows.append(
            {
                "way": name,
                "judge": ear,
                "trained on": ear == training_encoder,
                "share": float(share.mean()),
                "low": low,
                "high": high,
                "queries": len(share),
                "fit seconds": fit,
                "answer ms": answer,
            }
        )
    return pd.DataFrame(rows)


def _build_kind_table(scores: Mapping, query_kinds: np.ndarray) -> pd.DataFrame:
    rows = [
        {
            "way": name,
            "judge": ear,
            "kind": kind,
            "share": float(share[query_kinds == kind].mean()),
            "queries": int((query_kinds == kind).sum()),
        }
        for (name, ear), share in scores.items()
        for kind in dict.fromkeys(query_kinds)
    ]
    return pd.DataFrame(rows)


def _make_comparison(score_table: pd.DataFrame, query_source: str, seed: int) -> pd.DataFrame:
    return compare_to_paper(
        [
            {
                "measure": f"Foretold share, {row['way']}, judged by {row['judge']}",
                "measured": row["share"],
                "low": row["low"],
                "high": row["high"],
                "split": query_source,
                "seed": seed,
            }
            for row in score_table.to_dict("records")
        ]
    )


def _build_query_table(
    query_set: QuerySet, retrieved_rows: np.ndarray, nearest_rows: np.ndarray, raw_scores: np.ndarray, default_scores: np.ndarray
) -> tuple[pd.DataFrame, list[ClipSequence]]:
    """A row a query with what was foretold for it and what is true, and clips to hear."""
    names, paths = query_set.base["name"].to_numpy(), query_set.base["audio"].to_numpy()
    sources = query_set.base["source"].to_numpy()
    queries = query_set.queries
    heard = [
        [make_workspace_relative(path) for path in (own, *paths[rows])]
        for own, rows in zip(queries["audio"], retrieved_rows)
    ]
    table = pd.DataFrame(
        {
            "program": queries["name"].to_numpy(),
            "kind": queries["kind"].to_numpy(),
            "ours": default_scores,
            "raw": raw_scores,
            "foretold": [", ".join(names[rows]) for rows in retrieved_rows],
            "truly nearest": [", ".join(names[rows]) for rows in nearest_rows],
            "of these foretold": [len(set(a) & set(b)) for a, b in zip(retrieved_rows, nearest_rows)],
            "clips": ["|".join(each) for each in heard],
        }
    )
    step = max(1, len(queries) // MAX_PLAYABLE_QUERIES)
    clips = [
        ClipSequence(
            f"{query['name']}: {share:.2f}",
            tuple(parts),
            ("the program itself", *names[rows]),
            (query["source"], *sources[rows]),
            note="The truth, then what was foretold.",
        )
        for (_, query), rows, share, parts in zip(queries.iterrows(), retrieved_rows, default_scores, heard)
    ][::step]
    return table, clips


def _write_notes(context, score_table, reported_methods, eval_encoders, skipped_methods, query_source, code_encoder) -> list[str]:
    corpus, material = context.corpus, context.asked
    raw, ours = reported_methods
    shares_of = score_table.set_index(["way", "judge"])["share"]
    told_of = "; ".join(
        f"{shares_of[ours.name, judge]:.2f} judged by {judge}, where raw code reaches"
        f" {shares_of[raw.name, judge]:.2f}"
        for judge in eval_encoders
    )
    notes = [
        f"Ours ({ours.name}): {told_of}.",
        METRIC_CAPTION,
        f"{len(material.queries)} programs asked about, {len(material.base)} clips searched;"
        f" {len(material.skipped)} programs had no clip of their own to be judged by.",
    ]
    if len(eval_encoders) > 1:
        notes.append(
            f"{eval_encoders[0]} is the encoder that heads are trained on; {eval_encoders[1]} was never"
            " seen in training."
        )
    if query_source == EXAMPLE_QUERIES:
        notes.append(
            "These programs are a test: nothing was chosen by them. While the reader of"
            " code was written, they were among the programs that it was seen to read"
            " without error."
        )
    if query_source == VALIDATION_QUERIES:
        notes.append(
            "Whole templates and whole styles are held out: none of their programs is"
            " searched or trained on."
        )
    notes += [
        f"By {name} only {count} of the {len(material.base)} programs are embedded: no more"
        " can teach."
        for name, count in context.partly()
    ]
    lacking = {part for way in skipped_methods for part in way.encoders()} - {SONICPI_ENCODER, code_encoder}
    notes += [
        f"Left out is what takes {part}: ./run embed {corpus.name} --code-encoder {part}"
        for part in sorted(lacking)
    ]
    return notes


def _make_coverage_check(corpus: Corpus, base_count: int) -> Callable[[RetrievalMethod], bool]:
    """Whether a way's encoders have embedded enough: some to be taught, a network all."""
    there = {name: count for name, _, count in corpus.list_encoders()}

    def has_enough_embeddings(method: RetrievalMethod) -> bool:
        least = base_count if method.algorithm == MLP else MIN_TRAINING_PROGRAMS
        return all(there.get(part, 0) >= min(least, base_count) for part in method.list_training_encoders())

    return has_enough_embeddings


def _serialize_method(method: RetrievalMethod) -> dict[str, Any]:
    """A way's settings, in types that JSON has."""
    told = {name: value for name, value in vars(method).items() if name != "name"}
    for name, value in told.items():
        if isinstance(value, AlignmentConfig):
            told[name] = value.to_dict()
        elif isinstance(value, FinetuningConfig):
            told[name] = asdict(value)
    return told | {"parts": [part.name for part in method.members]}
