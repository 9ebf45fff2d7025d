"""The alignments of a corpus: each with what it scored, and some of them side by side."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from core.plots import charts
from core.corpus import AlignmentRecord, Corpus
from pages.components import selection

# By column: metric and reading.
SCORES = {
    "CKA before": ("cka", "before"),
    "CKA after": ("cka", "aligned code ~ aligned audio"),
    "CKA, raw audio": ("cka", "aligned code ~ raw audio"),
    "Recall@1": ("recall@1 code->audio", "aligned code ~ aligned audio"),
    "Recall@10": ("recall@10 code->audio", "aligned code ~ aligned audio"),
}
MOST = 6  # side by side: more lines are told apart by nobody


def draw(corpus: Corpus) -> None:
    """List every alignment of the corpus, and lay chosen ones side by side."""
    records = list(reversed(corpus.alignments()))
    if not records:
        selection.no_alignment(corpus)
        return
    st.dataframe(
        pd.DataFrame([row(record) for record in records]),
        hide_index=True,
        placeholder="–",
        alt="The corpus's alignments, a row each",
        column_config={
            "Trained": st.column_config.DatetimeColumn(format="distance"),
            **{name: st.column_config.NumberColumn(format="%.2f") for name in SCORES},
        },
    )
    st.caption("Scores are of the test programs: neither trained nor stopped on.")
    if len(records) > 1:
        side_by_side(corpus, {record.id: record for record in records})
    else:
        st.info(
            "A second alignment, and the two can be laid side by side: change a setting and train"
            " again.",
            icon=":material/compare_arrows:",
        )


def row(record: AlignmentRecord) -> dict[str, Any]:
    """What the list says of an alignment."""
    config = record.config["alignment"]
    return {
        "Alignment": selection.label(record),
        "Trained": pd.Timestamp(record.created),
        "Temperature": config["temperature"],
        "Shared space": config["dim"],
        "Epochs": record.metrics.get("epochs"),
        **scores(record),
    }


def scores(record: AlignmentRecord) -> dict[str, float | None]:
    """What an alignment reached on the test programs; None before it is judged."""
    known = {
        (each["metric"], each["reading"]): each["value"]
        for each in record.metrics.get("readings") or []
        if each["split"] == "test"
    }
    return {name: known.get(key) for name, key in SCORES.items()}


def side_by_side(corpus: Corpus, records: dict[str, AlignmentRecord]) -> None:
    """Draw the curves of the chosen alignments in one figure, and where they differ."""
    chosen = st.multiselect(
        "Alignments side by side",
        list(records),
        list(records)[:2],
        key=f"beside:{corpus.name}",
        max_selections=MOST,
        label_visibility="collapsed",
        placeholder="Choose alignments",
        format_func={each: selection.label(record) for each, record in records.items()}.get,
    )
    if len(chosen) < 2:
        st.info("Choose two or more alignments to compare.", icon=":material/compare_arrows:")
        return
    picked = {selection.label(records[each]): records[each] for each in chosen}
    st.plotly_chart(
        charts.runs_side_by_side({name: record.history() for name, record in picked.items()}),
        key="beside",
        config={"displayModeBar": False},
        alt="Validation loss, CKA and recall by epoch, a line an alignment",
    )
    st.caption("Measured on the validation programs after each epoch.")
    st.dataframe(
        comparison(picked),
        alt="Settings that differ, and scores, a column an alignment",
        height="content",
    )
    st.caption("Settings that are alike are left out. Scores are of the test programs.")


def comparison(records: dict[str, AlignmentRecord]) -> pd.DataFrame:
    """One column an alignment; rows of the settings that differ, then of the scores."""
    columns = {}
    for name, record in records.items():
        given = {field_name(key): _text(value) for key, value in settings(record).items()}
        given["Epochs trained"] = str(record.metrics.get("epochs", "–"))
        reached = {
            key: "–" if value is None else f"{value:.3f}" for key, value in scores(record).items()
        }
        columns[name] = {**given, **reached}
    table = pd.DataFrame(columns).fillna("–")
    table = table.loc[list(next(iter(columns.values())))]
    alike = table.nunique(axis=1) == 1
    return table[~alike | table.index.isin(SCORES)]


def settings(record: AlignmentRecord) -> dict[str, Any]:
    """All that decided how an alignment was trained."""
    encoders = record.config.get("encoders", {})
    return {
        **{f"{modality}_encoder": each["id"] for modality, each in encoders.items()},
        "templates_held_out": len(record.config.get("split", {}).get("unseen_templates") or []),
        **record.config["alignment"],
    }


def field_name(name: str) -> str:
    """A setting's name for people."""
    return name.replace("_", " ").capitalize()


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
