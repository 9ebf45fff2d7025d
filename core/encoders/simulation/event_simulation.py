"""Simulation of one event: its power per frame and band, from the profile of its sound."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np

from core.encoders.newer_sound_feature_columns import find_sound_sharing_feature_column
from core.encoders.score_event_lengths import merge_default_event_options
from core.encoders.simulation.envelope_levels import (
    FRAMES_BEFORE_ONSET,
    MAX_EVENT_FRAMES,
    compute_envelope_levels,
)
from core.encoders.simulation.modulation_wave import compute_pitch_shares
from core.encoders.simulation.sound_profile_table import (
    PROFILE_CUTOFFS,
    PROFILE_FRAMES,
    PROFILE_NOTES,
    SoundProfile,
    load_profile_table,
)
from core.encoders.simulation.third_octave_bands import (
    BAND_CENTRE_NOTES,
    BAND_COUNT,
    FRAME_SECONDS,
    SEMITONES_PER_BAND,
)
from core.sonicpi.score_events import ScoreEvent
from core.sonicpi.sonic_pi_inventory import get_builtin_sample_duration

DEFAULT_NOTE, DEFAULT_CUTOFF = 52.0, 100.0
FALLBACK_SYNTH, FALLBACK_SAMPLE = "beep", "misc_burp"
FILTER_DB_PER_OCTAVE = 12.0
SEMITONES_PER_OCTAVE = 12.0
MAX_AMPLITUDE = 50.0
MIN_RATE = 0.02
PITCH_SHIFT_LOSS_DB = -5.0  # of the grains by which `pitch:` moves a sample, measured for drums
MAX_CUTOFF = 140.0  # MIDI
# Synths that move between two pitches sound like these at each of them.
SYNTH_BY_MODULATED_SYNTH = {
    f"mod_{name}": name for name in ("saw", "dsaw", "fm", "beep", "sine", "tri", "pulse")
}
DB_TO_LOG2 = np.float32(math.log2(10) / 10)
AMPLITUDE_AND_PAN_OPTIONS = ("amp", "pre_amp", "pan")
SOUND_CACHE_SIZE = 512  # of at most 80 kB each


@dataclass(frozen=True, eq=False)
class SimulatedEvent:
    """Sound of an event, from `FRAMES_BEFORE_ONSET` frames before its start.

    Attributes
    ----------
    power : float32 [frames, bands + 1]
        Power per band; the last column is the highest squared sample.
    widths, floors : float32 [bands]
        As in `SoundProfile`, but no logarithms.
    side_share : float
    band_energies : float32 [bands]
        Power summed over the frames.
    """

    power: np.ndarray
    widths: np.ndarray
    floors: np.ndarray
    side_share: float
    band_energies: np.ndarray


def simulate_event(event: ScoreEvent) -> SimulatedEvent:
    """Return the sound of an event without its FX.

    Parameters
    ----------
    event : ScoreEvent
        Its options are finite.
    """
    options = tuple(
        [item for item in event.options.items() if item[0] not in AMPLITUDE_AND_PAN_OPTIONS]
    )
    sound = _simulate_sound_at_unit_amplitude(event.kind, event.name, options)
    levels = merge_default_event_options(event)
    amplitude = min(abs(levels.get("amp", 1.0) * levels.get("pre_amp", 1.0)), MAX_AMPLITUDE)
    power = sound.power * np.float32(amplitude**2)
    return SimulatedEvent(
        power,
        sound.widths,
        sound.floors,
        compute_side_share_after_panning(sound.side_share, levels.get("pan", 0.0)),
        power[:, :BAND_COUNT].sum(axis=0),
    )


@dataclass(frozen=True, eq=False)
class _UnitSound:
    """A sound at the amplitude 1 in the middle; its fields are those of `SimulatedEvent`."""

    power: np.ndarray
    widths: np.ndarray
    floors: np.ndarray
    side_share: float


# Programs often draw the amplitude of the same sound at random.
@lru_cache(maxsize=SOUND_CACHE_SIZE)
def _simulate_sound_at_unit_amplitude(
    kind: str, name: str, event_options: tuple[tuple[str, float], ...]
) -> _UnitSound:
    event = ScoreEvent(0.0, kind, name, dict(event_options))
    options = merge_default_event_options(event)
    profile = find_sound_profile(kind, name)
    if kind == "sample":
        levels, peaks = _simulate_sample_levels(profile, event, options)
        widths, floors = profile.widths, profile.floors
    else:
        levels, peaks, note_row = _simulate_synth_levels(name, profile, options)
        widths, floors = profile.widths[note_row], profile.floors[note_row]
    power = np.empty((len(levels), BAND_COUNT + 1), np.float32)
    power[:, :BAND_COUNT] = convert_db_to_power(levels)
    power[:, BAND_COUNT] = convert_db_to_power(peaks)
    return _UnitSound(
        power, convert_db_to_power(widths), convert_db_to_power(floors), profile.side_share
    )


def find_sound_profile(kind: str, name: str) -> SoundProfile:
    """Return the profile of a sound; that of a related one where it is not in the table."""
    table = load_profile_table()
    profiles = table.samples if kind == "sample" else table.synths
    if name in profiles:
        return profiles[name]
    kind_of_relative, relative = find_sound_sharing_feature_column(kind, name)
    if kind_of_relative == kind and relative in profiles:
        return profiles[relative]
    return profiles[FALLBACK_SAMPLE if kind == "sample" else FALLBACK_SYNTH]


def compute_side_share_after_panning(side_share: float, pan: float) -> float:
    """Return the share of the side signal of a sound after panning by equal power."""
    angle = (min(max(pan, -1.0), 1.0) + 1) * math.pi / 4
    panned = (1 - math.sin(2 * angle)) / 2
    return side_share + panned - 2 * side_share * panned


def convert_db_to_power(levels: np.ndarray) -> np.ndarray:
    """Return levels in dB as powers, of the same shape."""
    power: np.ndarray = np.exp(levels * np.float32(math.log(10) / 10))
    return power


def _simulate_synth_levels(
    name: str, profile: SoundProfile, options: dict[str, float]
) -> tuple[np.ndarray, np.ndarray, int]:
    """Return levels [frames, bands] and peaks [frames] in dB, and the row of the nearest note."""
    note = _clamp_note(options.get("note", DEFAULT_NOTE))
    row = int(np.abs(PROFILE_NOTES - note).argmin())
    envelope = compute_envelope_levels(options, profile.envelope_exponent)
    span = options.get("mod_range", 0.0)
    if name in SYNTH_BY_MODULATED_SYNTH:
        carrier = load_profile_table().synths[SYNTH_BY_MODULATED_SYNTH[name]]
        levels = np.full((len(envelope), BAND_COUNT), -np.inf, np.float32)
        for part, shares in compute_pitch_shares(options, len(envelope)):
            pitch = {**options, "note": note + part * span}
            part_levels, peaks = _compute_note_levels(carrier, pitch, len(envelope))
            part_levels += 10 * np.log10(np.maximum(shares, 1e-9))[:, None].astype(np.float32)
            levels = np.logaddexp2(levels * DB_TO_LOG2, part_levels * DB_TO_LOG2) / DB_TO_LOG2
        change = _sum_levels(profile.levels[row]).mean() - _sum_levels(carrier.levels[row]).mean()
        levels, peaks = levels + change, peaks + change
    else:
        levels, peaks = _compute_note_levels(profile, options, len(envelope))
    return levels + envelope[:, None], peaks + envelope, row


def _clamp_note(note: float) -> float:
    return min(max(note, 0.0), 130.0)


def _sum_levels(levels: np.ndarray) -> np.ndarray:
    """Return the level of the sum over the bands [..., bands] in dB."""
    total: np.ndarray = 10 * np.log10(convert_db_to_power(levels).sum(axis=-1))
    return total


def _compute_note_levels(
    profile: SoundProfile, options: dict[str, float], frame_count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return levels [frames, bands] without the envelope, and the peak, in dB."""
    note = _clamp_note(options.get("note", DEFAULT_NOTE))
    row = int(np.abs(PROFILE_NOTES - note).argmin())
    anchors, peaks = _interpolate_levels_at_cutoff(
        profile, row, options.get("cutoff", DEFAULT_CUTOFF)
    )
    shift = (note - PROFILE_NOTES[row]) / SEMITONES_PER_BAND
    anchors = shift_levels_by_bands(anchors, shift)
    for option, effect in profile.option_effects.items():
        if option in options:
            gains = effect.interpolate_level_change(options[option])
            anchors = anchors + gains
            peaks = peaks + gains[int(anchors[1].argmax())]
    # The peak follows the level of the loudest band.
    return _interpolate_levels_over_time(anchors, frame_count), peaks


