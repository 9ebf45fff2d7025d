"""Sounds to a vector of fixed layout: which synths, samples and FX, how set, how high, how often.

Layout: blocks in the order of `BLOCKS`, each described there. The first half adds up all sounds,
each by how loud and how long it is; the second half holds, for each column, its largest share
in any one layer, so that a quiet layer is not drowned by a busy one.
"""

from __future__ import annotations

import math
import zlib
from functools import cache

import numpy as np

from core.sonicpi.inventory import load_sonic_pi_inventory
from core.sonicpi.score_events import MAX_SCORE_SECONDS, ScoreEvent

# Options whose values are told apart, each by its own soft bins: (low, high, logarithmic).
OPTION_RANGES = {
    "amp": (0.05, 8, True),
    "attack": (0.005, 8, True),
    "sustain": (0.01, 16, True),
    "release": (0.02, 16, True),
    "cutoff": (30, 130, False),
    "lpf": (30, 130, False),
    "hpf": (10, 130, False),
    "res": (0, 1, False),
    "rate": (0.1, 8, True),
    "start": (0, 1, False),
    "finish": (0, 1, False),
    "detune": (0.01, 24, True),
    "pan": (-1, 1, False),
    "divisor": (0.01, 50, True),
    "depth": (0.01, 20, True),
    "mod_phase": (0.02, 4, True),
    "mod_range": (0.5, 48, True),
    "pulse_width": (0, 1, False),
    "coef": (-1, 1, False),
    "wave": (0, 3, False),
}
FX_OPTION_RANGES = {
    "mix": (0, 1, False),
    "room": (0, 1, False),
    "phase": (0.02, 8, True),
    "decay": (0.1, 32, True),
    "cutoff": (30, 130, False),
    "res": (0, 1, False),
    "distort": (0, 1, False),
    "bits": (1, 16, True),
    "centre": (30, 130, False),
    "freq": (10, 2000, True),
    "probability": (0, 1, False),
    "pitch": (-24, 24, False),
    "depth": (0.5, 20, True),
    "krunch": (0.1, 10, True),
}
OPTION_BIN_COUNT = 7
HASHED_FEATURE_COUNT = 384  # name with option and bin, hashed
GAP_RANGE_SECONDS = (0.02, 8.0)  # seconds between sounds of a layer
EVENTS_PER_SECOND_RANGE = (0.05, 60.0)  # sounds a second
MIDI_NOTE_RANGE = (24.0, 108.0)
PITCH_BIN_COUNT = 14
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
MAX_EVENTS = 4000


@cache
def build_feature_layout() -> tuple[dict[str, int], int]:
    """Column of each named feature, and where the next block would start."""
    known = load_sonic_pi_inventory()
    names = [f"synth {name}" for name in known["synths"]]
    names += [f"sample {name}" for name in known["samples"]]
    names += [f"group {name}" for name in SAMPLE_GROUPS]
    names += [f"fx {name}" for name in known["fx"]]
    names += [f"class {pitch}" for pitch in range(12)]
    for block, bins in (
        ("note", PITCH_BIN_COUNT),
        ("gap synth", 12),
        ("gap sample", 12),
        ("length synth", 12),
        ("length sample", 12),
    ):
        names += [f"{block} {place}" for place in range(bins)]
    names += [f"{option} {place}" for option in OPTION_RANGES for place in range(OPTION_BIN_COUNT)]
    names += [f"fx {option} {place}" for option in FX_OPTION_RANGES for place in range(OPTION_BIN_COUNT)]
    names += [f"hashed {place}" for place in range(HASHED_FEATURE_COUNT)]
    return {name: place for place, name in enumerate(names)}, len(names)


# Of the whole program, once.
PROGRAM_FEATURE_COUNT = 12 + 12 + 8  # rate of sounds, together at once, loudness over time in eight parts
SCORE_FEATURE_DIM = 2 * build_feature_layout()[1] + PROGRAM_FEATURE_COUNT


