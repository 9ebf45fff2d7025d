"""Sound sets: the first one gives the programs it always gave, the second uses later sounds."""

from __future__ import annotations

import hashlib
import re

import pytest

from core.errors import EarshotError
from core.programs import compose_programs, generate, get_template, list_templates
from core.programs.grammar import synth_fx_and_sample_sets
from core.programs.newer_sonic_pi_sound_groups import DRUM_SYNTHS_BY_ROLE
from core.programs.template_vocabulary import build_sound_names_by_group
from core.sonicpi.newer_sonic_pi_sounds import (
    contains_name_of_newer_sound,
    load_newer_sample_seconds,
    load_newer_synth_options,
)
from core.sonicpi.sonic_pi_inventory import get_builtin_sample_duration, load_sonic_pi_inventory

DIGEST_OF_PROGRAMS_OF_SONIC_PI_3_2 = "79a064036acd9d63"


@pytest.fixture(scope="module")
def later_text() -> str:
    return "\n".join(program.source for program in compose_programs(3000, 17, sound_set="5"))


def test_the_first_sound_set_gives_the_programs_it_always_gave() -> None:
    digest = hashlib.sha256()
    for program in compose_programs(400, 5):
        digest.update(program.source.encode())
    for template in list_templates():
        for program in generate(template, 6, 3):
            digest.update(program.source.encode())
    assert digest.hexdigest()[:16] == DIGEST_OF_PROGRAMS_OF_SONIC_PI_3_2


def test_the_first_sound_set_names_no_later_sound() -> None:
    assert not any(
        contains_name_of_newer_sound(program.source) for program in compose_programs(1000, 4)
    )


def test_every_later_sound_appears_in_the_second_sound_set(later_text: str) -> None:
    named = set(re.findall(r":(\w+)", later_text))
    assert set(load_newer_synth_options()) <= named
    assert set(load_newer_sample_seconds()) <= named
    assert {"beep", "bd_haus"} <= named


def test_every_option_of_a_later_synth_appears(later_text: str) -> None:
    for synth, options in synth_fx_and_sample_sets.LATER_SYNTH_OPTIONS.items():
        assert {option.name for option in options} <= set(load_newer_synth_options()[synth])
        for option in options:
            assert re.search(rf"\b{option.name}(: | ?=>)", later_text), (synth, option.name)


def test_groups_hold_existing_sounds_only() -> None:
    synths = {*load_sonic_pi_inventory()["synths"], *load_newer_synth_options()}
    samples = {*load_sonic_pi_inventory()["samples"], *load_newer_sample_seconds()}
    first, second = build_sound_names_by_group("3.2"), build_sound_names_by_group("5")
    assert list(first) == list(second)
    for group, names in second.items():
        assert names[: len(first[group])] == first[group]
        assert set(names) <= synths or set(names) <= samples, group
    drum_synths = [name for names in DRUM_SYNTHS_BY_ROLE.values() for name in names]
    assert set(drum_synths) <= set(load_newer_synth_options())


def test_lengths_of_later_samples_are_no_longer_than_the_samples() -> None:
    for name in set(load_newer_sample_seconds()) & set(synth_fx_and_sample_sets.SAMPLE_SECONDS):
        seconds = get_builtin_sample_duration(name)
        assert seconds - 0.11 <= synth_fx_and_sample_sets.SAMPLE_SECONDS[name] <= seconds


def test_the_second_sound_set_is_reproducible_and_differs() -> None:
    assert compose_programs(40, 3, sound_set="5") == compose_programs(60, 3, sound_set="5")[:40]
    assert compose_programs(40, 3, sound_set="5") != compose_programs(40, 3)


def test_templates_draw_from_the_sound_set() -> None:
    programs = generate("02_3_synths", 60, 1, sound_set="5")
    assert any(contains_name_of_newer_sound(program.source) for program in programs)
    template = get_template("02_3_synths")
    for program in programs:
        assert template.render(program.parameters).source == program.source


@pytest.mark.parametrize("make", [lambda name: compose_programs(1, 0, sound_set=name)])
def test_an_unknown_sound_set_is_refused(make) -> None:
    with pytest.raises(EarshotError, match="no sound set '4'") as raised:
        make("4")
    assert "3.2, 5" in raised.value.remedy
    with pytest.raises(EarshotError, match="no sound set '4'"):
        generate("02_1_beeps", 1, 0, sound_set="4")
