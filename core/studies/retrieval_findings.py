"""Notes and captions of the snippet-retrieval study."""

from __future__ import annotations

from collections.abc import Sequence

from core import encoders
from core.encoders.encoder_spec_lookup import do_encoders_share_component
from core.evaluation.confidence_calibration import CORRECT_THRESHOLD
from core.studies.retrieval_confidence import ConfidenceOutcome, build_calibration_quality_table
from core.studies.retrieval_method_fitting_and_ranking import NEIGHBOUR_COUNT
from core.studies.retrieval_queries import EXAMPLE_QUERIES, VALIDATION_QUERIES
from core.studies.retrieved_clip_scores import SCORE, RetrievalOutcome

METRIC_CAPTION = (
    f"{SCORE}: mean cosine similarity of a program's own clip and the {NEIGHBOUR_COUNT} retrieved"
    " clips, scaled so that the mean over all clips searched is 0 and the true nearest"
    f" {NEIGHBOUR_COUNT} are 1."
)
LOWEST_SCORE_CAPTION = (
    "lowest: the least of the columns before it. It is high only if all encoders call the retrieved"
    " clips similar, also those that no head was trained on. The last rows are the clips that are"
    " truly nearest by one encoder, and by the sum of all, each standardized per query."
)
TIMING_CAPTION = (
    "fit seconds: processor time of fitting; rewriting or rendering programs counts for the first"
    " method that needs them. query ms: from a program to its neighbours, with its embedding."
)
CONFIDENCE_CAPTION = (
    "Calibrated on templates and grammar styles held out of the base, without the queries."
    " predicted probability: mean over the queries of the level. fraction correct: queries with a"
    f" {SCORE} of at least {CORRECT_THRESHOLD:.2f}. {SCORE}: its mean. Programs that the reader"
    " hardly understood have a low confidence."
)
CALIBRATION_CAPTION = (
    "AUC: chance that a correct prediction has a higher probability than an incorrect one."
    " calibration error: mean difference of predicted probability and fraction correct over bins of"
    " equal size. calibration error by chance: what perfect probabilities would have with so few"
    " queries."
)
RELIABILITY_CAPTION = (
    "Bins of equal size, 3 to 10 of at least 50 queries where there are enough. fraction correct:"
    f" queries with a {SCORE} of at least {CORRECT_THRESHOLD:.2f}."
)


def write_retrieval_findings(
    outcome: RetrievalOutcome, query_source: str, missing_encoders: Sequence[str]
) -> list[str]:
    """Describe the default method's scores, the queries and what was left out.

    Parameters
    ----------
    outcome : RetrievalOutcome
    query_source : str
        "validation", "examples" or a folder.
    missing_encoders : sequence of str
        Ids of the encoders without which methods were skipped.
    """
    context, query_set = outcome.context, outcome.context.query_set
    default_method, raw_method = (
        outcome.default_retrieval_method.name,
        outcome.raw_embedding_method.name,
    )
    comparisons = "; ".join(
        f"{outcome.scores[default_method, encoder].mean():.2f} measured by {encoder}, raw code"
        f" {outcome.scores[raw_method, encoder].mean():.2f}"
        for encoder in outcome.eval_encoders
    )
    notes = [
        f"{SCORE} of the default method ({default_method}): {comparisons}.",
        METRIC_CAPTION,
        f"{len(query_set.queries)} queries, {len(query_set.base)} clips searched;"
        f" {len(query_set.skipped)} programs have no clip of their own to be measured by.",
    ]
    training_encoder, *other_encoders = outcome.eval_encoders
    held_out_encoders = [
        encoder_id
        for encoder_id in other_encoders
        if not do_encoders_share_component(encoder_id, training_encoder)
    ]
    component_encoders = [
        encoder_id
        for encoder_id in other_encoders
        if do_encoders_share_component(encoder_id, training_encoder)
    ]
    if component_encoders:
        notes.append(
            f"Heads are trained on {training_encoder}, of which {', '.join(component_encoders)}"
            " measure one part each."
        )
    if held_out_encoders:
        verb = "is" if len(held_out_encoders) == 1 else "are"
        notes.append(
            f"Heads are trained on {training_encoder}; {' and '.join(held_out_encoders)} {verb} not"
            " used in training."
        )
    if query_source == EXAMPLE_QUERIES:
        notes.append(
            "These programs are a test set: nothing was selected on them. They were among the"
            " programs that the interpreter had to parse without errors during its development."
        )
    if query_source == VALIDATION_QUERIES:
        notes.append(
            "Whole templates and whole grammar styles are held out: none of their programs is"
            " searched or trained on."
        )
    notes += [
        f"{encoder_id} has embedded {count} of the {len(query_set.base)} programs searched;"
        " training uses only those."
        for encoder_id, count in context.list_incomplete_code_encoders()
    ]
    notes += [
        f"Methods that need {encoder_id} are left out. To embed with it: ./run embed"
        f" {context.corpus.name} --{encoders.find_encoder_spec(encoder_id).modality}-encoder"
        f" {encoder_id}"
        for encoder_id in missing_encoders
    ]
    return notes


def describe_skipped_encoders(encoder_ids: Sequence[str]) -> list[str]:
    """Describe audio encoders that do not measure because their weights are missing."""
    return [
        f"{encoder_id} does not measure: its weights are not on this machine. To get them:"
        f" {encoders.find_encoder_spec(encoder_id).weights_install_instructions}"
        for encoder_id in encoder_ids
    ]


def describe_confidence(confidences: Sequence[ConfidenceOutcome]) -> str:
    """Describe AUC, calibration error and the levels of the confidence."""
    if not confidences:
        return "There are too few templates and grammar styles to calibrate confidence."
    quality = build_calibration_quality_table(list(confidences)).to_dict("records")
    parts = [
        f"{row['direction']}: {row['mean probability']:.0%} predicted,"
        f" {row['fraction correct']:.0%} correct, AUC {row['AUC']:.2f}, calibration error"
        f" {row['calibration error']:.3f} ({row['calibration error by chance']:.3f} by chance)"
        for row in quality
    ]
    return f"Confidence, {'; '.join(parts)}. Correct: {SCORE} of at least {CORRECT_THRESHOLD:.2f}."
