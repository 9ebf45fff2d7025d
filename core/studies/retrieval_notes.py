"""Notes and captions of the snippet-retrieval study."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from core.studies.retrieval_context import RetrievalContext
from core.studies.retrieval_methods import RetrievalMethod
from core.studies.retrieval_queries import EXAMPLE_QUERIES, VALIDATION_QUERIES
from core.studies.retrieval_tables import SCORE
from core.studies.retriever import NEIGHBOUR_COUNT

METRIC_CAPTION = (
    f"{SCORE}: mean cosine similarity of a program's own clip and the {NEIGHBOUR_COUNT} retrieved"
    " clips, scaled so that the mean over all clips searched is 0 and the true nearest"
    f" {NEIGHBOUR_COUNT} are 1."
)
TIMING_CAPTION = (
    "fit seconds: processor time of fitting; rewriting or rendering programs counts for the first"
    " method that needs them. query ms: from a program to its neighbours, with its embedding."
)
CONFIDENCE_CAPTION = (
    "Calibrated on templates and grammar styles held out of the base, without the queries."
    " predicted probability: mean over the queries of the level. fraction correct: queries with a"
    f" {SCORE} of at least 0.5 on their own scale. {SCORE}: its mean on that scale."
)


@dataclass(frozen=True)
class RetrievalReport:
    """Everything that the notes are written from.

    Attributes
    ----------
    context : RetrievalContext
    score_table : DataFrame
        As returned by `core.studies.retrieval_tables.build_score_table`.
    raw_method, default_method : RetrievalMethod
        The methods that the notes compare.
    eval_encoders : sequence of str
        Ids of the audio encoders that measure; the first is the training encoder.
    query_source : str
        "validation", "examples" or a folder.
    missing_encoders : sequence of str
        Ids of the encoders without which methods were skipped.
    """

    context: RetrievalContext
    score_table: pd.DataFrame
    raw_method: RetrievalMethod
    default_method: RetrievalMethod
    eval_encoders: Sequence[str]
    query_source: str
    missing_encoders: Sequence[str]


def write_notes(report: RetrievalReport) -> list[str]:
    """Describe the default method's scores, the queries and what was left out."""
    query_set = report.context.query_set
    table = report.score_table
    scores = dict(zip(zip(table["method"], table["encoder"]), table[SCORE]))
    comparisons = "; ".join(
        f"{scores[report.default_method.name, encoder]:.2f} measured by {encoder}, raw code"
        f" {scores[report.raw_method.name, encoder]:.2f}"
        for encoder in report.eval_encoders
    )
    notes = [
        f"{SCORE} of the default method ({report.default_method.name}): {comparisons}.",
        METRIC_CAPTION,
        f"{len(query_set.queries)} queries, {len(query_set.base)} clips searched;"
        f" {len(query_set.skipped)} programs have no clip of their own to be measured by.",
    ]
    if len(report.eval_encoders) > 1:
        training_encoder, held_out_encoder = report.eval_encoders
        notes.append(
            f"Heads are trained on {training_encoder}; {held_out_encoder} is not used in training."
        )
    if report.query_source == EXAMPLE_QUERIES:
        notes.append(
            "These programs are a test set: nothing was selected on them. They were among the"
            " programs that the interpreter had to parse without errors during its development."
        )
    if report.query_source == VALIDATION_QUERIES:
        notes.append(
            "Whole templates and whole grammar styles are held out: none of their programs is"
            " searched or trained on."
        )
    notes += [
        f"{encoder_id} has embedded {count} of the {len(query_set.base)} programs searched;"
        " training uses only those."
        for encoder_id, count in report.context.list_partial_encoders()
    ]
    notes += [
        f"Methods that need {encoder_id} are left out. To embed with it: ./run embed"
        f" {report.context.corpus.name} --code-encoder {encoder_id}"
        for encoder_id in report.missing_encoders
    ]
    return notes


def describe_confidence(confidence_table: pd.DataFrame) -> str:
    """Describe predicted and actual fraction of correct queries per confidence level."""
    if confidence_table.empty:
        return "There are too few templates and grammar styles to calibrate confidence."
    parts = [
        f"{row['level']}: {row['queries']} programs, {row['fraction correct']:.0%} correct,"
        f" {row['predicted probability']:.0%} predicted"
        for row in confidence_table.to_dict("records")
    ]
    return f"Confidence: {'; '.join(parts)}. Correct: {SCORE} of at least 0.5."
