"""A corpus's data card, drawn as headings and tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from core.pipeline.corpus_data_card import DataCard
from core.programs import get_title_by_template_id
from pages.components import markdown_and_errors

ENCODER_COLUMNS = ("id", "modality", "embeddings", "licence", "credit", "revision")


def draw_data_card(card: DataCard) -> None:
    """Draw a data card; everything in it that comes from other people's files is plain text."""
    facts = card.facts
    counts = facts["counts"]
    st.markdown(
        f"{markdown_and_errors.pluralize(counts['programs'], 'program')}, {counts['ok']:,}"
        " with a clip of"
        f" {facts['seconds']:g} s ({facts['audio_format']}, sound of Sonic Pi"
        f" {facts['sonic_pi']}), {counts['failed']:,} failed, {counts['pending']:,} not rendered"
        f" yet. Created {facts['created'][:16].replace('T', ' ')} UTC,"
        f" {markdown_and_errors.format_bytes(facts['bytes'])}."
    )
    _draw_table("Licence", pd.DataFrame(facts["licence"]))
    _draw_table("Templates", _build_template_table(facts["templates"]))
    _draw_table("Imported", pd.DataFrame(facts["imports"]))
    encoder_rows = pd.DataFrame(facts["encoders"])
    _draw_table("Encoders", encoder_rows.reindex(columns=list(ENCODER_COLUMNS)))
    _draw_table("Failures and warnings", _build_problem_table(facts))
    _draw_table("Made with", pd.DataFrame(facts["made_with"]))
    seeds = ", ".join(map(str, facts["seeds"])) or "none"
    split = ", ".join(f"{name} {count:,}" for name, count in facts["split"].items())
    st.caption(
        f"Split by program, stratified by template, seed {facts['split_seed']}: {split}. Sounds of"
        f" Sonic Pi {facts['sound_set']}. Seeds of the programs: {seeds}."
    )


def _draw_table(title: str, rows: pd.DataFrame) -> None:
    """Draw a table with its heading; nothing where it has no rows."""
    if rows.empty:
        return
    st.markdown(f"**{title}**")
    st.dataframe(
        rows.astype(str).where(rows.notna(), ""),
        hide_index=True,
        key=f"card-{title}",
        height="content" if len(rows) <= 8 else 300,
    )


def _build_template_table(count_by_template: Mapping[str, int]) -> pd.DataFrame:
    titles = get_title_by_template_id()
    return pd.DataFrame(
        [
            {
                "template": titles.get(template, "") if template else "no template",
                "id": template,
                "programs": count,
            }
            for template, count in count_by_template.items()
        ]
    )


def _build_problem_table(facts: Mapping[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"": group, "kind": kind, "programs": count}
            for group, key in (("failure", "failures"), ("warning", "warnings"))
            for kind, count in facts[key].items()
        ]
    )
