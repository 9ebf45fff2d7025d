"""Scales, chords, Euclidean rhythms, ranges and lines as rings."""

from __future__ import annotations

from typing import Any

from core.sonicpi.interpreter.newer_scales_and_chords import (
    load_newer_chord_offsets,
    load_newer_scale_steps,
)
from core.sonicpi.interpreter.values import (
    MAX_LIST_LENGTH,
    Ring,
    to_midi_note,
    to_number_or_default,
)
from core.sonicpi.sonic_pi_inventory import load_sonic_pi_inventory

DEGREE_BY_NUMERAL = {"i": 1, "ii": 2, "iii": 3, "iv": 4, "v": 5, "vi": 6, "vii": 7, "viii": 8}
MAJOR_TRIAD_OFFSETS = [0, 4, 7]
DEFAULT_TONIC = 60.0
MAX_OCTAVES = 8
MAX_INVERSION = 24


def build_scale_notes(tonic: Any, scale_name: Any, octaves: int = 1) -> Ring:
    """Return the MIDI notes of a scale, from the tonic to the tonic one or more octaves higher."""
    start = to_midi_note(tonic)
    scales = load_sonic_pi_inventory()["scales"]
    steps = scales.get(str(scale_name)) or load_newer_scale_steps().get(str(scale_name))
    if start is None or steps is None:
        return Ring([start or DEFAULT_TONIC])
    notes = [start]
    for step in steps * max(1, min(int(octaves), MAX_OCTAVES)):
        notes.append(notes[-1] + step)
    return Ring(notes)


def build_chord_notes(tonic: Any, chord_name: Any, octaves: int = 1, inversion: int = 0) -> Ring:
    """Return the MIDI notes of a chord; of an unknown chord, the major triad."""
    if isinstance(tonic, list):
        return Ring(tonic)
    start = to_midi_note(tonic)
    chords = load_sonic_pi_inventory()["chords"]
    offsets = chords.get(str(chord_name)) or load_newer_chord_offsets().get(str(chord_name))
    if start is None:
        return Ring([])
    notes = [
        start + 12 * octave + offset
        for octave in range(max(1, min(int(octaves), MAX_OCTAVES)))
        for offset in (offsets or MAJOR_TRIAD_OFFSETS)
    ]
    return invert_chord(notes, inversion)


def invert_chord(notes: list[Any], inversion: int) -> Ring:
    """Return a chord whose lowest notes are raised an octave; a negative inversion lowers notes."""
    inverted = list(notes)
    for _ in range(min(abs(int(inversion)), MAX_INVERSION)):
        if not inverted:
            break
        if inversion > 0:
            inverted = inverted[1:] + [inverted[0] + 12]
        else:
            inverted = [inverted[-1] - 12] + inverted[:-1]
    return Ring(inverted)


def get_scale_degree_note(degree: Any, tonic: Any, scale_name: Any) -> float:
    """Return the MIDI note of a degree of a scale, such as 4 or :iv."""
    if isinstance(degree, str):
        number = DEGREE_BY_NUMERAL.get(str(degree).lower(), None)
    else:
        number = int(to_number_or_default(degree, 1))
    notes = build_scale_notes(tonic, scale_name)
    index = (number or 1) - 1
    notes_per_octave = max(1, len(notes) - 1)
    return notes[index % notes_per_octave] + 12 * (index // notes_per_octave)


def build_euclidean_rhythm(pulses: int, steps: int, rotate: int = 0) -> Ring:
    """Return a Euclidean rhythm: pulses distributed as evenly as possible over steps (Bjorklund).

    Parameters
    ----------
    pulses, steps : int
        Number of hits, and length of the ring.
    rotate : int
        Index of the hit that becomes the first step.
    """
    steps = max(1, min(int(steps), MAX_LIST_LENGTH))
    pulses = max(0, min(int(pulses), steps))
    if pulses in (0, steps):
        return Ring([pulses > 0] * steps)
    groups, rest = [[True]] * pulses, [[False]] * (steps - pulses)
    while True:
        pairs = [group + other for group, other in zip(groups, rest)]
        rest = groups[len(pairs) :] or rest[len(pairs) :]
        groups = pairs[::-1]  # Sonic Pi puts each new pair first.
        if len(rest) <= 1:
            break
    hits = [is_hit for group in groups + rest for is_hit in group]
    hit_steps = [step for step, is_hit in enumerate(hits) if is_hit]
    if rotate and hit_steps:
        start = hit_steps[abs(int(rotate)) % len(hit_steps)]
        hits = hits[start:] + hits[:start]
    return Ring(hits)


def build_number_range(first: float, last: float, step: float, inclusive: bool = False) -> Ring:
    """Return numbers from `first` to `last` in steps, up or down."""
    step = abs(step) or 1
    count = int(min(abs(last - first) / step + 1e-9, MAX_LIST_LENGTH))
    sign = 1 if last >= first else -1
    numbers = [first + sign * step * index for index in range(count + 1)]
    if not inclusive and numbers and abs(numbers[-1] - last) < 1e-9:
        numbers.pop()
    return Ring(numbers[:MAX_LIST_LENGTH])


def build_evenly_spaced_numbers(
    first: float, last: float, steps: int = 4, inclusive: bool = False
) -> Ring:
    """Return `steps` evenly spaced numbers from `first` to `last`."""
    steps = max(1, min(int(steps), MAX_LIST_LENGTH))
    gap = (last - first) / ((steps - 1 or 1) if inclusive else steps)
    return Ring(first + gap * index for index in range(steps))