@cache
def _scale_bin_range(low: float, high: float, is_log: bool) -> tuple[float, float]:
    return (math.log(low), math.log(high)) if is_log else (low, high)


def assign_soft_bins(value: float, low: float, high: float, bin_count: int, is_log: bool = False) -> list:
    """(bin, share) of the one or two bins nearest to a value: near values have near vectors."""
    low, high = _scale_bin_range(low, high, is_log)
    if is_log:
        value = math.log(max(abs(value), 1e-6))
    place = (min(max(value, low), high) - low) / (high - low) * (bin_count - 1)
    below = min(int(place), bin_count - 2)
    return [(below, 1 - (place - below)), (below + 1, place - below)]


def compute_score_features(events: list[ScoreEvent]) -> np.ndarray:
    """Describe what sounds in the first 18 s of a program.

    Returns
    -------
    float32 [DIM]
        A program without sounds has a vector too: all zeros but for the first column of
        the whole program's block.
    """
    columns, width = build_feature_layout()
    events = sorted((s for s in events if s.time < MAX_SCORE_SECONDS), key=lambda s: (s.time, s.name))
    layers: dict[str, list[ScoreEvent]] = {}
    for sound in events[:MAX_EVENTS]:
        layers.setdefault(sound.layer if len(layers) < 24 else "rest", []).append(sound)
    total, largest = np.zeros(width), np.zeros(width)
    for played in layers.values():
        own = _sum_layer_features(played, columns, width)
        total += own
        np.maximum(largest, own, out=largest)
    # The square root lets a rare sound count beside a frequent one.
    vector = np.concatenate(
        [np.sqrt(total / (total[: _count_name_features()].sum() or 1)), np.log1p(largest) / 3, _compute_program_features(events)]
    )
    return vector.astype(np.float32)


@cache
def _count_name_features() -> int:
    known = load_sonic_pi_inventory()
    return len(known["synths"]) + len(known["samples"])


def _sum_layer_features(layer_events: list[ScoreEvent], columns: dict[str, int], feature_count: int) -> np.ndarray:
    made = np.zeros(feature_count)
    known: dict[tuple, tuple[float, list, list]] = {}  # loops play the same sounds again and again
    before: float | None = None
    for sound in layer_events:
        chain = tuple((name, id(given)) for name, given in sound.fx)
        key = (sound.kind, sound.name, tuple(sound.options.items()), chain)
        if key not in known:
            strength, put = _compute_event_weight(sound), _list_event_features(sound)
            put = [(columns[name], share) for name, share in put if name in columns]
            known[key] = strength, [c for c, _ in put], [share for _, share in put]
        strength, places, shares = known[key]
        weight = sound.weight * strength
        np.add.at(made, places, np.multiply(shares, weight))
        if before is not None and sound.time > before + 1e-3:
            gaps = _build_binned_features(f"gap {sound.kind}", sound.time - before, *GAP_RANGE_SECONDS, 12, True)
            for name, share in gaps:
                made[columns[name]] += weight * share
        if before is None or sound.time > before:
            before = sound.time
    return made


def _compute_event_weight(event: ScoreEvent) -> float:
    """How much a sound counts: by how loud and how long it is, both damped."""
    options = {**_get_default_options(event), **event.options}
    loud = max(0.0, min(abs(options.get("amp", 1.0)), 8.0)) ** 0.7
    return loud * min(_estimate_event_seconds(event, options), 6.0) ** 0.4


