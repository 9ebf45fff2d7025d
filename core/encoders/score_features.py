"""Features of synth events: a vector of fixed layout from synths, samples, FX, options and timing.

The vector has three parts. The first sums the features of all events, each weighted by its loudness
and length. The second holds the maximum of each feature over the layers, so that a quiet layer is
not drowned by a busy one. The third describes the program as a whole. `build_feature_layout`
of `core.encoders.score_feature_layout` lists the columns of the first two.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, lru_cache
from operator import itemgetter
from typing import NamedTuple

import numpy as np

from core.encoders.newer_sound_feature_columns import find_sound_sharing_feature_column
from core.encoders.score_event_lengths import estimate_event_seconds, merge_default_event_options
from core.encoders.score_feature_layout import (
    CONCURRENT_EVENTS_RANGE,
    DEFAULT_NOTE,
    DENSITY_BIN_COUNT,
    DURATION_BIN_COUNT,
    EVENTS_PER_SECOND_RANGE,
    FX_OPTION_RANGES,
    GAP_RANGE_SECONDS,
    HASHED_FEATURE_COUNT,
    HASHED_OPTION_BIN_COUNT,
    LENGTH_RANGE_SECONDS,
    LOUDNESS_STEPS,
    MAX_EVENTS,
    MAX_LAYERS,
    MIDI_NOTE_RANGE,
    OPTION_BIN_COUNT,
    OPTION_RANGES,
    PITCH_BIN_COUNT,
    SAMPLE_GROUPS,
    BinRange,
    assign_soft_bins,
    build_feature_layout,
)
from core.sonicpi.score_events import MAX_SCORE_SECONDS, FxChain, ScoreEvent
from core.sonicpi.sonic_pi_inventory import load_sonic_pi_inventory

MAX_OPTION_VALUE = 1e6  # stands for infinity
EVENT_CACHE_SIZE = 20_000


_Options = tuple[tuple[str, float], ...]
_FxKey = tuple[tuple[str, _Options], ...]


class _SoundFeatures(NamedTuple):
    """Features of a sound with its FX: columns, the share of each, weight, length and level."""

    columns: np.ndarray
    shares: np.ndarray
    weight: float
    seconds: float
    amp: float


class _EventFeatures(NamedTuple):
    """What the features of a program need of one event."""

    order: tuple[float, str]
    event: ScoreEvent
    sound: _SoundFeatures
    weight: float
    sounding_seconds: float
    loudness_step: int
    loudness: float


class _FeatureCache:
    """Features of events and layers by identity; the values keep the events alive."""

    def __init__(self) -> None:
        self.feature_by_event: dict[int, _EventFeatures] = {}
        self.key_by_fx_chain: dict[int, tuple[FxChain, _FxKey]] = {}
        self.sum_by_layer: dict[tuple[int, ...], tuple[list[_EventFeatures], np.ndarray]] = {}

    def list_event_features(self, events: list[ScoreEvent]) -> list[_EventFeatures]:
        """Return the features of the events of a clip; those of an event are computed once."""
        features = self.feature_by_event
        listed = []
        for event in events:
            if event.time < MAX_SCORE_SECONDS:
                item = features.get(id(event))
                if item is None:
                    fx_key = self._get_fx_key(event.fx)
                    item = features[id(event)] = _compute_features_of_event(event, fx_key)
                listed.append(item)
        return listed

    def _get_fx_key(self, fx: FxChain) -> _FxKey:
        entry = self.key_by_fx_chain.get(id(fx))
        if entry is None:
            key = tuple([(name, tuple(options.items())) for name, options in fx])
            entry = self.key_by_fx_chain[id(fx)] = fx, key
        return entry[1]

    def sum_layer_features(self, layer: list[_EventFeatures], column_count: int) -> np.ndarray:
        """Return the weighted sum of the features of a layer, computed once."""
        key = tuple([id(item.event) for item in layer])
        if key not in self.sum_by_layer:
            self.sum_by_layer[key] = layer, _sum_weighted_event_features(layer, column_count)
        return self.sum_by_layer[key][1]


_feature_cache: ContextVar[_FeatureCache | None] = ContextVar("feature_cache", default=None)


def compute_score_features(events: list[ScoreEvent]) -> np.ndarray:
    """Return the features of the first 18 s of a program.

    Parameters
    ----------
    events : list of ScoreEvent
        In any order.

    Returns
    -------
    float32 [SCORE_FEATURE_DIM]
        A program without events has a vector too: zeros, except for the lowest bins of the third
        part.
    """
    _, column_count = build_feature_layout()
    cache = _feature_cache.get() or _FeatureCache()
    described = cache.list_event_features(events)
    described.sort(key=itemgetter(0))
    layers: dict[str, list[_EventFeatures]] = {}
    for item in described[:MAX_EVENTS]:
        layer = item.event.layer if len(layers) < MAX_LAYERS else "rest"
        layers.setdefault(layer, []).append(item)
    total, maximum = np.zeros(column_count), np.zeros(column_count)
    for layer_events in layers.values():
        layer_features = cache.sum_layer_features(layer_events, column_count)
        total += layer_features
        np.maximum(maximum, layer_features, out=maximum)
    # Dividing by the total weight of the events leaves their mean, and the square root raises rare
    # events compared with frequent ones.
    event_weight = total[: _get_sound_name_column_count()].sum() or 1
    vector = np.concatenate(
        [
            np.sqrt(total / event_weight),
            np.log1p(maximum) / 3,
            _compute_density_and_loudness_features(described),
        ]
    )
    return vector.astype(np.float32)


def _compute_features_of_event(event: ScoreEvent, fx_key: _FxKey) -> _EventFeatures:
    """Return the features of one event."""
    sound = _compute_sound_features(event.kind, event.name, tuple(event.options.items()), fx_key)
    time, weight = event.time, event.weight
    return _EventFeatures(
        (time, event.name),
        event,
        sound,
        weight * sound.weight,
        sound.seconds * weight,
        max(0, int(time / MAX_SCORE_SECONDS * LOUDNESS_STEPS)),
        weight * sound.amp,
    )


def _replace_infinite_options(options: _Options) -> dict[str, float]:
    """Return finite options: a program may hold a note for ever."""
    return {
        name: value if math.isfinite(value) else math.copysign(MAX_OPTION_VALUE, value)
        for name, value in options
    }


@cache
def _get_sound_name_column_count() -> int:
    """Return the number of columns for names of synths and samples, which come first."""
    inventory = load_sonic_pi_inventory()
    return len(inventory["synths"]) + len(inventory["samples"])


def _sum_weighted_event_features(layer: list[_EventFeatures], column_count: int) -> np.ndarray:
    """Return the weighted sum of the features of a layer's events, sorted by time.

    `np.bincount` adds in the order of its arguments, so that the sum does not depend on how the
    events are grouped.
    """
    columns = np.concatenate([item.sound.columns for item in layer])
    shares = np.concatenate([item.sound.shares for item in layer])
    weights = np.repeat(
        [item.weight for item in layer], [len(item.sound.columns) for item in layer]
    )
    totals = np.bincount(columns, shares * weights, minlength=column_count)
    previous_time: float | None = None
    for item in layer:
        time = item.order[0]
        if previous_time is not None and time > previous_time + 1e-3:
            for column, share in _build_onset_gap_features(item.event.kind, time - previous_time):
                totals[column] += item.weight * share
        if previous_time is None or time > previous_time:
            previous_time = time
    return totals


@contextmanager
def reuse_layer_features() -> Iterator[None]:
    """Compute the features of an event and of a layer once, while programs share events.

    The events are compared by identity, so this helps only where readings share them, as
    `core.suggest` makes them.
    """
    token = _feature_cache.set(_FeatureCache())
    try:
        yield
    finally:
        _feature_cache.reset(token)


class _WeightedColumns(NamedTuple):
    """Features of an FX: columns, and the share of each."""

    columns: np.ndarray
    shares: np.ndarray


# Loops repeat the same events, and variants of a program share most of them.
@lru_cache(maxsize=EVENT_CACHE_SIZE)
def _compute_sound_features(kind: str, name: str, options: _Options, fx: _FxKey) -> _SoundFeatures:
    event = ScoreEvent(0.0, kind, name, _replace_infinite_options(options))
    merged_options = merge_default_event_options(event)
    seconds = estimate_event_seconds(event, merged_options)
    sound = _select_features_with_column(_list_sound_features(event, merged_options, seconds))
    parts = [sound, *(_compute_fx_features(name, *single_fx) for single_fx in fx)]
    return _SoundFeatures(
        np.concatenate([part.columns for part in parts]),
        np.concatenate([part.shares for part in parts]),
        _compute_event_weight(merged_options, seconds),
        seconds,
        event.options.get("amp", 1.0),
    )


@lru_cache(maxsize=EVENT_CACHE_SIZE)
def _compute_fx_features(event_name: str, fx_name: str, options: _Options) -> _WeightedColumns:
    return _select_features_with_column(_list_fx_features(event_name, fx_name, dict(options)))


def _select_features_with_column(features: list[tuple[str, float]]) -> _WeightedColumns:
    """Return the features that have a column."""
    columns, _ = build_feature_layout()
    chosen = [(columns[name], share) for name, share in features if name in columns]
    return _WeightedColumns(
        np.array([column for column, _ in chosen], dtype=np.intp),
        np.array([share for _, share in chosen], dtype=np.float64),
    )


@lru_cache(maxsize=EVENT_CACHE_SIZE)
def _build_onset_gap_features(kind: str, seconds: float) -> list[tuple[int, float]]:
    columns, _ = build_feature_layout()
    features = _build_soft_bin_features(
        f"gap {kind}", seconds, GAP_RANGE_SECONDS, DURATION_BIN_COUNT
    )
    return [(columns[name], share) for name, share in features]


def _compute_event_weight(options: dict[str, float], seconds: float) -> float:
    """Return an event's weight: its loudness and length, both compressed."""
    loudness = max(0.0, min(abs(options.get("amp", 1.0)), 8.0)) ** 0.7
    return loudness * min(seconds, 6.0) ** 0.4


