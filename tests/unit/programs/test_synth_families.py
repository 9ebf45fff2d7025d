"""Families of synths: every synth of the grammar has one."""

from __future__ import annotations

import pytest

from core.programs.grammar.synth_fx_and_sample_sets import get_sound_set_by_name
from core.programs.synth_families import (
    SYNTH_NAMES_BY_FAMILY,
    get_synth_family,
    list_synth_families,
)


@pytest.mark.parametrize("sound_set", ["3.2", "5"])
def test_every_synth_of_the_grammar_has_one_family(sound_set: str) -> None:
    groups = get_sound_set_by_name(sound_set).synth_groups
    synth_names = {name for names in groups.values() for name in names}
    without_family = sorted(name for name in synth_names if get_synth_family(name) is None)
    assert not without_family
    all_names = [name for names in SYNTH_NAMES_BY_FAMILY.values() for name in names]
    assert len(all_names) == len(set(all_names))


def test_a_program_has_the_families_of_the_synths_that_it_names() -> None:
    assert list_synth_families("use_synth :tb303\nplay 40\nsynth :fm, note: :e2") == ["acid", "fm"]
    assert list_synth_families("sample :bd_haus\nplay :e4") == []
