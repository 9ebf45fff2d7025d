"""Layout of the vector of score features: its columns, and the ranges and bins of each option."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache, cached_property

from core.sonicpi.sonic_pi_inventory import load_sonic_pi_inventory


@dataclass(frozen=True)
class BinRange:
    """Values from the centre of the first bin to the centre of the last one.

    Attributes
    ----------
    low, high : float
        Values outside are clipped. Positive if `is_log`.
    is_log : bool
        Whether the bins are spaced logarithmically.
    """

    low: float
    high: float
    is_log: bool = False

    @cached_property
    def scaled_bin_limits(self) -> tuple[float, float]:
        """Return `low` and `high`, or their logarithms."""
        if self.is_log:
            return math.log(self.low), math.log(self.high)
        return self.low, self.high


# Ranges of the synth and sample options, and of the FX options, that have bins of their own.
OPTION_RANGES = {
    "amp": BinRange(0.05, 8, is_log=True),
    "attack": BinRange(0.005, 8, is_log=True),
    "sustain": BinRange(0.01, 16, is_log=True),
    "release": BinRange(0.02, 16, is_log=True),
    "cutoff": BinRange(30, 130),
    "lpf": BinRange(30, 130),
    "hpf": BinRange(10, 130),
    "res": BinRange(0, 1),
    "rate": BinRange(0.1, 8, is_log=True),
    "start": BinRange(0, 1),
    "finish": BinRange(0, 1),
    "detune": BinRange(0.01, 24, is_log=True),
    "pan": BinRange(-1, 1),
    "divisor": BinRange(0.01, 50, is_log=True),
    "depth": BinRange(0.01, 20, is_log=True),
    "mod_phase": BinRange(0.02, 4, is_log=True),
    "mod_range": BinRange(0.5, 48, is_log=True),
    "pulse_width": BinRange(0, 1),
    "coef": BinRange(-1, 1),
    "wave": BinRange(0, 3),
}
FX_OPTION_RANGES = {
    "mix": BinRange(0, 1),
    "room": BinRange(0, 1),
    "phase": BinRange(0.02, 8, is_log=True),
    "decay": BinRange(0.1, 32, is_log=True),
    "cutoff": BinRange(30, 130),
    "res": BinRange(0, 1),
    "distort": BinRange(0, 1),
    "bits": BinRange(1, 16, is_log=True),
    "centre": BinRange(30, 130),
    "freq": BinRange(10, 2000, is_log=True),
    "probability": BinRange(0, 1),
    "pitch": BinRange(-24, 24),
    "depth": BinRange(0.5, 20, is_log=True),
    "krunch": BinRange(0.1, 10, is_log=True),
}
SAMPLE_GROUPS = (
    "ambi",
    "bass",
    "bd",
    "drum",
    "elec",
    "glitch",
    "guit",
    "loop",
    "mehackit",
    "misc",
    "perc",
    "sn",
    "tabla",
    "vinyl",
    "unknown",
)
OPTION_BIN_COUNT = 7
HASHED_OPTION_BIN_COUNT = 5
# Columns that names, and names with an option's bin, share by their hash.
HASHED_FEATURE_COUNT = 384
GAP_RANGE_SECONDS = BinRange(0.02, 8.0, is_log=True)  # between events of a layer
LENGTH_RANGE_SECONDS = BinRange(0.02, 16, is_log=True)
DURATION_BIN_COUNT = 12  # of gaps and lengths
MIDI_NOTE_RANGE = BinRange(24.0, 108.0)
PITCH_BIN_COUNT = 14
DEFAULT_NOTE = 52.0  # Sonic Pi's default for synths
EVENTS_PER_SECOND_RANGE = BinRange(0.05, 60.0, is_log=True)
CONCURRENT_EVENTS_RANGE = BinRange(0.05, 40.0, is_log=True)
DENSITY_BIN_COUNT = 12  # of events per second and concurrent events
LOUDNESS_STEPS = 8  # over the time of the program
# Columns of the third part: events per second, concurrent events, loudness over time.
PROGRAM_FEATURE_COUNT = 2 * DENSITY_BIN_COUNT + LOUDNESS_STEPS
MAX_EVENTS = 4000
# Events of further layers are counted as one layer.
MAX_LAYERS = 24


@cache
def build_feature_layout() -> tuple[dict[str, int], int]:
    """Return the columns of the first part of the vector.

    Returns
    -------
    column_by_feature : dict of str to int
    column_count : int
    """
    inventory = load_sonic_pi_inventory()
    names = [f"synth {name}" for name in inventory["synths"]]
    names += [f"sample {name}" for name in inventory["samples"]]
    names += [f"group {name}" for name in SAMPLE_GROUPS]
    names += [f"fx {name}" for name in inventory["fx"]]
    names += [f"class {pitch_class}" for pitch_class in range(12)]
    bin_counts = {
        "note": PITCH_BIN_COUNT,
        "gap synth": DURATION_BIN_COUNT,
        "gap sample": DURATION_BIN_COUNT,
        "length synth": DURATION_BIN_COUNT,
        "length sample": DURATION_BIN_COUNT,
    }
    bin_counts |= {option: OPTION_BIN_COUNT for option in OPTION_RANGES}
    bin_counts |= {f"fx {option}": OPTION_BIN_COUNT for option in FX_OPTION_RANGES}
    bin_counts["hashed"] = HASHED_FEATURE_COUNT
    names += [f"{block} {number}" for block, count in bin_counts.items() for number in range(count)]
    return {name: column for column, name in enumerate(names)}, len(names)


SCORE_FEATURE_DIM = 2 * build_feature_layout()[1] + PROGRAM_FEATURE_COUNT


def assign_soft_bins(value: float, bin_range: BinRange, bin_count: int) -> list[tuple[int, float]]:
    """Distribute a value over the two nearest bins, so that near values have near vectors.

    Parameters
    ----------
    value : float
    bin_range : BinRange
    bin_count : int
        At least 2.

    Returns
    -------
    list of (bin, share)
        The shares add up to 1.

    Examples
    --------
    >>> assign_soft_bins(0.25, BinRange(0, 1), bin_count=3)
    [(0, 0.5), (1, 0.5)]
    """
    low, high = bin_range.scaled_bin_limits
    if bin_range.is_log:
        value = math.log(max(abs(value), 1e-6))
    position = (min(max(value, low), high) - low) / (high - low) * (bin_count - 1)
    lower_bin = min(int(position), bin_count - 2)
    upper_share = position - lower_bin
    return [(lower_bin, 1 - upper_share), (lower_bin + 1, upper_share)]