def _list_sound_features(
    event: ScoreEvent, options: dict[str, float], seconds: float
) -> list[tuple[str, float]]:
    """Return the names of a sound's features without those of its FX, each with its share.

    Parameters
    ----------
    event : ScoreEvent
    options : dict of str to float
        With the defaults of the sound.
    seconds : float
        Length of the event.
    """
    kind, name = find_sound_sharing_feature_column(event.kind, event.name)
    features = [(f"{kind} {name}", 1.0)]
    if event.kind == "sample":
        prefix = name.split("_")[0]
        features.append((f"group {prefix if prefix in SAMPLE_GROUPS else 'unknown'}", 1.0))
    else:
        features += _list_features_of_one_pitch(options.get("note", DEFAULT_NOTE))
    features += _build_soft_bin_features(
        f"length {event.kind}", seconds, LENGTH_RANGE_SECONDS, DURATION_BIN_COUNT
    )
    for option, bin_range in OPTION_RANGES.items():
        value = options.get(option, 0.0 if option == "pan" else -1.0)
        # In Sonic Pi -1 means "as long as the sound lasts"; a negative value counts only where the
        # option's range includes it.
        if value >= 0 or (bin_range.low < 0 and option in options):
            features += _build_soft_bin_features(option, value, bin_range, OPTION_BIN_COUNT)
    features += _build_hashed_features(event.name, event.options, OPTION_RANGES)
    return features


