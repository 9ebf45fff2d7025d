"""Columns of single sounds, FX and gaps in the vector of score features, each with its share."""

from __future__ import annotations

import math
import zlib
from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np

from core.encoders.newer_sound_feature_columns import find_sound_sharing_feature_column
from core.encoders.score_event_lengths import estimate_event_seconds, merge_default_event_options
from core.encoders.score_feature_layout import (
    DEFAULT_NOTE,
    DURATION_BIN_COUNT,
    FX_OPTION_RANGES,
    GAP_RANGE_SECONDS,
    HASHED_FEATURE_COUNT,
    HASHED_OPTION_BIN_COUNT,
    LENGTH_RANGE_SECONDS,
    MIDI_NOTE_RANGE,
    OPTION_BIN_COUNT,
    OPTION_RANGES,
    PITCH_BIN_COUNT,
    SAMPLE_GROUPS,
    BinRange,
    assign_soft_bins,
    build_feature_layout,
)
from core.sonicpi.score_events import ScoreEvent
from core.sonicpi.sonic_pi_inventory import get_default_synth_options, load_sonic_pi_inventory

MAX_OPTION_VALUE = 1e6  # stands for infinity
CACHE_SIZE = 20_000

SoundOptionItems = tuple[tuple[str, float], ...]
ColumnsAndShares = tuple[tuple[int, ...], tuple[float, ...]]


class WeightedColumns(NamedTuple):
    """Columns of the vector, int [n], and the share of each, float64 [n]."""

    columns: np.ndarray
    shares: np.ndarray


class SoundFeatures(NamedTuple):
    """Features of a sound without its FX: columns, shares, weight, length and level."""

    columns: np.ndarray
    shares: np.ndarray
    weight: float
    seconds: float
    amp: float


class _ColumnList:
    """Columns that are collected one after the other."""

    def __init__(self) -> None:
        self.columns: list[int] = []
        self.shares: list[float] = []

    def add_column(self, column: int, share: float = 1.0) -> None:
        self.columns.append(column)
        self.shares.append(share)

    def add_named_column(self, feature: str) -> None:
        """Add a column that a sound or FX of another version of Sonic Pi may not have."""
        column = build_feature_layout()[0].get(feature)
        if column is not None:
            self.add_column(column)

    def add_bins(self, bins: ColumnsAndShares) -> None:
        self.columns += bins[0]
        self.shares += bins[1]

    def to_arrays(self) -> WeightedColumns:
        return WeightedColumns(
            np.array(self.columns, dtype=np.intp), np.array(self.shares, dtype=np.float64)
        )


# Loops repeat the same sounds, and variants of a program share most of them.
@lru_cache(maxsize=CACHE_SIZE)
def compute_sound_features(kind: str, name: str, options: SoundOptionItems) -> SoundFeatures:
    """Return the features of a sound without its FX.

    Parameters
    ----------
    kind : {"synth", "sample"}
    name : str
    options : tuple of (str, float)
        Those that the program sets, in their order.
    """
    event = ScoreEvent(0.0, kind, name, _replace_infinite_options(options))
    merged_options = merge_default_event_options(event)
    seconds = estimate_event_seconds(event, merged_options)
    columns, shares = _list_sound_columns(event, seconds).to_arrays()
    weight = _compute_event_weight(merged_options, seconds)
    return SoundFeatures(columns, shares, weight, seconds, event.options.get("amp", 1.0))


@lru_cache(maxsize=CACHE_SIZE)
def compute_fx_features(
    event_name: str, fx_name: str, options: SoundOptionItems
) -> WeightedColumns:
    """Return the features of an FX that an event of a name passes through."""
    fx_options = dict(options)
    listed = _ColumnList()
    listed.add_named_column(f"fx {fx_name}")
    merged = {**load_sonic_pi_inventory()["fx"].get(fx_name, {}), **fx_options}
    for option in FX_OPTION_RANGES:
        if option in merged:
            listed.add_bins(_assign_fx_option_bins(option, merged[option]))
    listed.add_column(_hash_feature_to_column(fx_name))
    for option, value in fx_options.items():
        if option in FX_OPTION_RANGES:
            bin_range = FX_OPTION_RANGES[option]
            _add_hashed_option_columns(listed, fx_name, option, value, bin_range)
    listed.add_column(_hash_feature_to_column(f"{fx_name}>{event_name}"))
    return listed.to_arrays()


@lru_cache(maxsize=CACHE_SIZE)
def assign_onset_gap_bins(kind: str, seconds: float) -> ColumnsAndShares:
    """Return the two columns of the time between two events of a layer, and their shares."""
    return _assign_bins(f"gap {kind}", seconds, GAP_RANGE_SECONDS, DURATION_BIN_COUNT)


def _replace_infinite_options(options: SoundOptionItems) -> dict[str, float]:
    """Return finite options: a program may hold a note for ever."""
    return {
        name: value if math.isfinite(value) else math.copysign(MAX_OPTION_VALUE, value)
        for name, value in options
    }


