"""Colours: distinct categories, contrast, and differences for colour-blind people."""

from __future__ import annotations

import re

import numpy as np
import pytest

from core.plots.colours import AUDIO_COLOUR, CODE_COLOUR, get_category_colour


def test_colours_of_categories_differ() -> None:
    colours = [get_category_colour(number) for number in range(27)]
    assert len(set(colours)) == 27
    assert all(re.fullmatch(r"#[0-9a-f]{6}", colour) for colour in colours)


# Ottosson 2020: from linear RGB to OKLab, in which distances follow perceived differences.
TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
TO_OKLAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def test_27_categories_can_be_told_apart() -> None:
    linear = np.array([to_linear_rgb(get_category_colour(number)) for number in range(27)])
    oklab = np.cbrt(linear @ TO_CONES.T) @ TO_OKLAB.T
    distances = np.linalg.norm(oklab[:, None] - oklab[None], axis=2)
    assert distances[np.triu_indices(27, 1)].min() > 0.1


def to_linear_rgb(colour: str) -> np.ndarray:
    channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def compute_contrast(first: str, second: str) -> float:
    luminances = [
        float(to_linear_rgb(colour) @ [0.2126, 0.7152, 0.0722]) + 0.05 for colour in (first, second)
    ]
    return max(luminances) / min(luminances)


# Viénot, Brettel & Mollon 1999: the linear RGB that protanopes and deuteranopes perceive.
DICHROMATS = {
    "protan": np.array([[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]]),
    "deutan": np.array([[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]]),
}


@pytest.mark.parametrize("background", ["#fdfcfa", "#15131c"])
@pytest.mark.parametrize("colour", [CODE_COLOUR, AUDIO_COLOUR])
def test_code_and_audio_have_contrast_with_both_backgrounds(colour: str, background: str) -> None:
    assert compute_contrast(colour, background) >= 3


@pytest.mark.parametrize("kind", DICHROMATS)
def test_code_and_audio_differ_for_colour_blind_people(kind: str) -> None:
    code, audio = (
        np.clip(DICHROMATS[kind] @ to_linear_rgb(colour), 0, 1)
        for colour in (CODE_COLOUR, AUDIO_COLOUR)
    )
    assert np.abs(code - audio).max() > 0.3
