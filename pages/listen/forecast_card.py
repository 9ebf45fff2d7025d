"""Card of page Listen: the forecast of measured properties beside the nearest clips."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from core import workspace
from pages.components import markdown_and_errors

if TYPE_CHECKING:
    from core.search.aligned_corpus import AlignedCorpus


def draw_forecast_card(aligned_corpus: AlignedCorpus, snippet: str) -> None:
    """Draw what the snippet will be in words, and values with intervals in an expander."""
    # Imports scipy, as late as the search itself.
    from core.search.clip_property_forecast import format_level_curve, list_forecast_property_rows

    forecast = aligned_corpus.forecast_sound_properties(snippet)
    if forecast is None:
        if workspace.is_workspace_read_only():  # A visitor cannot measure the clips.
            return
        command = f"./run embed {aligned_corpus.corpus.name} --audio-encoder descriptors"
        st.caption(
            f"For a forecast of loudness, onsets and brightness, measure the clips: `{command}`"
        )
        return
    with st.expander(f"Will be: **{forecast.words}**", icon=":material/straighten:"):
        rows = pd.DataFrame(
            list_forecast_property_rows(forecast),
            columns=["Property", "Value", f"{forecast.coverage:.0%} interval"],
        )
        st.dataframe(rows, hide_index=True)
        programs = markdown_and_errors.pluralize(forecast.calibration_program_count, "program")
        st.caption(
            f"{format_level_curve(forecast)}. Intervals are calibrated on {programs}, each"
            " predicted without its template or grammar style."
        )