def _list_fx_features(
    event_name: str, fx_name: str, fx_options: dict[str, float]
) -> list[tuple[str, float]]:
    """Return the features of an FX that an event passes through."""
    features = [(f"fx {fx_name}", 1.0)]
    options = {**load_sonic_pi_inventory()["fx"].get(fx_name, {}), **fx_options}
    for option, bin_range in FX_OPTION_RANGES.items():
        if option in options:
            features += _build_soft_bin_features(
                f"fx {option}", options[option], bin_range, OPTION_BIN_COUNT
            )
    features += _build_hashed_features(fx_name, fx_options, FX_OPTION_RANGES)
    features += _build_hashed_features(f"{fx_name}>{event_name}", {}, FX_OPTION_RANGES)
    return features


def _build_soft_bin_features(
    block: str, value: float, bin_range: BinRange, bin_count: int
) -> list[tuple[str, float]]:
    """Return the features of a value in a block of bins."""
    return [
        (f"{block} {number}", share)
        for number, share in assign_soft_bins(value, bin_range, bin_count)
    ]


def _list_features_of_one_pitch(note: float) -> list[tuple[str, float]]:
    """Return the pitch class and the soft bins of a MIDI note."""
    note = min(max(note, 0.0), 140.0)
    return [
        (f"class {round(note) % 12}", 1.0),
        *_build_soft_bin_features("note", note, MIDI_NOTE_RANGE, PITCH_BIN_COUNT),
    ]


def _build_hashed_features(
    name: str, options: dict[str, float], option_ranges: dict[str, BinRange]
) -> list[tuple[str, float]]:
    """Return the hashed features of a name and of its combinations with the bins of options."""
    features = [(_hash_feature_to_column(name), 1.0)]
    for option, value in options.items():
        if option in option_ranges:
            bins = assign_soft_bins(value, option_ranges[option], HASHED_OPTION_BIN_COUNT)
            features += [
                (_hash_feature_to_column(f"{name}.{option}.{number}"), share)
                for number, share in bins
            ]
    return features


def _hash_feature_to_column(feature: str) -> str:
    """Return the hashed column of a feature."""
    return f"hashed {zlib.crc32(feature.encode()) % HASHED_FEATURE_COUNT}"


def _compute_density_and_loudness_features(events: list[_EventFeatures]) -> np.ndarray:
    """Return events per second, concurrent events and loudness over time, [32]."""
    event_rate, concurrency = np.zeros(DENSITY_BIN_COUNT), np.zeros(DENSITY_BIN_COUNT)
    loudness: np.ndarray = np.zeros(LOUDNESS_STEPS)
    events_per_second = sum([item.event.weight for item in events]) / MAX_SCORE_SECONDS
    for number, share in assign_soft_bins(
        events_per_second, EVENTS_PER_SECOND_RANGE, DENSITY_BIN_COUNT
    ):
        event_rate[number] = share
    concurrent_events = sum([item.sounding_seconds for item in events]) / MAX_SCORE_SECONDS
    for number, share in assign_soft_bins(
        concurrent_events, CONCURRENT_EVENTS_RANGE, DENSITY_BIN_COUNT
    ):
        concurrency[number] = share
    if events:
        loudness = np.bincount(
            [item.loudness_step for item in events],
            [item.loudness for item in events],
            minlength=LOUDNESS_STEPS,
        )
    loudness = np.abs(loudness)
    return np.concatenate([event_rate, concurrency, np.sqrt(loudness / (loudness.sum() or 1))])
