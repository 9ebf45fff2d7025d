"""The alignments of a corpus: each with what it scored, and some of them side by side."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from core.plots import charts
from core.corpus import AlignmentRecord, Corpus
from pages.components import selection

# By column: metric and reading.
TEST_SCORE_COLUMNS = {
    "CKA before": ("cka", "before"),
    "CKA after": ("cka", "aligned code ~ aligned audio"),
    "CKA, raw audio": ("cka", "aligned code ~ raw audio"),
    "Recall@1": ("recall@1 code->audio", "aligned code ~ aligned audio"),
    "Recall@10": ("recall@10 code->audio", "aligned code ~ aligned audio"),
}
MAX_COMPARED_ALIGNMENTS = 6  # side by side: more lines are told apart by nobody


def draw_alignment_list(corpus: Corpus) -> None:
    """List every alignment of the corpus, and lay chosen ones side by side."""
    records = list(reversed(corpus.load_alignments()))
    if not records:
        selection.draw_no_alignment_notice(corpus)
        return
    st.dataframe(
        pd.DataFrame([build_alignment_row(record) for record in records]),
        hide_index=True,
        placeholder="–",
        alt="The corpus's alignments, a row each",
        column_config={
            "Trained": st.column_config.DatetimeColumn(format="distance"),
            **{name: st.column_config.NumberColumn(format="%.2f") for name in TEST_SCORE_COLUMNS},
        },
    )
    st.caption("Scores are of the test programs: neither trained nor stopped on.")
    if len(records) > 1:
        draw_alignment_comparison(corpus, {record.id: record for record in records})
    else:
        st.info(
            "A second alignment, and the two can be laid side by side: change a setting and train"
            " again.",
            icon=":material/compare_arrows:",
        )


def build_alignment_row(alignment: AlignmentRecord) -> dict[str, Any]:
    """What the list says of an alignment."""
    config = alignment.config["alignment"]
    return {
        "Alignment": selection.format_alignment_label(alignment),
        "Trained": pd.Timestamp(alignment.created),
        "Temperature": config["temperature"],
        "Shared space": config["dim"],
        "Epochs": alignment.metrics.get("epochs"),
        **collect_test_scores(alignment),
    }


def collect_test_scores(alignment: AlignmentRecord) -> dict[str, float | None]:
    """What an alignment reached on the test programs; None before it is judged."""
    known = {
        (each["metric"], each["reading"]): each["value"]
        for each in alignment.metrics.get("readings") or []
        if each["split"] == "test"
    }
    return {name: known.get(key) for name, key in TEST_SCORE_COLUMNS.items()}


def draw_alignment_comparison(corpus: Corpus, alignments: dict[str, AlignmentRecord]) -> None:
    """Draw the curves of the chosen alignments in one figure, and where they differ."""
    chosen = st.multiselect(
        "Alignments side by side",
        list(alignments),
        list(alignments)[:2],
        key=f"beside:{corpus.name}",
        max_selections=MAX_COMPARED_ALIGNMENTS,
        label_visibility="collapsed",
        placeholder="Choose alignments",
        format_func={each: selection.format_alignment_label(record) for each, record in alignments.items()}.get,
    )
    if len(chosen) < 2:
        st.info("Choose two or more alignments to compare.", icon=":material/compare_arrows:")
        return
    picked = {selection.format_alignment_label(alignments[each]): alignments[each] for each in chosen}
    st.plotly_chart(
        charts.draw_run_comparison({name: record.load_history() for name, record in picked.items()}),
        key="beside",
        config={"displayModeBar": False},
        alt="Validation loss, CKA and recall by epoch, a line an alignment",
    )
    st.caption("Measured on the validation programs after each epoch.")
    st.dataframe(
        build_comparison_table(picked),
        alt="Settings that differ, and scores, a column an alignment",
        height="content",
    )
    st.caption("Settings that are alike are left out. Scores are of the test programs.")


def build_comparison_table(alignments: dict[str, AlignmentRecord]) -> pd.DataFrame:
    """One column an alignment; rows of the settings that differ, then of the scores."""
    columns = {}
    for name, record in alignments.items():
        given = {format_field_name(key): _format_value(value) for key, value in collect_training_settings(record).items()}
        given["Epochs trained"] = str(record.metrics.get("epochs", "–"))
        reached = {
            key: "–" if value is None else f"{value:.3f}" for key, value in collect_test_scores(record).items()
        }
        columns[name] = {**given, **reached}
    table = pd.DataFrame(columns).fillna("–")
    table = table.loc[list(next(iter(columns.values())))]
    alike = table.nunique(axis=1) == 1
    return table[~alike | table.index.isin(TEST_SCORE_COLUMNS)]


def collect_training_settings(alignment: AlignmentRecord) -> dict[str, Any]:
    """All that decided how an alignment was trained."""
    encoders = alignment.config.get("encoders", {})
    return {
        **{f"{modality}_encoder": each["id"] for modality, each in encoders.items()},
        "templates_held_out": len(alignment.config.get("split", {}).get("unseen_templates") or []),
        **alignment.config["alignment"],
    }


def format_field_name(name: str) -> str:
    """A setting's name for people."""
    return name.replace("_", " ").capitalize()


def _format_value(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
