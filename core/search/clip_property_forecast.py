"""Forecast of measured properties of a program's clip, from its code alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from core.alignment.sound_property_regression_with_intervals import (
    COVERAGE,
    ForecastModel,
    fit_forecast_model,
)
from core.encoders.clip_descriptor_definitions import (
    CLIP_DESCRIPTORS,
    ClipDescriptor,
    decode_descriptors,
)
from core.encoders.simulation.simulated_features import SIMULATION_DIM, build_feature_weights
from core.encoders.sound_simulation_encoder import simulate_program_source
from core.errors import EarshotError

FORECAST_ENCODER = "descriptors"
"""Id of the audio encoder whose values are predicted."""
FEATURE_ENCODER = "simulation"
"""Id of the code encoder whose vectors it is predicted from."""
FORECAST_VERSION = 6
"""Increase it with every change of targets or model: older forecasts are then fitted again."""
OUTSIDE_PROGRAM_WIDENING = 1.15
"""Factor of the intervals: programs by other people differ from the corpus more than its own
held-out templates do. Chosen on the development half of a folder of public programs."""
CLIPPING_PEAK_DBFS = -0.3
"""From this predicted peak on, a program is said to clip."""
PROPERTY_LABELS = {
    "loudness": "Loudness",
    "peak": "Peak",
    "silence": "Silence",
    "onset_rate": "Onsets",
    "tempo": "Tempo",
    "register": "Register",
    "brightness": "Brightness",
    "noisiness": "Noisiness",
    "stereo_width": "Stereo width",
}
_DIGITS = {"Hz": 0, "BPM": 0, "%": 0, "MIDI": 0}  # by unit; 1 for the others
# Words for a value below each limit; the last word has none. docs/prediction.md lists them.
WORD_LIMITS: dict[str, tuple[tuple[float, str], ...]] = {
    "loudness": ((-60, "silent"), (-32, "quiet"), (-18, "moderately loud"), (np.inf, "loud")),
    "register": ((45, "low"), (67, "middle register"), (np.inf, "high")),
    "brightness": ((900, "dark"), (2800, "neither dark nor bright"), (np.inf, "bright")),
    "noisiness": ((-14, ""), (np.inf, "noisy")),
    "stereo_width": ((2, "mono"), (15, ""), (np.inf, "wide")),
    "silence": ((50, ""), (np.inf, "mostly silent")),
}


@dataclass(frozen=True)
class PropertyForecast:
    """Predicted value of one property.

    Attributes
    ----------
    name : str
        As in `core.encoders.clip_descriptor_definitions.CLIP_DESCRIPTORS`.
    value, low, high : float
        Prediction and interval, in the unit.
    unit : str
    """

    name: str
    value: float
    low: float
    high: float
    unit: str


@dataclass(frozen=True)
class Forecast:
    """Predicted properties of the clip of a program.

    Attributes
    ----------
    properties : tuple of PropertyForecast
        Without properties that too few clips of the corpus define, such as the tempo of drones.
    words : str
        Summary, such as "loud, -9 LUFS, clips; 6 onsets/s; low; dark".
    coverage : float
        Share of programs whose true value lies in the interval, by the calibration.
    calibration_program_count : int
    """

    properties: tuple[PropertyForecast, ...]
    words: str
    coverage: float
    calibration_program_count: int

    def get_forecast_property(self, name: str) -> PropertyForecast:
        """Return a property by its name.

        Raises
        ------
        EarshotError
            If the corpus does not define it.
        """
        for item in self.properties:
            if item.name == name:
                return item
        raise EarshotError(
            f"The forecast has no property '{name}'.",
            remedy=f"Its properties: {', '.join(item.name for item in self.properties)}.",
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the forecast as JSON types, the properties by name."""
        return {
            "words": self.words,
            "coverage": self.coverage,
            "calibration_programs": self.calibration_program_count,
            "properties": {
                item.name: {key: value for key, value in asdict(item).items() if key != "name"}
                for item in self.properties
            },
        }


def compute_forecast_features(sources: Sequence[str]) -> np.ndarray:
    """Return what programs are forecast from: their simulated sound, float32 [n, d].

    Parameters
    ----------
    sources : sequence of str
        At least one.
    """
    return np.stack([simulate_program_source(source) for source in sources])


def fit_forecast(
    features: np.ndarray, descriptor_embeddings: np.ndarray, groups: Sequence[str]
) -> ForecastModel | None:
    """Fit a forecast on programs and the descriptors of their clips.

    Parameters
    ----------
    features : float [n, d]
        By `compute_forecast_features`.
    descriptor_embeddings : float [n, len(CLIP_DESCRIPTORS)]
        By the encoder `descriptors`.
    groups : sequence of str
        Template or grammar style of each program.

    Returns
    -------
    ForecastModel or None
        None with too few programs or groups, or if they define no property.
    """
    targets = make_forecast_targets(descriptor_embeddings)
    is_simulation = np.shape(features)[1] == SIMULATION_DIM
    weights = build_feature_weights() if is_simulation else None
    model = fit_forecast_model(features, targets, groups, weights, has_baseline=is_simulation)
    if model is None:
        return None
    return replace(model, quantiles=model.quantiles * OUTSIDE_PROGRAM_WIDENING)


