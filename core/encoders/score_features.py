"""Features of synth events: a vector of fixed layout from synths, samples, FX, options and timing.

The vector has three parts. The first sums the features of all events, each weighted by its loudness
and length. The second holds the maximum of each feature over the layers, so that a quiet layer is
not drowned by a busy one. The third describes the program as a whole. `build_feature_layout`
of `core.encoders.score_feature_layout` lists the columns of the first two.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import NamedTuple

import numpy as np

from core.encoders.score_feature_layout import (
    CONCURRENT_EVENTS_RANGE,
    DENSITY_BIN_COUNT,
    EVENTS_PER_SECOND_RANGE,
    LOUDNESS_STEPS,
    MAX_EVENTS,
    MAX_LAYERS,
    assign_soft_bins,
    build_feature_layout,
)
from core.encoders.sound_feature_columns import (
    WeightedColumns,
    assign_onset_gap_bins,
    compute_fx_features,
    compute_sound_features,
)
from core.sonicpi.score_events import MAX_SCORE_SECONDS, FxChain, ScoreEvent
from core.sonicpi.sonic_pi_inventory import load_sonic_pi_inventory

MIN_GAP_SECONDS = 1e-3  # Nearer events begin at the same time.


class _LayerFeatures(NamedTuple):
    """What the features of a program need of one layer.

    Attributes
    ----------
    events : list of ScoreEvent
        By whose identity the features are found again: they are kept alive.
    first : tuple of (float, str)
        Time and name of the first event.
    totals : float64 [columns]
        Weighted sum of the features of the events.
    event_weight, sounding_seconds : float
        Number of events, and the sum of their lengths.
    loudness : float64 [LOUDNESS_STEPS]
        Summed amplitudes over time.
    """

    events: list[ScoreEvent]
    first: tuple[float, str]
    totals: np.ndarray
    event_weight: float
    sounding_seconds: float
    loudness: np.ndarray


class _FeatureCache:
    """Features of layers by the identity of their events, and of chains of FX by identity."""

    def __init__(self) -> None:
        self.features_by_layer: dict[tuple[int, ...], _LayerFeatures] = {}
        self.columns_by_fx_chain: dict[tuple[int, str], tuple[FxChain, list[WeightedColumns]]] = {}

    def compute_layer_features(self, events: list[ScoreEvent]) -> _LayerFeatures:
        """Return the features of the events of a layer, computed once."""
        key = tuple(map(id, events))
        features = self.features_by_layer.get(key)
        if features is None:
            features = self.features_by_layer[key] = _compute_features_of_layer(events, self)
        return features

    def list_fx_columns(self, fx: FxChain, event_name: str) -> list[WeightedColumns]:
        """Return the columns of each FX of a chain that an event of a name passes through."""
        key = id(fx), event_name
        entry = self.columns_by_fx_chain.get(key)
        if entry is None:
            columns = [
                compute_fx_features(event_name, name, tuple(options.items()))
                for name, options in fx
            ]
            entry = self.columns_by_fx_chain[key] = fx, columns
        return entry[1]


_feature_cache: ContextVar[_FeatureCache | None] = ContextVar("feature_cache", default=None)


@contextmanager
def reuse_layer_features() -> Iterator[None]:
    """Compute the features of a layer once, while programs share events.

    The events are compared by identity, so this helps only where readings share them, as
    `core.suggest` makes them.
    """
    token = _feature_cache.set(_FeatureCache())
    try:
        yield
    finally:
        _feature_cache.reset(token)


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
    layers = [cache.compute_layer_features(layer) for layer in _group_events_by_layer(events)]
    limited = _group_limited_events_by_layer(layers)
    described = layers if limited is None else map(cache.compute_layer_features, limited)
    total, maximum = np.zeros(column_count), np.zeros(column_count)
    for layer in sorted(described, key=lambda layer: layer.first):
        total += layer.totals
        np.maximum(maximum, layer.totals, out=maximum)
    # Dividing by the total weight of the events leaves their mean, and the square root raises rare
    # events compared with frequent ones.
    event_weight = total[: _get_sound_name_column_count()].sum() or 1
    vector = np.concatenate(
        [
            np.sqrt(total / event_weight),
            np.log1p(maximum) / 3,
            _compute_density_and_loudness_features(layers),
        ]
    )
    return vector.astype(np.float32)


def _group_events_by_layer(events: list[ScoreEvent]) -> list[list[ScoreEvent]]:
    """Return the events of each layer of a clip, in their order."""
    layers: dict[str, list[ScoreEvent]] = {}
    for event in events:
        if event.time < MAX_SCORE_SECONDS:
            layer = layers.get(event.layer)
            if layer is None:
                layer = layers[event.layer] = []
            layer.append(event)
    return list(layers.values())


def _group_limited_events_by_layer(
    layers: list[_LayerFeatures],
) -> list[list[ScoreEvent]] | None:
    """Return the first events in a limited number of layers; None where all are within limits."""
    event_count = sum([len(layer.events) for layer in layers])
    if event_count <= MAX_EVENTS and len(layers) < MAX_LAYERS:
        return None
    events = [event for layer in layers for event in layer.events]
    limited: dict[str, list[ScoreEvent]] = {}
    for event in sorted(events, key=_get_event_order)[:MAX_EVENTS]:
        name = event.layer if len(limited) < MAX_LAYERS else "rest"
        limited.setdefault(name, []).append(event)
    return list(limited.values())


def _get_event_order(event: ScoreEvent) -> tuple[float, str]:
    return event.time, event.name


@cache
def _get_sound_name_column_count() -> int:
    """Return the number of columns for names of synths and samples, which come first."""
    inventory = load_sonic_pi_inventory()
    return len(inventory["synths"]) + len(inventory["samples"])


def _compute_features_of_layer(
    events: list[ScoreEvent], feature_cache: _FeatureCache
) -> _LayerFeatures:
    """Return the features of a layer with at least one event.

    `np.bincount` adds in the order of its arguments, so that equal layers have equal sums.
    """
    _, column_count = build_feature_layout()
    ordered = sorted(events, key=_get_event_order)
    sounds = [
        compute_sound_features(event.kind, event.name, tuple(event.options.items()))
        for event in ordered
    ]
    weights = [event.weight for event in ordered]
    sound_weights = [weight * sound.weight for weight, sound in zip(weights, sounds)]
    parts: list[tuple[np.ndarray, np.ndarray]] = []
    part_weights: list[float] = []
    for event, sound, weight in zip(ordered, sounds, sound_weights):
        parts.append(sound[:2])
        part_weights.append(weight)
        if event.fx:
            fx_columns = feature_cache.list_fx_columns(event.fx, event.name)
            parts += fx_columns
            part_weights += [weight] * len(fx_columns)
    columns = np.concatenate([columns for columns, _ in parts])
    shares = np.concatenate([shares for _, shares in parts])
    shares *= np.repeat(part_weights, [len(columns) for columns, _ in parts])
    totals = np.bincount(columns, shares, minlength=column_count)
    times = np.array([event.time for event in ordered])
    steps = np.maximum((times / MAX_SCORE_SECONDS * LOUDNESS_STEPS).astype(np.intp), 0)
    amplitudes = [weight * sound.amp for weight, sound in zip(weights, sounds)]
    return _LayerFeatures(
        events,
        _get_event_order(ordered[0]),
        totals + _sum_onset_gap_features(ordered, sound_weights, column_count),
        sum(weights),
        sum([sound.seconds * weight for sound, weight in zip(sounds, weights)]),
        np.bincount(steps, amplitudes, minlength=LOUDNESS_STEPS),
    )


def _sum_onset_gap_features(
    ordered: list[ScoreEvent], sound_weights: list[float], column_count: int
) -> np.ndarray:
    """Return the weighted sum of the features of the times between events."""
    columns: list[int] = []
    gap_weights: list[float] = []
    previous_time = ordered[0].time
    for event, weight in zip(ordered, sound_weights):
        time = event.time
        if time > previous_time + MIN_GAP_SECONDS:
            gap_columns, shares = assign_onset_gap_bins(event.kind, time - previous_time)
            columns += gap_columns
            gap_weights += (weight * shares[0], weight * shares[1])
        previous_time = time
    return np.bincount(np.array(columns, np.intp), gap_weights, minlength=column_count)


def _compute_density_and_loudness_features(layers: list[_LayerFeatures]) -> np.ndarray:
    """Return events per second, concurrent events and loudness over time, [32]."""
    event_rate, concurrency = np.zeros(DENSITY_BIN_COUNT), np.zeros(DENSITY_BIN_COUNT)
    events_per_second = sum([layer.event_weight for layer in layers]) / MAX_SCORE_SECONDS
    for number, share in assign_soft_bins(
        events_per_second, EVENTS_PER_SECOND_RANGE, DENSITY_BIN_COUNT
    ):
        event_rate[number] = share
    concurrent_events = sum([layer.sounding_seconds for layer in layers]) / MAX_SCORE_SECONDS
    for number, share in assign_soft_bins(
        concurrent_events, CONCURRENT_EVENTS_RANGE, DENSITY_BIN_COUNT
    ):
        concurrency[number] = share
    loudness: np.ndarray = np.zeros(LOUDNESS_STEPS)
    for layer in layers:
        loudness += layer.loudness
    loudness = np.abs(loudness)
    return np.concatenate([event_rate, concurrency, np.sqrt(loudness / (loudness.sum() or 1))])
