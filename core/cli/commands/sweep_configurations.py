"""Train many configurations with several seeds, and compare them.

Run it again to resume a stopped sweep. Configurations are chosen on the validation programs; the
metrics of the test programs are stored for reports.
"""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING

from core.cli.argument_parsing import (
    add_corpus_argument,
    add_encoder_options,
    add_executor_options,
    add_json_option,
    open_corpus_from_args,
    parse_positive_int,
)
from core.cli.executor_choice import open_executor
from core.cli.terminal_output import print_json_lines, print_result_to_stdout
from core.progress_callback import Progress
from core.text_formatting import format_table

if TYPE_CHECKING:
    import pandas as pd

IS_LONG_RUNNING = True
DISPLAYED_METRICS = (
    "cka_debiased",
    "cka",
    "mutual_knn@10",
    "overlap@3",
    "spearman",
    "pearson",
    "normalized_similarity@5",
    "recall@1 code->audio",
    "seconds",
)
RANKING_METRICS = ("cka_debiased", "cka")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    from core.alignment.sweep_grids import GRIDS, SEED_COUNT

    add_corpus_argument(parser)
    parser.add_argument(
        "--grid",
        choices=tuple(GRIDS),
        default="paper",
        help="paper: the paper's 24 configurations; ablation: the effect of each part of the"
        " method; tradeoff: the effect of the temperature (paper)",
    )
    parser.add_argument(
        "--seeds",
        type=parse_positive_int,
        default=SEED_COUNT,
        metavar="N",
        help=f"runs per configuration ({SEED_COUNT})",
    )
    parser.add_argument(
        "--workers",
        type=parse_positive_int,
        metavar="N",
        help="parallel runs (2; with --executor ray, one per core)",
    )
    add_executor_options(parser)
    add_encoder_options(parser, "the corpus's")
    add_json_option(parser, "print one JSON line per number")


def run_command(args: argparse.Namespace, progress: Progress) -> None:
    """Run the missing trainings, then print the results on the validation programs."""
    from core.pipeline import sweep_execution, sweep_results
    from core.pipeline.executors.executor_of_enclosing_block import use_executor

    corpus = open_corpus_from_args(args)
    with open_executor(args, progress) as (executor, progress), use_executor(executor):
        sweep_id = sweep_execution.run_sweep(
            corpus,
            args.grid,
            progress,
            seed_count=args.seeds,
            workers=args.workers or sweep_execution.DEFAULT_WORKERS,
            code_encoder=args.code_encoder,
            audio_encoder=args.audio_encoder,
        )
    results = sweep_results.load_sweep_results(corpus, sweep_id)
    if args.json:
        print_json_lines(results.to_dict(orient="records"))
    else:
        _print_sweep_tables(results)


def _print_sweep_tables(results: pd.DataFrame) -> None:
    from core.evaluation.metrics_with_intervals import ALIGNED_VS_ALIGNED, ALIGNED_VS_RAW
    from core.pipeline import sweep_results

    cca_metric = sweep_results.find_common_cca_metric(results)
    cca_metrics = [] if cca_metric is None else [cca_metric]
    for comparison in (ALIGNED_VS_ALIGNED, ALIGNED_VS_RAW):
        summary = sweep_results.summarize_sweep_results(results, "validation", comparison)
        displayed = (*DISPLAYED_METRICS[:2], *cca_metrics, *DISPLAYED_METRICS[2:])
        metrics = [metric for metric in displayed if (metric, "mean") in summary]
        names = summary.index.get_level_values("name")
        rows = [
            (
                name,
                *(
                    _format_mean_and_deviation(row[metric, "mean"], row[metric, "sd"])
                    for metric in metrics
                ),
            )
            for name, (_, row) in zip(names, summary.iterrows())
        ]
        print_result_to_stdout(
            f"\n{comparison}, validation programs: mean and standard deviation over seeds"
        )
        print_result_to_stdout(format_table(("configuration", *metrics), rows))
    name_by_number = results.drop_duplicates("number").set_index("number")["name"]
    for metric in (*RANKING_METRICS, *cca_metrics):
        best = sweep_results.find_best_configuration_number(results, metric)
        if best is not None:
            print_result_to_stdout(f"Best by {metric}: {name_by_number[best]}")


def _format_mean_and_deviation(mean: float, deviation: float) -> str:
    """Return "0.512 ±0.003"; without a deviation only the mean, without a mean "-"."""
    if math.isnan(mean):
        return "-"
    return f"{mean:.3f}" if math.isnan(deviation) else f"{mean:.3f} ±{deviation:.3f}"