def _list_event_features(event: ScoreEvent) -> list[tuple[str, float]]:
    """Names of the features that a sound has, each with its share of the sound."""
    options = {**_get_default_options(event), **event.options}
    put = [(f"{event.kind} {event.name}", 1.0)]
    if event.kind == "sample":
        prefix = event.name.split("_")[0]
        put.append((f"group {prefix if prefix in SAMPLE_GROUPS else 'unknown'}", 1.0))
    else:
        put += _build_pitch_features(options.get("note", 52.0))
    put += _build_binned_features(f"length {event.kind}", _estimate_event_seconds(event, options), 0.02, 16, 12, True)
    for option, (low, high, log) in OPTION_RANGES.items():
        # -1 stands for "as long as it lasts"; where less than 0 can be meant, it counts.
        value = options.get(option, 0.0 if option == "pan" else -1.0)
        if value >= 0 or (low < 0 and option in options):
            put += _build_binned_features(option, value, low, high, OPTION_BIN_COUNT, log)
    put += _build_hashed_features(event.name, event.options, OPTION_RANGES)
    for name, given in event.fx:
        put.append((f"fx {name}", 1.0))
        settled = {**load_sonic_pi_inventory()["fx"].get(name, {}), **given}
        for option, (low, high, log) in FX_OPTION_RANGES.items():
            if option in settled:
                put += _build_binned_features(f"fx {option}", settled[option], low, high, OPTION_BIN_COUNT, log)
        put += _build_hashed_features(name, given, FX_OPTION_RANGES)
        put += _build_hashed_features(f"{name}>{event.name}", {}, FX_OPTION_RANGES)
    return put


def _build_binned_features(feature_name: str, value: float, low: float, high: float, bin_count: int, is_log: bool) -> list:
    return [(f"{feature_name} {b}", share) for b, share in assign_soft_bins(value, low, high, bin_count, is_log)]


def _build_pitch_features(note: float) -> list:
    note = min(max(note, 0.0), 140.0)
    return [(f"class {round(note) % 12}", 1.0), *_build_binned_features("note", note, *MIDI_NOTE_RANGE, PITCH_BIN_COUNT, False)]


def _build_hashed_features(name: str, options: dict, option_ranges: dict) -> list:
    put = [(f"hashed {zlib.crc32(name.encode()) % HASHED_FEATURE_COUNT}", 1.0)]
    for option in options:
        if option in option_ranges:
            low, high, log = option_ranges[option]
            for b, share in assign_soft_bins(options[option], low, high, 5, log):
                key = f"{name}.{option}.{b}".encode()
                put.append((f"hashed {zlib.crc32(key) % HASHED_FEATURE_COUNT}", share))
    return put


def _get_default_options(event: ScoreEvent) -> dict[str, float]:
    known = load_sonic_pi_inventory()
    return known["player"] if event.kind == "sample" else known["synths"].get(event.name, {})


def _estimate_event_seconds(event: ScoreEvent, options: dict[str, float]) -> float:
    """Seconds that it sounds."""
    times = [max(0.0, options.get(name, 0.0)) for name in ("attack", "decay", "sustain", "release")]
    if event.kind == "synth":
        return max(0.02, sum(times))
    whole = load_sonic_pi_inventory()["samples"].get(event.name, 1.0)
    rate = max(abs(options.get("rate", 1.0)), 0.01)
    part = abs(options.get("finish", 1.0) - options.get("start", 0.0))
    played = whole / rate * min(max(part, 0.001), 1.0)
    return max(0.02, min(played, sum(times)) if event.options.get("sustain", -1) >= 0 else played)


def _compute_program_features(events: list[ScoreEvent]) -> np.ndarray:
    """Rate of sounds, how many at once, and how loudness goes through the program."""
    rate, together, course = np.zeros(12), np.zeros(12), np.zeros(8)
    per_second = sum(sound.weight for sound in events) / MAX_SCORE_SECONDS
    for place, share in assign_soft_bins(per_second, *EVENTS_PER_SECOND_RANGE, 12, True):
        rate[place] = share
    lengths = [_estimate_event_seconds(s, {**_get_default_options(s), **s.options}) * s.weight for s in events]
    for place, share in assign_soft_bins(sum(lengths) / MAX_SCORE_SECONDS, 0.05, 40.0, 12, True):
        together[place] = share
    for sound in events:
        course[int(sound.time / MAX_SCORE_SECONDS * 8)] += sound.weight * sound.options.get("amp", 1.0)
    course = np.abs(course)
    return np.concatenate([rate, together, np.sqrt(course / (course.sum() or 1))])