def _compute_event_weight(options: dict[str, float], seconds: float) -> float:
    """Return an event's weight: its loudness and length, both compressed."""
    loudness = max(0.0, min(abs(options.get("amp", 1.0)), 8.0)) ** 0.7
    return loudness * min(seconds, 6.0) ** 0.4


def _list_sound_columns(event: ScoreEvent, seconds: float) -> _ColumnList:
    """Return the columns of a sound of some seconds without those of its FX."""
    listed = _ColumnList()
    listed.add_bins(_list_default_sound_columns(event.kind, event.name, tuple(event.options)))
    if event.kind != "sample":
        note = event.options.get("note")
        if note is None:
            note = get_default_synth_options(event.name).get("note", DEFAULT_NOTE)
        note = min(max(note, 0.0), 140.0)
        listed.add_column(_get_first_column_of_block("class") + round(note) % 12)
        listed.add_bins(_assign_bins("note", note, MIDI_NOTE_RANGE, PITCH_BIN_COUNT))
    listed.add_bins(_assign_length_bins(event.kind, seconds))
    for option, value in event.options.items():
        if option in OPTION_RANGES:
            if _has_option_bins(option, value):
                listed.add_bins(_assign_option_bins(option, value))
            _add_hashed_option_columns(listed, event.name, option, value, OPTION_RANGES[option])
    return listed


@lru_cache(maxsize=CACHE_SIZE)
def _list_default_sound_columns(
    kind: str, name: str, set_options: tuple[str, ...]
) -> ColumnsAndShares:
    """Return the columns of a sound's name, and of its options but for those that are set."""
    column_kind, column_name = find_sound_sharing_feature_column(kind, name)
    listed = _ColumnList()
    listed.add_named_column(f"{column_kind} {column_name}")
    if kind == "sample":
        prefix = column_name.split("_")[0]
        listed.add_named_column(f"group {prefix if prefix in SAMPLE_GROUPS else 'unknown'}")
    defaults = merge_default_event_options(ScoreEvent(0.0, kind, name))
    if "pan" not in defaults:
        defaults = {**defaults, "pan": 0.0}
    for option in OPTION_RANGES:
        if option in defaults and option not in set_options:
            if _has_option_bins(option, defaults[option]):
                listed.add_bins(_assign_option_bins(option, defaults[option]))
    listed.add_column(_hash_feature_to_column(name))
    return tuple(listed.columns), tuple(listed.shares)


def _has_option_bins(option: str, value: float) -> bool:
    """Return whether a value counts.

    In Sonic Pi -1 means "as long as the sound lasts"; a negative value counts only where the
    option's range includes it.
    """
    return value >= 0 or OPTION_RANGES[option].low < 0


@lru_cache(maxsize=CACHE_SIZE)
def _assign_length_bins(kind: str, seconds: float) -> ColumnsAndShares:
    return _assign_bins(f"length {kind}", seconds, LENGTH_RANGE_SECONDS, DURATION_BIN_COUNT)


# Most options of a sound are its defaults.
@lru_cache(maxsize=CACHE_SIZE)
def _assign_option_bins(option: str, value: float) -> ColumnsAndShares:
    return _assign_bins(option, value, OPTION_RANGES[option], OPTION_BIN_COUNT)


@lru_cache(maxsize=CACHE_SIZE)
def _assign_fx_option_bins(option: str, value: float) -> ColumnsAndShares:
    return _assign_bins(f"fx {option}", value, FX_OPTION_RANGES[option], OPTION_BIN_COUNT)


def _assign_bins(block: str, value: float, bin_range: BinRange, bin_count: int) -> ColumnsAndShares:
    """Return the columns of a value in a block of bins, and the share of each."""
    (lower_bin, lower_share), (upper_bin, upper_share) = assign_soft_bins(
        value, bin_range, bin_count
    )
    first = _get_first_column_of_block(block)
    return (first + lower_bin, first + upper_bin), (lower_share, upper_share)


@cache
def _get_first_column_of_block(block: str) -> int:
    return build_feature_layout()[0][f"{block} 0"]


def _add_hashed_option_columns(
    listed: _ColumnList, name: str, option: str, value: float, bin_range: BinRange
) -> None:
    """Add the hashed columns of a name's combinations with the bins of an option."""
    for number, share in assign_soft_bins(value, bin_range, HASHED_OPTION_BIN_COUNT):
        listed.add_column(_hash_option_bin_to_column(name, option, number), share)


@lru_cache(maxsize=CACHE_SIZE)
def _hash_option_bin_to_column(name: str, option: str, number: int) -> int:
    return _hash_feature_to_column(f"{name}.{option}.{number}")


def _hash_feature_to_column(feature: str) -> int:
    """Return the hashed column of a feature."""
    return (
        _get_first_column_of_block("hashed") + zlib.crc32(feature.encode()) % HASHED_FEATURE_COUNT
    )
