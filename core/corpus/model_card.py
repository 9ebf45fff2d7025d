"""The model card of an alignment: what a person must know who gets its folder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CARD_METRICS = (
    "cka",
    "cka_debiased",
    "cca",
    "cca@10",
    "overlap@3",
    "spearman",
    "pearson",
    "recall@1 code->audio",
    "mrr code->audio",
)


def format_model_card(config: Mapping[str, Any], metrics: Mapping[str, Any]) -> str:
    """Write the card from what `core.pipeline.train` keeps; what it doesn't know is left out.

    Parameters
    ----------
    config, metrics : mapping
        As of `AlignmentStore.save`.

    Returns
    -------
    str
        Markdown.
    """
    lines = [
        "# An alignment of Sonic Pi code and its sound",
        "",
        "Two projection heads, made by Earshot, that bring embeddings of Sonic Pi programs and"
        " of their clips into one space.",
        "",
    ]
    for modality, encoder in (config.get("encoders") or {}).items():
        lines.append(
            f"- {modality} encoder: `{encoder['id']}`, revision `{encoder['revision']}`,"
            f" {encoder['dim']} dimensions. Vectors of any other encoder are refused."
        )
    if "corpus" in config:
        lines.append(f"- corpus: {config['corpus']['name']}")
    split = config.get("split") or {}
    if split:
        counts = ", ".join(f"{number} {part}" for part, number in split["programs"].items())
        unseen = ", ".join(split["unseen_templates"])
        lines.append(f"- programs: {counts}" + (f"; held out whole: {unseen}" if unseen else ""))
    if metrics.get("stopped") == "cancelled":
        lines.append("- Training was asked to stop: these are the best heads up to then.")
    lines += ["", *_format_metric_tables(metrics.get("readings") or [])]
    lines += [
        "## Limits",
        "",
        "The numbers hold for programs of the kind of the corpus: other templates and other"
        " people's programs fare worse. Validation programs chose the epoch; test programs chose"
        " nothing. Only `aligned code ~ raw audio` compares with sound that no head could bend.",
        "",
        "## Licence",
        "",
        "The heads are as free as the corpus that they were trained on; the encoders, which are"
        " not in this folder, have licences of their own.",
        "",
    ]
    return "\n".join(lines)


def _format_metric_tables(metric_rows: list[Mapping[str, Any]]) -> list[str]:
    if not metric_rows:
        return ["It was not judged when it was made: `./run evaluate` does that.", ""]
    lines = []
    for split in dict.fromkeys(row["split"] for row in metric_rows):
        rows = [row for row in metric_rows if row["split"] == split]
        names = list(dict.fromkeys(row["reading"] for row in rows))
        found = {(row["metric"], row["reading"]): row for row in rows}
        lines += [
            f"## {split}, {rows[0]['programs']} programs (95 % intervals)",
            "",
            "| metric | " + " | ".join(names) + " |",
            "|---" * (len(names) + 1) + "|",
        ]
        for metric in CARD_METRICS:
            if any((metric, name) in found for name in names):
                cells = (_format_metric_cell(found.get((metric, name))) for name in names)
                lines.append(f"| {metric} | " + " | ".join(cells) + " |")
        lines.append("")
    return lines


def _format_metric_cell(metric_row: Mapping[str, Any] | None) -> str:
    # What was undefined is None, or nan before it was written.
    if metric_row is None or metric_row["value"] is None or metric_row["value"] != metric_row["value"]:
        return ""
    if metric_row["low"] is None or metric_row["low"] != metric_row["low"]:
        return f"{metric_row['value']:.2f}"
    return f"{metric_row['value']:.2f} ({metric_row['low']:.2f} to {metric_row['high']:.2f})"
