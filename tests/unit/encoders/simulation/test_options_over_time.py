"""Values of options that slide, jump and are interrupted."""

import numpy as np

from core.encoders.simulation.options_over_time import (
    compute_option_values_over_time,
    list_option_states,
    mix_powers_of_states,
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


def test_states_are_few_and_the_frames_lie_between_them():
    sweep = {"cutoff": np.linspace(20, 120, 1000), "res": np.linspace(0, 1, 1000) ** 2}
    states = list_option_states(sweep, 1000, 10)
    assert 5 <= len(states) <= 10
    totals, cutoffs = np.zeros(1000), np.zeros(1000)
    for state in states:
        totals[state.frames] += state.shares
        cutoffs[state.frames] += state.shares * state.options["cutoff"]
    assert np.allclose(totals, 1, atol=1e-5)
    # Nearly the values themselves, but for the ends, beyond the outermost states.
    assert np.abs(cutoffs - sweep["cutoff"])[100:-100].max() < 4


def test_one_state_without_changes():
    (state,) = list_option_states({}, 7, 3)
    assert list(state.frames) == list(range(7)) and (state.shares == 1).all()


def test_levels_change_without_steps():
    sweep = {"cutoff": np.linspace(20, 120, 1000)}
    states = list_option_states(sweep, 1000, 5)
    powers = [
        (state, np.full((len(state.frames), 1), 10 ** (state.options["cutoff"] / 10), np.float32))
        for state in states
    ]
    levels = 10 * np.log10(mix_powers_of_states(powers, (1000, 1))[:, 0])
    # From frame to frame, the cutoff rises by 0.1.
    assert np.abs(np.diff(levels)).max() < 1
    assert 70 < np.ptp(levels) <= 100
