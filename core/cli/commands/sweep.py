"""Train many configurations with several seeds, and compare them.

Run it again to go on where it was stopped. Configurations are chosen on the validation
programs; the test programs' numbers are kept beside them for the report.
"""

from __future__ import annotations

import argparse

from core.cli.output import print_json_line, print_result, format_table
from core.cli.parsing import open_corpus, parse_positive_int
from core.progress import Progress

IS_LONG_RUNNING = True
DISPLAYED_METRICS = (
    "cka",
    "cca",
    "overlap@3",
    "spearman",
    "pearson",
    "normalized_similarity@5",
    "recall@1 code->audio",
    "seconds",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("corpus", metavar="CORPUS", help="its name")
    parser.add_argument(
        "--grid",
        choices=("paper", "ablation", "trade"),
        default="paper",
        help="the paper's 24 configurations; what each piece of the method brings; what"
        " temperature trades (paper)",
    )
    parser.add_argument("--seeds", type=parse_positive_int, default=5, metavar="N", help="runs of each (5)")
    parser.add_argument("--workers", type=parse_positive_int, default=2, metavar="N", help="side by side (2)")
    parser.add_argument("--code-encoder", metavar="ID", help="if left out, the corpus's")
    parser.add_argument("--audio-encoder", metavar="ID", help="if left out, the corpus's")
    parser.add_argument("--json", action="store_true", help="print one JSON line a number")


def run(args: argparse.Namespace, progress: Progress) -> None:
    """Run what is lacking, then print the table of the validation programs."""
    from core.evaluation.metrics_table import ALIGNED_VS_RAW, ALIGNED_VS_ALIGNED
    from core.pipeline import sweep

    corpus = open_corpus(args)
    sweep_id = sweep.run_sweep(
        corpus,
        args.grid,
        progress,
        seed_count=args.seeds,
        workers=args.workers,
        code_encoder=args.code_encoder,
        audio_encoder=args.audio_encoder,
    )
    found = sweep.load_sweep(corpus, sweep_id)
    if args.json:
        for row in found.to_dict(orient="records"):
            print_json_line(row)
        return
    for reading in (ALIGNED_VS_ALIGNED, ALIGNED_VS_RAW):
        means = sweep.summarize_sweep(found, "validation", reading)
        metrics = [metric for metric in DISPLAYED_METRICS if (metric, "mean") in means]
        rows = [
            (name, *(f"{row[m, 'mean']:.3f} ±{row[m, 'sd']:.3f}" for m in metrics))
            for (_, name), row in means.iterrows()
        ]
        print_result(f"\n{reading}, validation programs: mean and standard deviation over seeds")
        print_result(format_table(("configuration", *metrics), rows).replace(" ±nan", "").replace("nan", "-"))
    names = found.drop_duplicates("number").set_index("number")["name"]
    for metric in ("cka", "cca"):
        print_result(f"Best by {metric}: {names[sweep.find_best_configuration(found, metric)]}")
