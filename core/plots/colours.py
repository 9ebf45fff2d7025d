"""Colours of code, audio and categories in all figures."""

from __future__ import annotations

# Blue and orange can be told apart with every kind of colour blindness. Marker symbols distinguish
# code and audio as well. `.streamlit/config.toml` uses the same two colours.
CODE_COLOUR, AUDIO_COLOUR = "#1a80c4", "#d55e00"
NEUTRAL_COLOUR = "#8c8896"
# The first eight were chosen by hand, most of them from Okabe and Ito's palette. Each of the others
# is the colour that differs most, in OKLab, from all before it, among those of CIELAB lightness 36
# to 76 and chroma above 22. The two nearest are .11 apart in OKLab.
CATEGORY_COLOURS = (
    "#1a80c4",
    "#d55e00",
    "#009e73",
    "#cc79a7",
    "#e69f00",
    "#56b4e9",
    "#8a6fd1",
    "#9c7a4f",
    "#ff00ff",
    "#a31466",
    "#3d1fff",
    "#52d600",
    "#006600",
    "#850ac2",
    "#ff0066",
    "#5c527a",
    "#ff8fff",
    "#8f3d00",
    "#8fc28f",
    "#c233b8",
    "#f5a3a3",
    "#0052b8",
    "#ad99ff",
    "#cc001f",
    "#8fa300",
    "#a33dff",
    "#ff52c2",
)
# Label, colour and marker symbol by modality.
MODALITY_STYLES = {
    "code": ("Code", CODE_COLOUR, "circle"),
    "audio": ("Audio", AUDIO_COLOUR, "diamond"),
}


def get_category_colour(category_index: int) -> str:
    """Return the colour of a category.

    Parameters
    ----------
    category_index : int
        Number of the category, from 0. Colours repeat after 27 categories.

    Examples
    --------
    >>> get_category_colour(0), get_category_colour(27)
    ('#1a80c4', '#1a80c4')
    """
    return CATEGORY_COLOURS[category_index % len(CATEGORY_COLOURS)]
