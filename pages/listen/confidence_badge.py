"""Badge that shows the confidence of a search."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.components import job_panel, markdown_and_errors

if TYPE_CHECKING:
    from core.search.search_confidence import Confidence

# By level of `core.search.search_confidence.Confidence`: label, colour and icon of the badge.
CONFIDENCE_BADGES: dict[str, tuple[str, job_panel.BadgeColour, str]] = {
    "high": ("High confidence", "green", ":material/verified:"),
    "medium": ("Medium confidence", "orange", ":material/help:"),
    "low": ("Low confidence", "gray", ":material/casino:"),
}


def draw_confidence_badge(confidence: Confidence | None) -> None:
    """Draw the level and the probability; nothing where the alignment is not calibrated."""
    if confidence is None:
        return
    label, colour, icon = CONFIDENCE_BADGES[confidence.level]
    programs = markdown_and_errors.pluralize(confidence.calibration_program_count, "program")
    share = "two thirds" if confidence.correct_threshold > 0.6 else "half"
    st.badge(
        f"{label}, {confidence.probability:.0%}",
        icon=icon,
        color=colour,
        help=f"The chance that these clips are at least {share} as similar as the nearest clips of"
        f" this corpus usually are. Calibrated on {programs} of held-out templates, and lowered"
        " where the code was not understood.",
    )
