"""Values of options that slide, jump and are interrupted."""

import numpy as np

from core.encoders.simulation.options_over_time import (
    compute_option_values_over_time,
    iterate_frames_with_equal_options,
)
from core.sonicpi.sound_options_and_control_changes import OptionChange

TIMES = np.arange(0.0, 5.0, 0.5)


def follow(initial, *changes):
    return compute_option_values_over_time(
        initial, [OptionChange(*change) for change in changes], TIMES
    )


def test_an_option_jumps_or_slides():
    values = follow(
        {"amp": 1.0, "pan": 0.0}, (1.0, {"amp": 3.0, "amp_slide": 2.0}), (2.2, {"pan": 1})
    )
    assert np.allclose(values["amp"], [1, 1, 1, 1.5, 2, 2.5, 3, 3, 3, 3])
    assert np.allclose(values["pan"], [0, 0, 0, 0, 0, 1, 1, 1, 1, 1])


def test_a_slide_that_is_interrupted_goes_on_from_where_it_is():
    values = follow({"amp": 0.0, "amp_slide": 4.0}, (0.0, {"amp": 4.0}), (2.0, {"amp": 0.0}))
    assert np.allclose(values["amp"], [0, 0.5, 1, 1.5, 2, 1.75, 1.5, 1.25, 1, 0.75])


def test_an_option_that_the_sound_lacks_is_left_out():
    assert follow({"amp": 1.0}, (0.0, {"depth": 3.0})) == {}


def test_groups_of_frames_are_few_and_complete():
    sweep = {"cutoff": np.linspace(20, 120, 1000), "res": np.linspace(0, 1, 1000) ** 2}
    groups = list(iterate_frames_with_equal_options(sweep, 1000, 10))
    assert 5 <= len(groups) <= 10
    assert sorted(np.concatenate([frames for _, frames in groups])) == list(range(1000))
    for options, frames in groups:
        assert np.abs(sweep["cutoff"][frames] - options["cutoff"]).max() < 20


def test_one_group_without_changes():
    assert [len(frames) for _, frames in iterate_frames_with_equal_options({}, 7, 3)] == [7]
