"""Comparison of a corpus's alignments: their settings and their scores on test programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from core.corpus import AlignmentRecord
from core.search.unseen_program_splits import TRAINED_PROGRAMS_KEY

OTHER_PROGRAMS = "the corpus had other programs"
# Metric and reading of each score.
TEST_SCORES = {
    "Debiased CKA before": ("cka_debiased", "before"),
    "Debiased CKA after": ("cka_debiased", "aligned code ~ aligned audio"),
    "Debiased CKA, raw audio": ("cka_debiased", "aligned code ~ raw audio"),
    "Mutual 10-NN after": ("mutual_knn@10", "aligned code ~ aligned audio"),
    "Recall@1": ("recall@1 code->audio", "aligned code ~ aligned audio"),
    "Recall@10": ("recall@10 code->audio", "aligned code ~ aligned audio"),
}


def collect_alignment_test_scores(alignment: AlignmentRecord) -> dict[str, float | None]:
    """Return an alignment's `TEST_SCORES`; None for a score that was not computed."""
    values = {
        (row["metric"], row["reading"]): row["value"]
        for row in alignment.metrics.get("readings") or []
        if row["split"] == "test"
    }
    return {name: values.get(score) for name, score in TEST_SCORES.items()}


def collect_alignment_training_settings(alignment: AlignmentRecord) -> dict[str, Any]:
    """Return an alignment's encoders, held-out templates and config fields."""
    encoders = alignment.config.get("encoders", {})
    held_out = alignment.config.get("split", {}).get("unseen_templates") or []
    return {
        **{f"{modality}_encoder": record["id"] for modality, record in encoders.items()},
        "templates_held_out": len(held_out),
        **alignment.config["alignment"],
    }


def build_alignment_comparison_table(alignments: Mapping[str, AlignmentRecord]) -> pd.DataFrame:
    """Compare alignments.

    Parameters
    ----------
    alignments : mapping
        Alignments by label.

    Returns
    -------
    DataFrame
        One column per alignment. Rows: the settings that differ, then the scores, all as text.
    """
    columns = {}
    for label, alignment in alignments.items():
        settings = {
            name.replace("_", " ").capitalize(): _format_table_cell(value)
            for name, value in collect_alignment_training_settings(alignment).items()
        }
        settings["Epochs trained"] = str(alignment.metrics.get("epochs", "–"))
        scores = {
            name: "–" if value is None else f"{value:.3f}"
            for name, value in collect_alignment_test_scores(alignment).items()
        }
        columns[label] = {**settings, **scores}
    table = pd.DataFrame(columns).fillna("–")
    table = table.loc[list(next(iter(columns.values())))]
    is_same = table.nunique(axis=1) == 1
    return table[~is_same | table.index.isin(TEST_SCORES)]


def list_reasons_why_scores_do_not_compare(alignments: Sequence[AlignmentRecord]) -> list[str]:
    """Find why scores of alignments do not compare: they were evaluated on other programs.

    Parameters
    ----------
    alignments : sequence of AlignmentRecord

    Returns
    -------
    list of str
        Differences without a full stop, for example "different templates were held out". Empty if
        all were evaluated on the same programs.
    """
    corpora = [alignment.config.get("corpus", {}) for alignment in alignments]
    splits = [alignment.config.get("split", {}) for alignment in alignments]
    compared_values: dict[str, list[Any]] = {
        "they were evaluated on different corpora": [corpus.get("name") for corpus in corpora],
        "the corpora were split by different seeds": [
            corpus.get("split_seed") for corpus in corpora
        ],
        "clips have different lengths": [corpus.get("seconds") for corpus in corpora],
        "different templates were held out": [
            sorted(split.get("unseen_templates") or []) for split in splits
        ],
        OTHER_PROGRAMS: [
            (split.get("programs"), split.get(TRAINED_PROGRAMS_KEY)) for split in splits
        ],
    }
    differences = [
        difference
        for difference, values in compared_values.items()
        if any(value != values[0] for value in values[1:])
    ]
    # Other programs follow from the differences before.
    return (
        differences[:-1] if len(differences) > 1 and "programs" in differences[-1] else differences
    )


def _format_table_cell(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