def make_forecast_targets(descriptor_embeddings: np.ndarray) -> np.ndarray:
    """Return standardized values [n, t], nan where a clip leaves a value undefined."""
    values = decode_descriptors(descriptor_embeddings)
    return np.stack(
        [
            descriptor.standardize_descriptor_values(values[descriptor.name])
            for descriptor in CLIP_DESCRIPTORS
        ],
        axis=1,
    )


def predict_forecast(model: ForecastModel, features: np.ndarray) -> Forecast:
    """Predict the properties of one program's clip.

    Parameters
    ----------
    model : ForecastModel
        Fitted by `fit_forecast`.
    features : float [1, d]
        By `compute_forecast_features`.
    """
    values, half_widths = model.predict_values_with_intervals(features)
    properties = tuple(
        _build_property_forecast(descriptor, value, half_width)
        for descriptor, value, half_width in zip(CLIP_DESCRIPTORS, values[0], half_widths[0])
        if np.isfinite(half_width)
    )
    value_by_name = {item.name: item.value for item in properties}
    return Forecast(
        properties, describe_forecast_in_words(value_by_name), COVERAGE, model.program_count
    )


def predict_forecasts(model: ForecastModel, features: np.ndarray) -> pd.DataFrame:
    """Predict the properties of the clips of many programs, without intervals.

    Parameters
    ----------
    model : ForecastModel
        Fitted by `fit_forecast`.
    features : float [n, d]
        By `compute_forecast_features`; at least one program.

    Returns
    -------
    DataFrame
        One row per program and one column per property that the forecast has, in its unit.
    """
    values, half_widths = model.predict_values_with_intervals(features)
    return pd.DataFrame(
        {
            descriptor.name: descriptor.unstandardize_descriptor_values(values[:, column])
            for column, descriptor in enumerate(CLIP_DESCRIPTORS)
            if np.isfinite(half_widths[0, column])
        }
    )


def _build_property_forecast(
    descriptor: ClipDescriptor, value: float, half_width: float
) -> PropertyForecast:
    low, middle, high = (
        float(limit)
        for limit in descriptor.unstandardize_descriptor_values(
            np.array([value - half_width, value, value + half_width])
        )
    )
    return PropertyForecast(descriptor.name, middle, low, high, descriptor.unit)


def describe_forecast_in_words(values: Mapping[str, float]) -> str:
    """Return a summary of predicted values in a few words.

    Parameters
    ----------
    values : mapping of str to float
        By the name of the property, in its unit. A missing property has no words.

    Examples
    --------
    >>> describe_forecast_in_words(
    ...     {"loudness": -9.2, "peak": 0.0, "silence": 0.0, "onset_rate": 6.1, "register": 40.0,
    ...      "brightness": 600.0, "noisiness": -40.0, "stereo_width": 5.0}
    ... )
    'loud, −9 LUFS, clips; 6 onsets/s; low; dark'
    """
    word = {name: _choose_word_for_property_value(name, values.get(name)) for name in WORD_LIMITS}
    if word["loudness"] == "silent":
        return "silent"
    loudness = word["loudness"]
    if "loudness" in values:
        loudness += f", {values['loudness']:.0f} LUFS".replace("-", "−")
    if values.get("peak", -np.inf) >= CLIPPING_PEAK_DBFS:
        loudness = f"{loudness}, clips" if loudness else "clips"
    onsets = ""
    if "onset_rate" in values:
        rate = values["onset_rate"]
        onsets = f"{rate:.0f} onsets/s" if rate >= 2 else f"{rate:.1f} onsets/s"
    others = (word[name] for name in ("register", "brightness", "noisiness", "stereo_width"))
    return "; ".join(filter(None, (loudness, word["silence"], onsets, *others)))


def _choose_word_for_property_value(name: str, value: float | None) -> str:
    if value is None:
        return ""
    return next(word for limit, word in WORD_LIMITS[name] if value < limit)


def list_forecast_property_rows(forecast: Forecast) -> list[tuple[str, str, str]]:
    """Return label, value with unit, and interval of each property but the level over time."""
    return [
        (PROPERTY_LABELS[item.name], format_property_value(item), format_property_interval(item))
        for item in forecast.properties
        if item.name in PROPERTY_LABELS
    ]


def format_level_curve(forecast: Forecast) -> str:
    """Return the level of each sixth of the clip in one line."""
    levels = [item for item in forecast.properties if item.name.startswith("level_")]
    values = " ".join(_format_number(item.value, 0) for item in levels)
    unit = levels[0].unit if levels else "not defined"
    return f"Level of each sixth of the clip: {values} {unit}"


def format_property_value(item: PropertyForecast) -> str:
    """Return a value with its unit: "−9.2 LUFS"."""
    return f"{_format_number(item.value, _DIGITS.get(item.unit, 1))} {item.unit}"


def format_property_interval(item: PropertyForecast) -> str:
    """Return an interval: "−12.0 to −6.1"."""
    low, high = (
        _format_number(limit, _DIGITS.get(item.unit, 1)) for limit in (item.low, item.high)
    )
    return f"{low} to {high}"


def _format_number(number: float, digits: int) -> str:
    return f"{number:,.{digits}f}".replace("-", "−")
