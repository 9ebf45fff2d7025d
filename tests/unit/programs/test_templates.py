"""The 27 templates: their roles, their breadth, and 500 distinct programs from each."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from core.programs import PROGRAM_ROLES, generate, get_template, list_templates
from core.programs.vocabulary import build_template_vocabulary

IDS = [t.id for t in list_templates()]
PER_TEMPLATE = 500


@pytest.fixture(scope="module")
def programs():
    return {name: generate(name, PER_TEMPLATE, seed=0) for name in IDS}


def test_there_are_27_from_section_2_1_to_10_2():
    all_of_them = list_templates()
    assert len(all_of_them) == 27
    assert all_of_them[0].section == "2.1"
    assert all_of_them[-1].section == "10.2"
    assert [t.id for t in all_of_them] == sorted(t.id for t in all_of_them)


def test_each_role_has_at_least_four():
    roles = Counter(t.role for t in list_templates())
    assert set(roles) == set(PROGRAM_ROLES)
    assert min(roles.values()) >= 4


@pytest.mark.parametrize("name", IDS)
def test_each_file_is_named_after_its_section(name):
    numbers = [int(part) for part in re.findall(r"\d+", name)]
    section = [int(part) for part in get_template(name).section.split(".")]
    assert numbers[: len(section)] == section


@pytest.mark.parametrize("name", IDS)
def test_each_promises_sound_in_every_two_seconds(name):
    assert get_template(name).sound_windows == tuple((2.0 * i, 2.0 * i + 2) for i in range(9))


@pytest.mark.parametrize("name", IDS)
def test_each_gives_500_distinct_programs(programs, name):
    made = programs[name]
    assert len({program.source for program in made}) == PER_TEMPLATE
    assert len({program.id for program in made}) == PER_TEMPLATE
    assert {program.template for program in made} == {name}
    assert {program.role for program in made} == {get_template(name).role}


@pytest.mark.parametrize("name", IDS)
def test_each_program_is_tidy_sonic_pi_at_120_bpm(programs, name):
    for program in programs[name]:
        lines = program.source.splitlines()
        assert lines[0] == "use_bpm 120"
        assert program.source.endswith("\n") and not program.source.endswith("\n\n")
        assert "\n\n\n" not in program.source
        assert all(line == line.rstrip() and "\t" not in line for line in lines)
        assert not re.search(r"\{\{|\{%|\{#|%\}|\bNone\b|\bTrue\b|\bFalse\b", program.source)
        assert len(lines) <= 80


@pytest.mark.parametrize("name", IDS)
def test_variants_of_each_differ_in_structure_and_in_sounds(programs, name):
    """Without their numbers there are still many different programs."""
    shapes = {re.sub(r"\d+(\.\d+)?", "0", program.source) for program in programs[name]}
    assert len(shapes) >= 100
    kinds = {spec.kind for spec in get_template(name).list_parameters()}
    assert len(kinds) >= 3
    assert len(get_template(name).list_parameters()) >= 10


def test_all_of_it_sounds_somewhere(programs):
    text = "\n".join(program.source for made in programs.values() for program in made)
    named = set(re.findall(r":(\w+)", text))
    groups = {name: group for name, group in build_template_vocabulary().items() if isinstance(group, list)}
    unheard = {word for name, group in groups.items() if name != "tonics" for word in group} - named
    assert not unheard


def test_programs_of_different_templates_differ(programs):
    ids = [program.id for made in programs.values() for program in made]
    assert len(set(ids)) == len(ids)


def test_notes_stay_where_ears_hear_them(programs):
    for made in programs.values():
        for program in made:
            for note in re.findall(r"\bplay (\d+)\b", program.source):
                assert 20 <= int(note) <= 110, program.source
