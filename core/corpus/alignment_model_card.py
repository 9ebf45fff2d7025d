"""Model card of an alignment, in Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.corpus.legacy_saved_names import translate_legacy_grammar_name
from core.text_formatting import format_markdown_table, format_p_value

CARD_METRICS = (
    "cka_debiased",
    "cka",
    "mutual_knn@10",
    "cca@",
    "cca_all@",
    "overlap@3",
    "spearman",
    "pearson",
    "recall@1 code->audio",
    "mrr code->audio",
)
INTRODUCTION = """\
# Alignment of Sonic Pi code and audio

Two projection heads, trained by Earshot, that map embeddings of Sonic Pi programs and embeddings of
their clips into one shared space.
"""
LIMITS_AND_LICENCE = """\
## Limits

The metrics hold for programs like those of the corpus. Results for other templates and for other
people's programs are worse. The validation programs chose the epoch; the test programs chose
nothing. Calibrated values are 0 for permuted pairs and 1 for the maximum of a measure. `cca@N` is
the mean over the same N pairs of directions before and after alignment, and `cca_all@N` the mean
over all pairs that the space with the fewest has. Only `aligned code ~ raw
audio` compares with audio embeddings that no head has changed.

## Licence

The heads may be used as freely as the corpus that they were trained on. The encoders are not in
this folder and have licences of their own.
"""


def format_model_card(
    config: Mapping[str, Any], metrics: Mapping[str, Any], created: str = ""
) -> str:
    """Return the model card of an alignment; what config and metrics lack is left out.

    Parameters
    ----------
    config, metrics : mapping
        As given to `core.corpus.alignment_store.CorpusAlignments.save_alignment`.
    created : str
        UTC, ISO 8601; "" leaves the date out.

    Returns
    -------
    str
        Markdown.
    """
    return "\n".join(
        [
            INTRODUCTION,
            *_format_training_facts(config, metrics),
            *([f"- trained: {created}"] if created else []),
            "",
            *_format_loading_code(config),
            *_format_metric_tables(metrics.get("readings") or []),
            LIMITS_AND_LICENCE,
        ]
    )


def _format_training_facts(config: Mapping[str, Any], metrics: Mapping[str, Any]) -> list[str]:
    lines = [
        f"- {modality} encoder: `{encoder['id']}`, revision `{encoder['revision']}`,"
        f" {encoder['dim']} dimensions. Embeddings of any other encoder are refused."
        for modality, encoder in (config.get("encoders") or {}).items()
    ]
    alignment = config.get("alignment") or {}
    if "objective" in alignment:
        lines.append(f"- objective: `{alignment['objective']}`")
    constants = metrics.get("chosen_constants") or {}
    if constants:
        chosen = ", ".join(f"{name} {value:g}" for name, value in constants.items())
        lines.append(f"- chosen on templates held out of the training programs: {chosen}")
    if "corpus" in config:
        corpus = config["corpus"]
        seconds = f", {corpus['seconds']:g} s per clip" if "seconds" in corpus else ""
        lines.append(f"- corpus: {corpus['name']}{seconds}")
        if corpus.get("templates"):
            lines.append(f"- templates: {', '.join(corpus['templates'])}")
    split = config.get("split") or {}
    if split:
        counts = ", ".join(f"{number} {part}" for part, number in split["programs"].items())
        unseen = ", ".join(map(translate_legacy_grammar_name, split["unseen_templates"]))
        suffix = f"; templates held out of training: {unseen}" if unseen else ""
        lines.append(f"- programs: {counts}{suffix}")
    if "threads" in config:
        lines.append(
            f"- trained with {config['threads']} threads; another number changes the last digits"
            " of the weights. Metrics are computed with one thread, whatever the machine has."
        )
    if metrics.get("stopped") == "cancelled":
        lines.append("- Training was stopped early. These are the best heads up to then.")
    return lines


def _format_loading_code(config: Mapping[str, Any]) -> list[str]:
    """Return a section with code that loads the alignment from its corpus."""
    if "corpus" not in config:
        return []
    return [
        "## Load it",
        "",
        "Leave this folder its name, below `corpora/NAME/alignments/` of a workspace. In Python:",
        "",
        "    from core.corpus import Corpus",
        "    from core.search import find_neighbours, open_aligned_corpus",
        "",
        f"    corpus = Corpus.open({config['corpus']['name']!r})",
        "    alignment_id = corpus.list_alignment_ids()[-1]  # or the name of this folder",
        "    aligned_corpus = open_aligned_corpus(corpus, alignment_id)",
        '    find_neighbours(aligned_corpus, "play 60", k=5)',
        "",
    ]


def _format_metric_tables(metric_rows: Sequence[Mapping[str, Any]]) -> list[str]:
    if not metric_rows:
        return ["Not evaluated yet: `./run evaluate` does that.", ""]
    lines = []
    for split in dict.fromkeys(row["split"] for row in metric_rows):
        rows = [row for row in metric_rows if row["split"] == split]
        comparisons = list(dict.fromkeys(row["reading"] for row in rows))
        row_by_cell = {(row["metric"], row["reading"]): row for row in rows}
        cells_by_metric = {
            metric: [row_by_cell.get((metric, comparison)) for comparison in comparisons]
            for metric in _list_card_metrics(rows)
        }
        table_rows = [
            (metric, *map(_format_metric_cell, cells))
            for metric, cells in cells_by_metric.items()
            if any(cell is not None for cell in cells)
        ]
        lines += [
            f"## {split}, {rows[0]['programs']} programs",
            "",
            "With 95 % intervals; after a slash the calibrated value and p of permuted pairs.",
            "",
            format_markdown_table(("metric", *comparisons), table_rows),
        ]
        lines.append("")
    return lines


def _list_card_metrics(metric_rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the metrics of the card; a name that ends with @ stands for any number behind it."""
    metrics = dict.fromkeys(str(row["metric"]) for row in metric_rows)
    return [
        metric
        for name in CARD_METRICS
        for metric in metrics
        if metric == name or (name.endswith("@") and metric.startswith(name))
    ]


def _format_metric_cell(metric_row: Mapping[str, Any] | None) -> str:
    if metric_row is None or _is_metric_undefined(metric_row["value"]):
        return ""
    text = f"{metric_row['value']:.2f}"
    if not _is_metric_undefined(metric_row["low"]):
        text += f" ({metric_row['low']:.2f} to {metric_row['high']:.2f})"
    calibrated = metric_row.get("calibrated")
    if not _is_metric_undefined(calibrated):
        text += f" / {calibrated:.2f}"
    return f"{text} {format_p_value(metric_row.get('p'))}".rstrip()


def _is_metric_undefined(value: float | None) -> bool:
    # It is NaN when it has just been computed and None when it was read from JSON.
    return value is None or value != value
