"""Values of options over the frames of a sound that `control` changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from core.sonicpi.sound_options_and_control_changes import OptionChange

SLIDE_SUFFIXES = ("_slide", "_slide_shape", "_slide_curve")
# Values that are nearer than this are simulated as one; twice as far while there are too many.
MIN_VALUE_STEP = {"note": 0.5, "cutoff": 2.0, "lpf": 2.0, "hpf": 2.0, "centre": 2.0, "pitch": 0.5}
MIN_SHARE_OF_RANGE = 1 / 12
STEP_SECONDS = 1e-4  # of a change without a slide
MIN_STATE_SHARE = 0.02
MIN_MIXED_POWER = 1e-12


def compute_option_values_over_time(
    initial: Mapping[str, float], changes: Sequence[OptionChange], times: np.ndarray
) -> dict[str, np.ndarray]:
    """Return the values of the options that change.

    Parameters
    ----------
    initial : mapping of str to float
        Options at the start, with defaults.
    changes : sequence of OptionChange
        By time.
    times : float [frames]
        On the axis of the changes, in seconds.

    Returns
    -------
    dict of str to float [frames]
        Options that neither a default nor the program sets at the start are left out. Slides are
        linear, as Sonic Pi's are by default.
    """
    names = {name for change in changes for name in change.values}
    return {
        name: _compute_option_at_frames(name, float(initial[name]), initial, changes, times)
        for name in sorted(names)
        if name in initial and not name.endswith(SLIDE_SUFFIXES)
    }


def _compute_option_at_frames(
    name: str,
    value: float,
    initial: Mapping[str, float],
    changes: Sequence[OptionChange],
    times: np.ndarray,
) -> np.ndarray:
    slide = initial.get(f"{name}_slide", initial.get("slide", 0.0))
    corner_times, corner_values = [changes[0].seconds - 1], [value]
    for change in changes:
        slide = change.values.get(f"{name}_slide", slide)
        if name not in change.values:
            continue
        # A slide that another one interrupts ends there.
        value = float(np.interp(change.seconds, corner_times, corner_values))
        while corner_times[-1] > change.seconds:
            corner_times.pop()
            corner_values.pop()
        corner_times += [change.seconds, change.seconds + max(slide, STEP_SECONDS)]
        corner_values += [value, float(change.values[name])]
    return np.interp(times, corner_times, corner_values)


class OptionState(NamedTuple):
    """Fixed values of options, and the share of them in the sound of some frames.

    Attributes
    ----------
    options : dict of str to float
    frames : int [m]
        Indices of the frames, ascending.
    shares : float32 [m]
        In (0, 1]. Over all states, the shares of a frame add up to 1.
    """

    options: dict[str, float]
    frames: np.ndarray
    shares: np.ndarray


def list_option_states(
    values_over_time: Mapping[str, np.ndarray], frame_count: int, max_count: int
) -> list[OptionState]:
    """Return few states between two of which the options of each frame lie.

    Steps from state to state would sound like onsets.

    Parameters
    ----------
    values_over_time : mapping of str to float [frames]
    frame_count : int
    max_count : int
        Of states: while there are more, values that are farther apart are taken as one.
    """
    all_frames = np.arange(frame_count)
    if not values_over_time:
        return [OptionState({}, all_frames, np.ones(frame_count, np.float32))]
    values = np.stack(list(values_over_time.values()), axis=1)  # [frames, options]
    steps = np.array(list(_choose_value_steps(values_over_time)))
    for _ in range(32):
        keys, groups = np.unique(np.round(values / steps), axis=0, return_inverse=True)
        if len(keys) <= max_count:
            break
        steps = steps * 1.5
    sizes = np.bincount(groups.ravel(), minlength=len(keys))[:, None]
    means = np.zeros((len(keys), values.shape[1]))
    np.add.at(means, groups.ravel(), values)
    means /= sizes
    shares = _divide_frames_between_states(values / steps, means / steps)  # [frames, states]
    states = []
    for mean, column in zip(means, shares.T):
        frames = np.flatnonzero(column)
        if len(frames):
            states.append(
                OptionState(
                    dict(zip(values_over_time, map(float, mean))),
                    frames,
                    column[frames].astype(np.float32),
                )
            )
    return states


def _divide_frames_between_states(values: np.ndarray, states: np.ndarray) -> np.ndarray:
    """Return the share of each state in each frame: float [frames, states].

    A frame lies between the two nearest states, at the projection on the line through them. For
    one option, these are the states on both sides.

    Parameters
    ----------
    values : float [frames, options]
    states : float [states, options]
    """
    shares = np.zeros((len(values), len(states)))
    frames = np.arange(len(values))
    if len(states) == 1:
        shares[:, 0] = 1
        return shares
    if states.shape[1] == 1:
        order = np.argsort(states[:, 0])
        positions = np.interp(values[:, 0], states[order, 0], np.arange(len(order)))
        low = np.minimum(positions.astype(int), len(order) - 2)
        part = _round_extreme_shares(positions - low)
        shares[frames, order[low]], shares[frames, order[low + 1]] = 1 - part, part
        return shares
    distances = ((values[:, None, :] - states[None, :, :]) ** 2).sum(axis=2)
    nearest, second = np.argpartition(distances, 1, axis=1)[:, :2].T
    is_swapped = distances[frames, nearest] > distances[frames, second]
    nearest, second = np.where(is_swapped, second, nearest), np.where(is_swapped, nearest, second)
    lines = states[second] - states[nearest]
    along = ((values - states[nearest]) * lines).sum(axis=1)
    part = np.clip(along / np.maximum((lines**2).sum(axis=1), 1e-12), 0, 1)
    part = _round_extreme_shares(part)
    shares[frames, nearest] = 1 - part
    shares[frames, second] += part
    return shares


def _round_extreme_shares(shares: np.ndarray) -> np.ndarray:
    """Return shares of which those near 0 and 1 are 0 and 1."""
    shares = np.where(shares < MIN_STATE_SHARE, 0, shares)
    return np.where(shares > 1 - MIN_STATE_SHARE, 1, shares)


def mix_powers_of_states(
    powers: Iterable[tuple[OptionState, np.ndarray]], shape: tuple[int, int]
) -> np.ndarray:
    """Return the power of each frame between its states, on the scale of levels.

    Parameters
    ----------
    powers : iterable of OptionState and float32 [m, bands + 1]
        The states of `list_option_states`, and the power in their frames.
    shape : (int, int)
        Of the result, [frames, bands + 1].
    """
    mixed = np.zeros(shape, np.float32)
    logs = np.zeros(shape, np.float32)
    is_between = np.zeros(shape[0], bool)
    for state, power in powers:
        is_whole = state.shares >= 1
        mixed[state.frames[is_whole]] = power[is_whole]
        frames = state.frames[~is_whole]
        parts = np.log(np.maximum(power[~is_whole], np.float32(MIN_MIXED_POWER)))
        logs[frames] += state.shares[~is_whole, None] * parts
        is_between[frames] = True
    mixed[is_between] = np.exp(logs[is_between])
    return mixed


def _choose_value_steps(values_over_time: Mapping[str, np.ndarray]) -> Iterable[float]:
    for name, values in values_over_time.items():
        step = MIN_VALUE_STEP.get(name, float(np.ptp(values)) * MIN_SHARE_OF_RANGE)
        yield max(step, 1e-6)
