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

from core.sonicpi.score_events import SECONDS, Sound, inventory

# Options whose values are told apart, each by its own soft bins: (low, high, logarithmic).
OPTIONS = {
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
FX_OPTIONS = {
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
BINS = 7
HASHED = 384  # name with option and bin, hashed
GAPS = (0.02, 8.0)  # seconds between sounds of a layer
RATES = (0.05, 60.0)  # sounds a second
NOTES = (24.0, 108.0)
PITCH_BINS = 14
PREFIXES = (
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
MOST_SOUNDS = 4000


@cache
def layout() -> tuple[dict[str, int], int]:
    """Column of each named feature, and where the next block would start."""
    known = inventory()
    names = [f"synth {name}" for name in known["synths"]]
    names += [f"sample {name}" for name in known["samples"]]
    names += [f"group {name}" for name in PREFIXES]
    names += [f"fx {name}" for name in known["fx"]]
    names += [f"class {pitch}" for pitch in range(12)]
    for block, bins in (
        ("note", PITCH_BINS),
        ("gap synth", 12),
        ("gap sample", 12),
        ("length synth", 12),
        ("length sample", 12),
    ):
        names += [f"{block} {place}" for place in range(bins)]
    names += [f"{option} {place}" for option in OPTIONS for place in range(BINS)]
    names += [f"fx {option} {place}" for option in FX_OPTIONS for place in range(BINS)]
    names += [f"hashed {place}" for place in range(HASHED)]
    return {name: place for place, name in enumerate(names)}, len(names)


# Of the whole program, once.
WHOLE = 12 + 12 + 8  # rate of sounds, together at once, loudness over time in eight parts
DIM = 2 * layout()[1] + WHOLE


@cache
def _ends(low: float, high: float, log: bool) -> tuple[float, float]:
    return (math.log(low), math.log(high)) if log else (low, high)


def soft_bins(value: float, low: float, high: float, bins: int, log: bool = False) -> list:
    """(bin, share) of the one or two bins nearest to a value: near values have near vectors."""
    low, high = _ends(low, high, log)
    if log:
        value = math.log(max(abs(value), 1e-6))
    place = (min(max(value, low), high) - low) / (high - low) * (bins - 1)
    below = min(int(place), bins - 2)
    return [(below, 1 - (place - below)), (below + 1, place - below)]


def features(sounds: list[Sound]) -> np.ndarray:
    """Describe what sounds in the first 18 s of a program.

    Returns
    -------
    float32 [DIM]
        A program without sounds has a vector too: all zeros but for the first column of
        the whole program's block.
    """
    columns, width = layout()
    sounds = sorted((s for s in sounds if s.time < SECONDS), key=lambda s: (s.time, s.name))
    layers: dict[str, list[Sound]] = {}
    for sound in sounds[:MOST_SOUNDS]:
        layers.setdefault(sound.layer if len(layers) < 24 else "rest", []).append(sound)
    total, largest = np.zeros(width), np.zeros(width)
    for played in layers.values():
        own = _layer(played, columns, width)
        total += own
        np.maximum(largest, own, out=largest)
    # The square root lets a rare sound count beside a frequent one.
    vector = np.concatenate(
        [np.sqrt(total / (total[: _names()].sum() or 1)), np.log1p(largest) / 3, _whole(sounds)]
    )
    return vector.astype(np.float32)


@cache
def _names() -> int:
    known = inventory()
    return len(known["synths"]) + len(known["samples"])


def _layer(played: list[Sound], columns: dict[str, int], width: int) -> np.ndarray:
    made = np.zeros(width)
    known: dict[tuple, tuple[float, list, list]] = {}  # loops play the same sounds again and again
    before: float | None = None
    for sound in played:
        chain = tuple((name, id(given)) for name, given in sound.fx)
        key = (sound.kind, sound.name, tuple(sound.options.items()), chain)
        if key not in known:
            strength, put = _strength(sound), _described(sound)
            put = [(columns[name], share) for name, share in put if name in columns]
            known[key] = strength, [c for c, _ in put], [share for _, share in put]
        strength, places, shares = known[key]
        weight = sound.weight * strength
        np.add.at(made, places, np.multiply(shares, weight))
        if before is not None and sound.time > before + 1e-3:
            gaps = _binned(f"gap {sound.kind}", sound.time - before, *GAPS, 12, True)
            for name, share in gaps:
                made[columns[name]] += weight * share
        if before is None or sound.time > before:
            before = sound.time
    return made


def _strength(sound: Sound) -> float:
    """How much a sound counts: by how loud and how long it is, both damped."""
    options = {**_defaults(sound), **sound.options}
    loud = max(0.0, min(abs(options.get("amp", 1.0)), 8.0)) ** 0.7
    return loud * min(_length(sound, options), 6.0) ** 0.4


def _described(sound: Sound) -> list[tuple[str, float]]:
    """Names of the features that a sound has, each with its share of the sound."""
    options = {**_defaults(sound), **sound.options}
    put = [(f"{sound.kind} {sound.name}", 1.0)]
    if sound.kind == "sample":
        prefix = sound.name.split("_")[0]
        put.append((f"group {prefix if prefix in PREFIXES else 'unknown'}", 1.0))
    else:
        put += _pitches(options.get("note", 52.0))
    put += _binned(f"length {sound.kind}", _length(sound, options), 0.02, 16, 12, True)
    for option, (low, high, log) in OPTIONS.items():
        # -1 stands for "as long as it lasts"; where less than 0 can be meant, it counts.
        value = options.get(option, 0.0 if option == "pan" else -1.0)
        if value >= 0 or (low < 0 and option in options):
            put += _binned(option, value, low, high, BINS, log)
    put += _hashed(sound.name, sound.options, OPTIONS)
    for name, given in sound.fx:
        put.append((f"fx {name}", 1.0))
        settled = {**inventory()["fx"].get(name, {}), **given}
        for option, (low, high, log) in FX_OPTIONS.items():
            if option in settled:
                put += _binned(f"fx {option}", settled[option], low, high, BINS, log)
        put += _hashed(name, given, FX_OPTIONS)
        put += _hashed(f"{name}>{sound.name}", {}, FX_OPTIONS)
    return put


def _binned(name: str, value: float, low: float, high: float, bins: int, log: bool) -> list:
    return [(f"{name} {b}", share) for b, share in soft_bins(value, low, high, bins, log)]


def _pitches(note: float) -> list:
    note = min(max(note, 0.0), 140.0)
    return [(f"class {round(note) % 12}", 1.0), *_binned("note", note, *NOTES, PITCH_BINS, False)]


def _hashed(name: str, options: dict, known: dict) -> list:
    put = [(f"hashed {zlib.crc32(name.encode()) % HASHED}", 1.0)]
    for option in options:
        if option in known:
            low, high, log = known[option]
            for b, share in soft_bins(options[option], low, high, 5, log):
                key = f"{name}.{option}.{b}".encode()
                put.append((f"hashed {zlib.crc32(key) % HASHED}", share))
    return put


def _defaults(sound: Sound) -> dict[str, float]:
    known = inventory()
    return known["player"] if sound.kind == "sample" else known["synths"].get(sound.name, {})


def _length(sound: Sound, options: dict[str, float]) -> float:
    """Seconds that it sounds."""
    times = [max(0.0, options.get(name, 0.0)) for name in ("attack", "decay", "sustain", "release")]
    if sound.kind == "synth":
        return max(0.02, sum(times))
    whole = inventory()["samples"].get(sound.name, 1.0)
    rate = max(abs(options.get("rate", 1.0)), 0.01)
    part = abs(options.get("finish", 1.0) - options.get("start", 0.0))
    played = whole / rate * min(max(part, 0.001), 1.0)
    return max(0.02, min(played, sum(times)) if sound.options.get("sustain", -1) >= 0 else played)


def _whole(sounds: list[Sound]) -> np.ndarray:
    """Rate of sounds, how many at once, and how loudness goes through the program."""
    rate, together, course = np.zeros(12), np.zeros(12), np.zeros(8)
    per_second = sum(sound.weight for sound in sounds) / SECONDS
    for place, share in soft_bins(per_second, *RATES, 12, True):
        rate[place] = share
    lengths = [_length(s, {**_defaults(s), **s.options}) * s.weight for s in sounds]
    for place, share in soft_bins(sum(lengths) / SECONDS, 0.05, 40.0, 12, True):
        together[place] = share
    for sound in sounds:
        course[int(sound.time / SECONDS * 8)] += sound.weight * sound.options.get("amp", 1.0)
    course = np.abs(course)
    return np.concatenate([rate, together, np.sqrt(course / (course.sum() or 1))])
