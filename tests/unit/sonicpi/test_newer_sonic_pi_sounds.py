"""The table of the sounds that came after Sonic Pi 3.2.2."""

from __future__ import annotations

import re

import pytest

from core.sonicpi.newer_sonic_pi_sounds import (
    contains_name_of_newer_sound,
    find_sonic_pi_version_that_added_sound,
    load_newer_sample_seconds,
    load_newer_sonic_pi_sounds,
    load_newer_synth_options,
)
from core.sonicpi.sonic_pi_inventory import load_sonic_pi_inventory

CHECK = re.compile(r"(>=|>|<=|<) -?[\d.]+|-?[\d.]+\.\.-?[\d.]+|\d+(\|\d+)*")


def test_the_table_has_23_synths_and_41_samples_that_sonic_pi_3_2_lacks():
    inventory = load_sonic_pi_inventory()
    assert len(load_newer_synth_options()) == 23
    assert len(load_newer_sample_seconds()) == 41
    assert not set(load_newer_synth_options()) & set(inventory["synths"])
    assert not set(load_newer_sample_seconds()) & set(inventory["samples"])


def test_every_checked_or_sliding_option_is_an_option_of_its_synth():
    for name, synth in load_newer_sonic_pi_sounds()["synths"].items():
        assert set(synth["slides"]) <= set(synth["options"]), name
        assert set(synth["option_checks"]) <= set(synth["options"]), name
        for option in synth["option_checks"].values():
            assert all(CHECK.fullmatch(check) for check in option["checks"]), name


def test_options_are_numbers_and_those_of_the_compiled_synth():
    options = load_newer_synth_options()
    assert all(
        isinstance(value, int | float) for synth in options.values() for value in synth.values()
    )
    assert options["gabberkick"]["decay_level"] == 0.7
    assert options["rodeo"]["decay"] == 0 and options["rodeo"]["decay_level"] == 1


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("kalimba", "3.3"),
        ("bass_highend", "4.0"),
        ("winwood_lead", "4.0"),
        ("sc808_clap", "4.5"),
        ("hat_zap", "4.4"),
        ("hat_len", "4.6"),
        ("tbd_voctone", "5.0"),
        ("beep", None),
        ("bd_haus", None),
    ],
)
def test_the_version_that_added_a_sound(name, version):
    assert find_sonic_pi_version_that_added_sound(name) == version


def test_names_of_later_sounds_are_found_as_whole_words():
    assert contains_name_of_newer_sound("use_synth :rodeo\nplay 60")
    assert contains_name_of_newer_sound('sample "hat_zap"')
    assert not contains_name_of_newer_sound("use_synth :beep # rodeos")
