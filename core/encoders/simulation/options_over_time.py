"""Values of options over the frames of a sound that `control` changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from core.sonicpi.sound_options_and_control_changes import OptionChange

SLIDE_SUFFIXES = ("_slide", "_slide_shape", "_slide_curve")
# Values that are nearer than this are simulated as one; twice as far while there are too many.
MIN_VALUE_STEP = {"note": 0.5, "cutoff": 2.0, "lpf": 2.0, "hpf": 2.0, "centre": 2.0, "pitch": 0.5}
MIN_SHARE_OF_RANGE = 1 / 12
STEP_SECONDS = 1e-4  # of a change without a slide


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


def iterate_frames_with_equal_options(
    values_over_time: Mapping[str, np.ndarray], frame_count: int, max_count: int
) -> Iterator[tuple[dict[str, float], np.ndarray]]:
    """Yield the mean options of groups of frames, and the indices of the frames.

    Parameters
    ----------
    values_over_time : mapping of str to float [frames]
    frame_count : int
    max_count : int
        Of groups: while there are more, values that are farther apart are taken as one.
    """
    if not values_over_time:
        yield {}, np.arange(frame_count)
        return
    values = np.stack(list(values_over_time.values()), axis=1)  # [frames, options]
    steps = np.array(list(_choose_value_steps(values_over_time)))
    for _ in range(32):
        keys, groups = np.unique(np.round(values / steps), axis=0, return_inverse=True)
        if len(keys) <= max_count:
            break
        steps = steps * 1.5
    for group in range(len(keys)):
        frames = np.flatnonzero(groups.ravel() == group)
        means = values[frames].mean(axis=0)
        yield dict(zip(values_over_time, map(float, means))), frames


def _choose_value_steps(values_over_time: Mapping[str, np.ndarray]) -> Iterable[float]:
    for name, values in values_over_time.items():
        step = MIN_VALUE_STEP.get(name, float(np.ptp(values)) * MIN_SHARE_OF_RANGE)
        yield max(step, 1e-6)
