"""Print the metrics of an alignment, before and after.

The metrics measure the agreement of the two spaces and the retrieval of a program's clip, for raw
embeddings, for aligned ones, and for aligned code against raw audio.

Several --alignment are evaluated on the same programs of the corpus, those that none of them was
trained on, and printed side by side.
"""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING

from core.cli.argument_parsing import (
    add_corpus_argument,
    add_json_option,
    open_aligned_corpus_from_args,
    open_corpus_from_args,
)
from core.cli.terminal_output import (
    print_json_lines,
    print_result_to_stdout,
    print_status_to_stderr,
)
from core.progress_callback import Progress
from core.text_formatting import format_p_value, format_table

if TYPE_CHECKING:
    import pandas as pd

IS_LONG_RUNNING = False


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_corpus_argument(parser)
    parser.add_argument(
        "--alignment",
        action="append",
        metavar="ID",
        help="alignment (the newest); repeat it to evaluate several on the same programs",
    )
    add_json_option(parser, "print one JSON line per row")


def run_command(args: argparse.Namespace, progress: Progress) -> None:
    """Evaluate the alignment, then print its metrics."""
    from core.pipeline import evaluate_alignment_on_held_out_programs

    alignment_names = list(dict.fromkeys(args.alignment or []))
    if len(alignment_names) > 1:
        _evaluate_on_common_programs(args, alignment_names, progress)
        return
    args.alignment = alignment_names[0] if alignment_names else None
    aligned_corpus = open_aligned_corpus_from_args(args, "any")
    metrics = evaluate_alignment_on_held_out_programs.evaluate_alignment(aligned_corpus, progress)
    relabelled_count = aligned_corpus.count_relabelled_programs()
    if relabelled_count and not args.json:
        print_result_to_stdout(
            f"Left out of validation and test: {relabelled_count} programs that took part in the"
            " training of this alignment."
        )
    print_alignment_metrics(aligned_corpus.record.id, metrics, args.json)


def _evaluate_on_common_programs(
    args: argparse.Namespace, alignment_names: list[str], progress: Progress
) -> None:
    """Evaluate several alignments on the same programs, and print them side by side."""
    from core.pipeline.evaluation_on_common_programs import (
        evaluate_on_common_programs,
        pivot_common_evaluation,
    )
    from core.pipeline.trained_alignment_comparison import list_reasons_why_scores_do_not_compare
    from core.search.aligned_corpus import open_aligned_corpus
    from core.search.alignment_choice_for_other_corpora import load_alignment_by_name

    corpus = open_corpus_from_args(args)
    records = [load_alignment_by_name(corpus, name)[1] for name in alignment_names]
    aligned_corpora = [open_aligned_corpus(corpus, record) for record in records]
    metrics = evaluate_on_common_programs(aligned_corpora, progress)
    if args.json:
        print_json_lines(metrics.to_dict(orient="records"))
        return
    differences = list_reasons_why_scores_do_not_compare(records)
    if differences:
        print_status_to_stderr(
            f"The scores saved with these alignments do not compare: {'; '.join(differences)}."
        )
    print_result_to_stdout(
        f"\nOn the same {metrics['programs'].max()} programs, which none of them was trained on"
    )
    table = pivot_common_evaluation(metrics).fillna("")
    print_result_to_stdout(format_table(list(table.columns), table.itertuples(index=False)))


def print_alignment_metrics(alignment_id: str, metrics: pd.DataFrame, as_json: bool) -> None:
    """Print one table per split with a column per comparison, or JSON lines with intervals."""
    if as_json:
        json_rows = metrics.to_dict(orient="records")
        print_json_lines([{"alignment": alignment_id, **row} for row in json_rows])
        return
    # Importing it loads numpy.
    from core.evaluation.null_calibration import describe_measures_near_chance

    for split, rows in metrics.groupby("split", sort=False):
        comparisons = list(rows["reading"].unique())
        cells = rows.assign(
            cell=[
                _format_metric_and_calibrated_value(*numbers)
                for numbers in zip(rows["value"], rows["calibrated"], rows["p"])
            ]
        )
        table = cells.pivot(index="metric", columns="reading", values="cell")
        table = table.loc[rows["metric"].unique(), comparisons].fillna("")
        print_result_to_stdout(
            f"\n{split}, {rows['programs'].iloc[0]} programs: value / calibrated"
        )
        print_result_to_stdout(format_table(["metric", *comparisons], table.itertuples()))
        null_means = rows[rows["p"].notna()].groupby("metric", sort=False)["null_mean"].max()
        chance_note = describe_measures_near_chance(
            {str(metric): float(value) for metric, value in null_means.items()}
        )
        if chance_note:
            print_result_to_stdout(chance_note)
    print_result_to_stdout(
        "\nCalibrated: 0 for permuted pairs or a random order, 1 for the maximum. p: share of"
        " permutations that reach the value. cca@N: mean over the same N pairs of directions before"
        " and after alignment; cca_all@N: over all pairs of the space with the"
        " fewest. --json adds the mean and the 95th percentile of permuted pairs."
    )


def _format_metric_and_calibrated_value(value: float, calibrated: float, p: float) -> str:
    """Return "0.512 / 0.43 p=0.005", without what is NaN; without a value ""."""
    if math.isnan(value):
        return ""
    text = f"{value:.3f}" if math.isnan(calibrated) else f"{value:.3f} / {calibrated:.2f}"
    return f"{text} {format_p_value(p)}".rstrip()
