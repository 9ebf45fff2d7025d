"""Sliders of page Listen: the weight of each aspect in the similarity."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.search.aligned_corpus import AlignedCorpus

MAX_SLIDER_WEIGHT, SLIDER_STEP = 3.0, 0.5
SLIDER_LABELS = {
    "whole": "Whole sound",
    "timbre": "Timbre",
    "rhythm": "Rhythm",
    "pitch": "Pitch",
    "level": "Level",
}
DEFAULT_WEIGHTS = {"whole": 1.0, "timbre": 0.0, "rhythm": 0.0, "pitch": 0.0, "level": 0.0}
SLIDER_KEY_PREFIX = "aspect-weight-"


def draw_aspect_weight_sliders(
    aligned_corpora: Sequence[AlignedCorpus],
) -> dict[str, float] | None:
    """Draw the sliders; return the weights, or None for the whole sound alone.

    Without measured clips there are no sliders.
    """
    if any(corpus.clip_aspect_search_index is None for corpus in aligned_corpora):
        return None
    with st.popover("Similar in …", icon=":material/tune:"):
        weights = {
            name: st.slider(
                label,
                0.0,
                MAX_SLIDER_WEIGHT,
                DEFAULT_WEIGHTS[name],
                SLIDER_STEP,
                key=f"{SLIDER_KEY_PREFIX}{name}",
            )
            for name, label in SLIDER_LABELS.items()
        }
        st.caption("Weights of the similarities; 0 leaves an aspect out.")
    others = {name: weight for name, weight in weights.items() if name != "whole"}
    return weights if any(others.values()) else None