def _interpolate_levels_at_cutoff(
    profile: SoundProfile, row: int, cutoff: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return levels [times, bands] and the peak at a note's row, between measured cutoffs."""
    position = np.interp(cutoff, PROFILE_CUTOFFS, np.arange(len(PROFILE_CUTOFFS)))
    low = min(int(position), len(PROFILE_CUTOFFS) - 2)
    share = np.float32(position - low)
    levels = (1 - share) * profile.levels[row, low] + share * profile.levels[row, low + 1]
    peaks = (1 - share) * profile.peaks[row, low] + share * profile.peaks[row, low + 1]
    below = PROFILE_CUTOFFS[0] - _clamp_filter_cutoff(cutoff)
    if below > 0:  # a filter with a lower corner than any measured one
        extra = compute_low_pass_response_db(cutoff) - compute_low_pass_response_db(
            PROFILE_CUTOFFS[0]
        )
        levels = levels + extra
        peaks = peaks - np.float32(min(below, 60) * 0.5)
    return levels, peaks


def compute_low_pass_response_db(cutoff: float) -> np.ndarray:
    """Return the response of a second-order low-pass filter per band in dB: float32 [bands]."""
    octaves = (BAND_CENTRE_NOTES - _clamp_filter_cutoff(cutoff)) / SEMITONES_PER_OCTAVE
    response: np.ndarray = -10 * np.log10(1 + 2 ** (octaves * FILTER_DB_PER_OCTAVE / 3.01))
    return response.astype(np.float32)


def compute_high_pass_response_db(cutoff: float) -> np.ndarray:
    """Return the response of a high-pass filter per band in dB: float32 [bands]."""
    octaves = (_clamp_filter_cutoff(cutoff) - BAND_CENTRE_NOTES) / SEMITONES_PER_OCTAVE
    response: np.ndarray = -10 * np.log10(1 + 2 ** (octaves * FILTER_DB_PER_OCTAVE / 3.01))
    return response.astype(np.float32)


def _clamp_filter_cutoff(cutoff: float) -> float:
    return min(max(cutoff, 0.0), MAX_CUTOFF)


def shift_levels_by_bands(levels: np.ndarray, shift: float) -> np.ndarray:
    """Move levels [..., bands] in dB up by a number of bands; a band's power is split in two."""
    if abs(shift) < 0.02:
        return levels
    whole = math.floor(shift)
    share = np.float32(shift - whole)
    power = convert_db_to_power(levels)
    moved = (1 - share) * _shift_power_by_whole_bands(
        power, whole
    ) + share * _shift_power_by_whole_bands(power, whole + 1)
    shifted: np.ndarray = np.float32(10) * np.log10(np.maximum(moved, np.float32(1e-12)))
    return shifted


def _shift_power_by_whole_bands(power: np.ndarray, count: int) -> np.ndarray:
    """Move power [..., bands] up by whole bands; what is new is silent."""
    moved = np.zeros_like(power)
    count = min(max(count, -BAND_COUNT), BAND_COUNT)
    if count >= 0:
        moved[..., count:] = power[..., : BAND_COUNT - count]
    else:
        moved[..., :count] = power[..., -count:]
    return moved


@cache
def _build_time_weights() -> np.ndarray:
    """Return the share of each measured time in each frame, float32 [frames, times]."""
    frames = np.arange(MAX_EVENT_FRAMES) - FRAMES_BEFORE_ONSET
    logs = np.log(np.maximum(frames, 1))
    anchors = np.log(PROFILE_FRAMES)
    weights = np.stack([np.interp(logs, anchors, row) for row in np.eye(len(anchors))], axis=1)
    return weights.astype(np.float32)


def _interpolate_levels_over_time(anchors: np.ndarray, frame_count: int) -> np.ndarray:
    """Return levels [frames, bands] of anchors [times, bands]; a decay goes on after the last."""
    levels: np.ndarray = _build_time_weights()[:frame_count] @ anchors
    late = frame_count - FRAMES_BEFORE_ONSET - PROFILE_FRAMES[-1]
    if late > 0:
        slope = (anchors[-1] - anchors[-2]) / (PROFILE_FRAMES[-1] - PROFILE_FRAMES[-2])
        slope = np.where(slope < -0.05, slope, 0).astype(np.float32)
        levels[-late:] += np.arange(1, late + 1, dtype=np.float32)[:, None] * slope
    return levels


def _simulate_sample_levels(
    profile: SoundProfile, event: ScoreEvent, options: dict[str, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Return levels [frames, bands] and peaks [frames] of a sample, in dB."""
    rate = options.get("rate", 1.0)
    speed = max(abs(rate), MIN_RATE)  # Sonic Pi makes `rpitch:` a part of the rate.
    start, finish = (
        min(max(options.get(name, default), 0.0), 1.0)
        for name, default in (("start", 0.0), ("finish", 1.0))
    )
    source_frames = get_builtin_sample_duration(event.name) / FRAME_SECONDS
    first, last = start * source_frames, finish * source_frames
    if rate < 0:
        first, last = last, first
    length = min(max(1, math.ceil(abs(last - first) / speed)), MAX_EVENT_FRAMES - 4)
    direction = 1.0 if last >= first else -1.0
    positions = first + direction * speed * (
        np.arange(length + 2 * FRAMES_BEFORE_ONSET) - FRAMES_BEFORE_ONSET
    )
    levels, peaks = _interpolate_profile_frames(profile, positions)
    semitones = math.log2(speed) * SEMITONES_PER_OCTAVE + options.get("pitch", 0.0)
    levels = shift_levels_by_bands(levels, semitones / SEMITONES_PER_BAND)
    envelope = _compute_sample_envelope(event, options, length * FRAME_SECONDS)
    count = min(len(envelope), len(levels))
    levels = levels[:count] + envelope[:count, None]
    if options.get("pitch", 0.0):
        levels = levels + np.float32(PITCH_SHIFT_LOSS_DB)
    levels = levels + _compute_sample_filter_response_db(options)
    return levels, peaks[:count] + envelope[:count]


def _interpolate_profile_frames(
    profile: SoundProfile, positions: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return levels [frames, bands] and peaks [frames] at positions between measured frames.

    At another rate, frames that repeat or are left out would sound like onsets.
    """
    inside = np.clip(positions, 0, len(profile.levels) - 1)
    low = np.minimum(inside.astype(int), max(len(profile.levels) - 2, 0))
    high = np.minimum(low + 1, len(profile.levels) - 1)
    shares = (inside - low).astype(np.float32)
    levels = profile.levels[low] + shares[:, None] * (profile.levels[high] - profile.levels[low])
    return levels, profile.peaks[low] + shares * (profile.peaks[high] - profile.peaks[low])


def _compute_sample_envelope(
    event: ScoreEvent, options: dict[str, float], seconds: float
) -> np.ndarray:
    """Return the envelope of a sample; by default it lasts as long as the sample."""
    attack, decay = (max(options.get(stage, 0.0), 0.0) for stage in ("attack", "decay"))
    release = max(options.get("release", 0.0), 0.0)
    sustain = event.options.get("sustain", -1.0)
    if sustain < 0:
        sustain = max(0.0, seconds - attack - decay - release)
    stages = {"attack": attack, "decay": decay, "sustain": sustain, "release": release}
    return compute_envelope_levels({**options, **stages}, 1.0)


def _compute_sample_filter_response_db(options: dict[str, float]) -> np.ndarray:
    """Return the response of a sample's own filters per band in dB: float32 [bands]."""
    levels = np.zeros(BAND_COUNT, np.float32)
    for name in ("lpf", "cutoff"):
        if options.get(name, -1.0) > 0:
            levels = levels + compute_low_pass_response_db(options[name])
    if options.get("hpf", -1.0) > 0:
        levels = levels + compute_high_pass_response_db(options["hpf"])
    return levels
