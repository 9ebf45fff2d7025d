"""Colours of code, audio and categories in all figures."""

from __future__ import annotations

# Blue and orange can be told apart with every kind of colour blindness. Marker symbols distinguish
# code and audio as well. `.streamlit/config.toml` uses the same two colours.
CODE_COLOUR, AUDIO_COLOUR = "#1a80c4", "#d55e00"
NEUTRAL_COLOUR = "#8c8896"
CATEGORY_COLOURS = (
    "#1a80c4",
    "#d55e00",
    "#009e73",
    "#cc79a7",
    "#e69f00",
    "#56b4e9",
    "#8a6fd1",
    "#9c7a4f",
    "#7f7f7f",
)
# Label, colour and marker symbol by modality.
MODALITY_STYLES = {
    "code": ("Code", CODE_COLOUR, "circle"),
    "audio": ("Audio", AUDIO_COLOUR, "diamond"),
}


def get_category_colour(category_index: int) -> str:
    """Return the colour of a category: nine hues, then the same hues darker, then lighter.

    Parameters
    ----------
    category_index : int
        Number of the category, from 0. Colours repeat after 27 categories.

    Examples
    --------
    >>> get_category_colour(0), get_category_colour(9)
    ('#1a80c4', '#104f7a')
    """
    hue = CATEGORY_COLOURS[category_index % len(CATEGORY_COLOURS)]
    round_number = category_index // len(CATEGORY_COLOURS) % 3
    if round_number == 0:
        return hue
    channels = [int(hue[i : i + 2], 16) for i in (1, 3, 5)]
    if round_number == 1:
        mixed = [channel * 0.62 for channel in channels]
    else:
        mixed = [channel + (255 - channel) * 0.42 for channel in channels]
    return "#" + "".join(f"{round(channel):02x}" for channel in mixed)
