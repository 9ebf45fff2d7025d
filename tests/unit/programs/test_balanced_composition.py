"""Grammar programs with evenly spread styles, tempos and synth families."""

from __future__ import annotations

from collections import Counter

import pytest

from core.errors import EarshotError
from core.programs import MUSIC_STYLES, compose_balanced_programs, compose_programs
from core.programs.grammar.balanced_composition import get_tempo_band
from core.programs.synth_families import list_synth_families


def count_tempo_bands(programs: list) -> Counter[str]:
    return Counter(get_tempo_band(program.parameters["bpm"]) for program in programs)


def test_the_same_seed_gives_the_same_programs_and_a_smaller_count_the_first_of_them() -> None:
    programs = compose_balanced_programs(30, 7)
    assert compose_balanced_programs(30, 7) == programs
    assert compose_balanced_programs(12, 7) == programs[:12]
    assert compose_balanced_programs(12, 8) != programs[:12]
    assert len({program.source for program in programs}) == 30


def test_styles_take_turns_and_may_be_named_by_template_id() -> None:
    programs = compose_balanced_programs(28, 0)
    assert Counter(program.template for program in programs) == {
        style.id: 2 for style in MUSIC_STYLES.values()
    }
    named = compose_balanced_programs(5, 0, ["grammar-acid", "drone", "acid"])
    assert [program.template for program in named] == [
        "composed-acid",
        "composed-drone",
        "composed-acid",
        "composed-drone",
        "composed-acid",
    ]
    assert compose_balanced_programs(0, 0) == []


def test_tempos_and_synth_families_are_spread_more_evenly_than_by_the_grammar_alone() -> None:
    balanced, drawn = compose_balanced_programs(140, 0), compose_programs(140, 0)
    assert max(count_tempo_bands(drawn).values()) > 70  # The default tempo of 60.
    assert max(count_tempo_bands(balanced).values()) < 45
    families = Counter(family for p in balanced for family in list_synth_families(p.source))
    assert len(families) == 11 and max(families.values()) < 4 * min(families.values())


def test_bands_of_tempo() -> None:
    assert [get_tempo_band(bpm) for bpm in (59, 60, 79.5, 120, 180, 181)] == [
        "other",
        "60-79",
        "60-79",
        "120-139",
        "160-180",
        "other",
    ]


def test_an_unknown_style_gets_a_suggestion() -> None:
    with pytest.raises(EarshotError, match="no style 'acidd'"):
        compose_balanced_programs(1, 0, ["acidd"])
