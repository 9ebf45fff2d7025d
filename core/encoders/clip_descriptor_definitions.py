"""The table of clip descriptors: names, units, ranges, and their scale in an embedding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

MIN_LEVEL_DB = -70.0  # the absolute gate of BS.1770; stands for silence
LEVEL_SEGMENT_COUNT = 6
MIN_ONSET_RATE = 0.05  # per second; stands for no onset
MIN_TEMPO_BPM, MAX_TEMPO_BPM = 40.0, 240.0


@dataclass(frozen=True)
class ClipDescriptor:
    """One measured property of a clip.

    Attributes
    ----------
    name : str
    unit : str
        Unit of the value as people read it.
    centre, scale : float
        About the mean and standard deviation over programs, of the logarithm to base 2 if
        `is_log`.
    low, high : float
        Range of the value.
    is_log : bool
        Whether ratios matter rather than differences.
    needs_sound : bool
        Whether the value is undefined for a silent clip.
    """

    name: str
    unit: str
    centre: float
    scale: float
    low: float
    high: float
    is_log: bool = False
    needs_sound: bool = True

    def standardize_descriptor_values(self, values: np.ndarray) -> np.ndarray:
        """Return values [n] on the scale of the vector."""
        limited = np.clip(values, self.low, self.high)
        return ((np.log2(limited) if self.is_log else limited) - self.centre) / self.scale

    def unstandardize_descriptor_values(self, standardized: np.ndarray) -> np.ndarray:
        """Return values [n] in the descriptor's unit, within its range."""
        values = np.asarray(standardized) * self.scale + self.centre
        return np.clip(np.exp2(values) if self.is_log else values, self.low, self.high)


CLIP_DESCRIPTORS = (
    ClipDescriptor("loudness", "LUFS", -20, 8, MIN_LEVEL_DB, 6, needs_sound=False),
    ClipDescriptor("peak", "dBFS", -6, 6, MIN_LEVEL_DB, 6, needs_sound=False),
    ClipDescriptor("silence", "%", 20, 25, 0, 100, needs_sound=False),
    ClipDescriptor("onset_rate", "1/s", 1, 1.2, MIN_ONSET_RATE, 40, is_log=True),
    ClipDescriptor("tempo", "BPM", 6.9, 0.4, MIN_TEMPO_BPM, MAX_TEMPO_BPM, is_log=True),
    ClipDescriptor("register", "MIDI", 55, 14, 0, 136),
    ClipDescriptor("brightness", "Hz", 10, 1.2, 30, 20_000, is_log=True),
    ClipDescriptor("noisiness", "dB", -30, 12, -100, 0),
    ClipDescriptor("stereo_width", "%", 10, 12, 0, 100),
    *(
        ClipDescriptor(f"level_{number + 1}", "dBFS", -25, 12, MIN_LEVEL_DB, 6, needs_sound=False)
        for number in range(LEVEL_SEGMENT_COUNT)
    ),
)
DESCRIPTOR_NAMES = tuple(descriptor.name for descriptor in CLIP_DESCRIPTORS)


def standardize_descriptors_by_name(values: Mapping[str, float]) -> np.ndarray:
    """Return values in their units on the scale of the vector, nan where one is missing.

    Parameters
    ----------
    values : mapping of str to float
        By the name of the descriptor.

    Returns
    -------
    float64 [len(CLIP_DESCRIPTORS)]
    """
    return np.array(
        [
            descriptor.standardize_descriptor_values(np.array(values.get(descriptor.name, np.nan)))
            for descriptor in CLIP_DESCRIPTORS
        ],
        dtype=np.float64,
    )


def decode_descriptors(embeddings: np.ndarray) -> dict[str, np.ndarray]:
    """Return the values of clips in their units.

    Parameters
    ----------
    embeddings : float [n, len(CLIP_DESCRIPTORS)]
        By the encoder `descriptors`.

    Returns
    -------
    dict of str to float64 [n]
        By the name of the descriptor. Where a silent clip, or one with too few onsets for a
        tempo, leaves a value undefined: nan.
    """
    columns = np.asarray(embeddings, dtype=np.float64).T
    values = {
        descriptor.name: descriptor.unstandardize_descriptor_values(column)
        for descriptor, column in zip(CLIP_DESCRIPTORS, columns)
    }
    is_silent = values["loudness"] <= MIN_LEVEL_DB + 0.01
    for descriptor in CLIP_DESCRIPTORS:
        if descriptor.needs_sound:
            values[descriptor.name][is_silent] = np.nan
    # A tempo of exactly the centre was never measured: tempi are quantized by the frame rate.
    values["tempo"][columns[DESCRIPTOR_NAMES.index("tempo")] == 0] = np.nan
    return values
