"""View "Side by side" of the page Train: all alignments, and a comparison of some."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from core import workspace
from core.corpus import AlignmentRecord, Corpus
from core.pipeline.trained_alignment_comparison import (
    TEST_SCORES,
    build_alignment_comparison_table,
    collect_alignment_test_scores,
    list_reasons_why_scores_do_not_compare,
)
from core.plots.training_curves import build_training_run_comparison_figure
from pages.components import (
    corpus_and_alignment_picker,
    figure_and_table_download,
    markdown_and_errors,
    page_cache,
    session_keys,
)
from pages.components.table_height import compute_table_height_px

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
        height=compute_table_height_px(len(alignments)),
        placeholder="–",
        alt="The corpus's alignments, one per row",
        column_config={
            "Trained": st.column_config.DatetimeColumn(format="distance"),
            **{name: st.column_config.NumberColumn(format="%.2f") for name in TEST_SCORES},
        },
    )
    st.caption("Scores on test programs, unused in training and early stopping.")
    if list_reasons_why_scores_do_not_compare(alignments):
        st.caption(
            ":material/balance: Not all rows compare: some were evaluated on other programs."
            " Choose alignments below to evaluate them on the same ones."
        )
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
        "Embedding dimension": config["dim"],
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
        key=session_keys.COMPARED_ALIGNMENTS.derive_scoped_key(corpus.name).name,
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
    figure_and_table_download.draw_figure_download(
        f"{corpus.name}-alignments",
        lambda: build_training_run_comparison_figure(histories),
        title="Metrics of the validation programs",
    )
    warn_about_different_programs(list(chosen.values()))
    table = build_alignment_comparison_table(chosen)
    st.dataframe(
        table,
        alt="Settings that differ, and scores, one column per alignment",
        height=compute_table_height_px(len(table), len(table)),
    )
    st.caption("Only settings that differ are listed. Scores are of the test programs.")
    draw_common_program_evaluation(corpus, [alignment_by_id[chosen_id] for chosen_id in chosen_ids])


def warn_about_different_programs(alignments: list[AlignmentRecord]) -> bool:
    """Draw a warning if alignments were evaluated on different programs; return whether they were.

    Parameters
    ----------
    alignments : list of AlignmentRecord
        Alignments whose scores stand side by side.
    """
    differences = list_reasons_why_scores_do_not_compare(alignments)
    if differences:
        st.warning(
            f"These scores do not compare: {'; '.join(differences)}. Evaluate the alignments on the"
            " same programs below.",
            icon=":material/balance:",
        )
    return bool(differences)


def draw_common_program_evaluation(corpus: Corpus, alignments: list[AlignmentRecord]) -> None:
    """Draw the button that evaluates alignments on the same programs, and its result."""
    alignment_ids = tuple(alignment.id for alignment in alignments)
    state_key = session_keys.COMMON_EVALUATION.derive_scoped_key(corpus.name)
    if st.button("Evaluate on the same programs", icon=":material/balance:"):
        state_key.set_value(alignment_ids)
    if state_key.get_value() != alignment_ids:
        return
    with markdown_and_errors.catch_and_show_errors():
        table, program_count = _evaluate_on_common_programs(corpus, alignment_ids)
        labels = {
            alignment.id: corpus_and_alignment_picker.format_alignment_label(alignment)
            for alignment in alignments
        }
        st.dataframe(
            table.rename(columns=labels),
            hide_index=True,
            alt="Scores on the same programs, one column per alignment",
            column_config={
                label: st.column_config.NumberColumn(format="%.3f") for label in labels.values()
            },
        )
        text = (
            f"On the same {program_count} programs, which none of these alignments saw in training."
        )
        if not workspace.is_workspace_read_only():
            options = " ".join(f"--alignment {alignment_id}" for alignment_id in alignment_ids)
            text += f" As a command: `./run evaluate {corpus.name} {options}`"
        st.caption(text)


@page_cache.cache_until_inputs_change(16, spinner="Evaluating on the same programs …")
def _evaluate_on_common_programs(
    corpus: Corpus, alignment_ids: tuple[str, ...]
) -> tuple[pd.DataFrame, int]:
    # Imports torch: the page is drawn before.
    from core.pipeline.evaluation_on_common_programs import (
        evaluate_on_common_programs,
        pivot_common_evaluation,
    )
    from core.search.aligned_corpus import open_aligned_corpus

    metrics = evaluate_on_common_programs(
        [open_aligned_corpus(corpus, alignment_id) for alignment_id in alignment_ids]
    )
    return pivot_common_evaluation(metrics), int(metrics["programs"].max())
