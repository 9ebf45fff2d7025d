"""Simulation of a program: the sum of its events, each through its FX."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np

from core.encoders.simulation.control_simulation import (
    apply_controlled_fx,
    simulate_controlled_event,
)
from core.encoders.simulation.dry_and_wet_sound_mixing import MixedSound
from core.encoders.simulation.event_simulation import (
    FRAMES_BEFORE_ONSET,
    SimulatedEvent,
    simulate_event,
)
from core.encoders.simulation.fx_simulation import apply_fx
from core.encoders.simulation.main_mixer_simulation import apply_main_mixer
from core.encoders.simulation.third_octave_bands import BAND_COUNT, FRAME_SECONDS
from core.sonicpi.score_events import MAX_SCORE_SECONDS, FxChain, ScoreEvent
from core.sonicpi.sound_options_and_control_changes import (
    OptionChange,
    get_end_seconds,
    is_changed_over_time,
    list_control_changes_of_sound,
)

MAX_SIMULATED_EVENTS = 2000
MAX_SIMULATED_SOUNDS = 100
"""Of further sounds, the last one of the same synth or sample stands in: a limit on the time."""
MAX_FX_CHAINS = 16
"""Events of further chains join the last chain of FX of the same names."""
MAX_OPTION_VALUE = 1e4
MAX_CACHE_BYTES = 100_000_000


class _SimulationCache:
    """Sounds of events by their options, and of groups of events by identity."""

    def __init__(self) -> None:
        self.sound_by_event: dict[tuple[object, ...], SimulatedEvent] = {}
        self.sound_by_group: dict[tuple[object, ...], tuple[list[ScoreEvent], MixedSound]] = {}
        self.byte_count = 0

    def has_room_for_more_sounds(self) -> bool:
        """Return whether more sounds are stored."""
        return self.byte_count < MAX_CACHE_BYTES


_simulation_cache: ContextVar[_SimulationCache | None] = ContextVar(
    "simulation_cache", default=None
)


@contextmanager
def reuse_simulated_sounds() -> Iterator[None]:
    """Simulate an event, and a group of events with the same FX, once.

    Groups are compared by the identity of their events, which variants of a program share as
    `core.suggest` reads them.
    """
    token = _simulation_cache.set(_SimulationCache())
    try:
        yield
    finally:
        _simulation_cache.reset(token)


def simulate_program(
    events: list[ScoreEvent],
    seconds: float = MAX_SCORE_SECONDS,
    mixer_changes: Sequence[OptionChange] = (),
) -> MixedSound:
    """Return the simulated sound of a program's events.

    Parameters
    ----------
    events : list of ScoreEvent
    seconds : float
        Length of the clip, which begins at time 0 of the events.
    mixer_changes : sequence of OptionChange
        Of the main mixer, by time.

    Returns
    -------
    MixedSound
        Its power is silent where nothing sounds. No events give silence.
    """
    frame_count = int(seconds / FRAME_SECONDS) + 1
    audible = sorted((event for event in events if event.weight > 0), key=lambda event: event.time)
    audible = audible[:MAX_SIMULATED_EVENTS]
    if not audible:
        return _make_silent_sound(frame_count)
    start = min(audible[0].time, 0.0)
    events_by_chain = _group_events_by_fx_chain(audible)
    groups = []
    for chain_events in events_by_chain.values():
        groups.append(_simulate_group_through_fx(chain_events, start, frame_count))
    return apply_main_mixer(_mix_simulated_sounds(groups), mixer_changes, start)


def _simulate_group_through_fx(
    events: list[ScoreEvent], start: float, frame_count: int
) -> MixedSound:
    """Return the sum of events that share their FX, after the FX."""
    cache = _simulation_cache.get()
    key = (start, frame_count, *map(id, events))
    if cache is not None and key in cache.sound_by_group:
        return cache.sound_by_group[key][1]
    group = _simulate_and_mix_events(events, start, frame_count)
    for name, options in events[0].fx:
        finite = _replace_infinite_event_options(options)
        if is_changed_over_time(finite):
            group = apply_controlled_fx(group, name, finite, start)
        else:
            group = apply_fx(group, name, finite)
    if cache is not None and cache.has_room_for_more_sounds():
        cache.sound_by_group[key] = events, group
        cache.byte_count += group.power.nbytes
    return group


def _simulate_event_once(event: ScoreEvent, key: tuple[object, ...]) -> SimulatedEvent:
    cache = _simulation_cache.get()
    if cache is not None and key in cache.sound_by_event:
        return cache.sound_by_event[key]
    finite = ScoreEvent(
        event.time,
        event.kind,
        event.name,
        _replace_infinite_event_options(event.options),
        event.fx,
        event.layer,
        event.weight,
    )
    is_controlled = is_changed_over_time(finite.options)
    sound = simulate_controlled_event(finite) if is_controlled else simulate_event(finite)
    if cache is not None and cache.has_room_for_more_sounds():
        cache.sound_by_event[key] = sound
        cache.byte_count += sound.power.nbytes
    return sound


def _make_sound_key(event: ScoreEvent) -> tuple[object, ...]:
    """Return what the sound of an event depends on."""
    key = (event.kind, event.name, *event.options.items())
    if not is_changed_over_time(event.options):
        return key
    changes = [
        (round(change.seconds - event.time, 4), *change.values.items())
        for change in list_control_changes_of_sound(event.options)
    ]
    end = round(min(get_end_seconds(event.options) - event.time, MAX_OPTION_VALUE), 4)
    return (*key, end, *changes)


def _make_silent_sound(frame_count: int) -> MixedSound:
    nothing = np.zeros(BAND_COUNT, np.float32)
    return MixedSound(np.zeros((frame_count, BAND_COUNT + 1), np.float32), nothing, nothing, 0.0)


def _group_events_by_fx_chain(events: list[ScoreEvent]) -> dict[str, list[ScoreEvent]]:
    """Return the events by the names and options of their FX."""
    key_and_names_by_id: dict[int, tuple[str, tuple[str, ...]]] = {}
    groups: dict[str, list[ScoreEvent]] = {}
    last_key_by_names: dict[tuple[str, ...], str] = {}
    for event in events:
        key_and_names = key_and_names_by_id.get(id(event.fx))  # The events keep their FX alive.
        if key_and_names is None:
            names = tuple(name for name, _ in event.fx)
            key_and_names = _format_fx_chain_as_key(event.fx), names
            key_and_names_by_id[id(event.fx)] = key_and_names
        key, names = key_and_names
        if key not in groups and len(groups) >= MAX_FX_CHAINS:
            key = last_key_by_names.get(names, next(iter(groups)))
        last_key_by_names[names] = key
        groups.setdefault(key, []).append(event)
    return groups


def _format_fx_chain_as_key(chain: FxChain) -> str:
    return repr(
        [
            (name, sorted(options.items()), list_control_changes_of_sound(options))
            for name, options in chain
        ]
    )


def _replace_infinite_event_options(options: dict[str, float]) -> dict[str, float]:
    """Return finite options: a program may hold a note for ever."""
    finite = {
        name: min(max(float(value), -MAX_OPTION_VALUE), MAX_OPTION_VALUE)
        for name, value in options.items()
        if isinstance(value, (int, float)) and not math.isnan(value)
    }
    return options.copy_options_with_new_values(finite) if is_changed_over_time(options) else finite


def _simulate_and_mix_events(
    events: list[ScoreEvent], start: float, frame_count: int
) -> MixedSound:
    """Return the sum of events without their FX; equal events are simulated once."""
    padded = np.zeros((frame_count + FRAMES_BEFORE_ONSET, BAND_COUNT + 1), np.float32)
    simulated: dict[tuple[object, ...], SimulatedEvent] = {}
    last_key_by_name: dict[str, tuple[object, ...]] = {}
    energies: dict[tuple[object, ...], np.ndarray] = {}
    for event in events:
        key = _make_sound_key(event)
        if key not in simulated and len(simulated) >= MAX_SIMULATED_SOUNDS:
            key = last_key_by_name.get(event.name, key)
        last_key_by_name[event.name] = key
        if key not in simulated:
            simulated[key] = _simulate_event_once(event, key)
        power = simulated[key].power
        first = round((event.time - start) / FRAME_SECONDS)
        target = padded[first : first + len(power)]
        if event.weight == 1:
            target += power[: len(target)]
        else:
            target += np.float32(event.weight) * power[: len(target)]
        energy = np.float32(event.weight) * simulated[key].band_energies
        energies[key] = energies[key] + energy if key in energies else energy
    band_energies = np.stack(list(energies.values()))  # [sounds, bands]
    shares = band_energies / np.maximum(band_energies.sum(axis=0), 1e-15)
    totals = band_energies.sum(axis=1) / max(float(band_energies.sum()), 1e-15)
    sounds = list(simulated.values())
    return MixedSound(
        padded[FRAMES_BEFORE_ONSET:],
        (shares * np.stack([sound.widths for sound in sounds])).sum(axis=0),
        (shares * np.stack([sound.floors for sound in sounds])).sum(axis=0),
        float(totals @ np.array([sound.side_share for sound in sounds])),
    )


def _mix_simulated_sounds(sounds: list[MixedSound]) -> MixedSound:
    if len(sounds) == 1:
        return sounds[0]
    energies = np.stack([sound.power[:, :BAND_COUNT].sum(axis=0) for sound in sounds])
    shares = (energies / (energies.sum(axis=0) + 1e-15)).astype(np.float32)  # [sounds, bands]
    totals = energies.sum(axis=1) / (energies.sum() + 1e-15)
    return MixedSound(
        np.sum([sound.power for sound in sounds], axis=0),
        (shares * np.stack([sound.widths for sound in sounds])).sum(axis=0),
        (shares * np.stack([sound.floors for sound in sounds])).sum(axis=0),
        float(totals @ np.array([sound.side_share for sound in sounds])),
    )
