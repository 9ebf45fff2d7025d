"""View "Side by side" of the page Train: all alignments, and a comparison of some."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from core.corpus import AlignmentRecord, Corpus
from core.pipeline.alignment_comparison import (
    TEST_SCORES,
    build_alignment_comparison_table,
    collect_alignment_test_scores,
)
from core.plots.training_curves import build_training_run_comparison_figure
from pages.components import corpus_and_alignment_picker, state

MAX_COMPARED_ALIGNMENTS = 6  # More lines cannot be distinguished in one chart.


def draw_alignment_list(corpus: Corpus) -> None:
    """Draw a table of a corpus's alignments, and the comparison of some."""
    alignments = list(reversed(corpus.load_alignments()))
    if not alignments:
        corpus_and_alignment_picker.draw_no_alignment_notice(corpus)
        return
    st.dataframe(
        pd.DataFrame([build_alignment_row(alignment) for alignment in alignments]),
        hide_index=True,
        placeholder="–",
        alt="The corpus's alignments, one per row",
        column_config={
            "Trained": st.column_config.DatetimeColumn(format="distance"),
            **{name: st.column_config.NumberColumn(format="%.2f") for name in TEST_SCORES},
        },
    )
    st.caption("Scores on test programs, unused in training and early stopping.")
    if len(alignments) > 1:
        draw_alignment_comparison(corpus, alignments)
    else:
        st.info(
            "Train a second alignment with other settings to compare the two.",
            icon=":material/compare_arrows:",
        )


def build_alignment_row(alignment: AlignmentRecord) -> dict[str, Any]:
    """Return an alignment's row of the table."""
    config = alignment.config["alignment"]
    return {
        "Alignment": corpus_and_alignment_picker.format_alignment_label(alignment),
        "Trained": pd.Timestamp(alignment.created),
        "Temperature": config["temperature"],
        "Shared space": config["dim"],
        "Epochs": alignment.metrics.get("epochs"),
        **collect_alignment_test_scores(alignment),
    }


def draw_alignment_comparison(corpus: Corpus, alignments: list[AlignmentRecord]) -> None:
    """Draw the choice of alignments, their training curves, and where they differ."""
    alignment_by_id = {alignment.id: alignment for alignment in alignments}
    labels = {
        alignment.id: corpus_and_alignment_picker.format_alignment_label(alignment)
        for alignment in alignments
    }
    chosen_ids = st.multiselect(
        "Alignments side by side",
        list(labels),
        list(labels)[:2],
        key=state.COMPARED_ALIGNMENTS.derive_scoped_key(corpus.name).name,
        max_selections=MAX_COMPARED_ALIGNMENTS,
        label_visibility="collapsed",
        placeholder="Choose alignments",
        format_func=lambda option: labels.get(option, option),
    )
    if len(chosen_ids) < 2:
        st.info("Choose two or more alignments to compare.", icon=":material/compare_arrows:")
        return
    chosen = {labels[chosen_id]: alignment_by_id[chosen_id] for chosen_id in chosen_ids}
    histories = {label: alignment.load_training_history() for label, alignment in chosen.items()}
    st.plotly_chart(
        build_training_run_comparison_figure(histories),
        key="alignment-comparison",
        config={"displayModeBar": False},
        alt="Validation loss, CKA and recall by epoch, one line per alignment",
    )
    st.caption("Measured on the validation programs after each epoch.")
    st.dataframe(
        build_alignment_comparison_table(chosen),
        alt="Settings that differ, and scores, one column per alignment",
        height="content",
    )
    st.caption("Only settings that differ are listed. Scores are of the test programs.")
