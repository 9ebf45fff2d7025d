"""The start of a clip follows from the times and leads of the program's sounds."""

from __future__ import annotations

import pytest

from core.sonicpi.interpreter.sched_ahead_times_and_clip_start import ClipStart


@pytest.mark.parametrize(
    ("sounds", "heard", "start"),
    [
        ([(0.0, 0.0, None)], [0.0], 0.0),
        ([(2.0, 2.0, None)], [2.0], 0.0),
        ([(0.0, 0.0, 0.0)], [-0.5], -0.5),
        ([(1.0, 1.0, 0.0)], [0.5], -0.5),
        ([(0.0, 0.0, 3.0)], [2.5], 2.5),
        ([(-0.3, 0.0, None)], [-0.3], -0.3),
        ([(1.0, 2.0, None)], [1.5], 0.0),
        # Of two sounds at the same time, the longer lead counts.
        ([(0.5, 0.5, 0.0), (0.0, 0.0, None)], [0.0, 0.0], 0.0),
        ([(0.0, 0.0, None), (0.25, 0.25, 0.0)], [0.0, -0.25], -0.5),
        # A lead below 0 does not move the start before the start of the program.
        ([(0.0, 0.0, -1.0)], [-0.5], -0.5),
    ],
)
def test_start_and_times(sounds, heard, start):
    clip_start = ClipStart()
    assert [clip_start.compute_audible_time_of_sound(*sound) for sound in sounds] == pytest.approx(
        heard
    )
    assert clip_start.compute_clip_start() == pytest.approx(start)


def test_sound_that_is_too_late_is_not_played():
    clip_start = ClipStart()
    assert clip_start.compute_audible_time_of_sound(0.0, 1.5, None) is not None
    assert clip_start.compute_audible_time_of_sound(0.0, 1.7, None) is None
