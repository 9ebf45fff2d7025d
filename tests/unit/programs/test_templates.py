"""The 27 templates: roles, variety, and 500 distinct programs of each."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from core.programs import (
    PROGRAM_ROLES,
    generate,
    get_template,
    get_title_by_template_id,
    list_templates,
)
from core.programs.template_vocabulary import build_names_usable_in_templates

IDS = [t.id for t in list_templates()]
PER_TEMPLATE = 500


@pytest.fixture(scope="module")
def programs():
    return {name: generate(name, PER_TEMPLATE, seed=0) for name in IDS}


def test_there_are_27_from_section_2_1_to_10_2():
    templates = list_templates()
    assert len(templates) == 27
    assert templates[0].section == "2.1"
    assert templates[-1].section == "10.2"
    assert [t.id for t in templates] == sorted(t.id for t in templates)


def test_titles_need_no_compiled_template(monkeypatch):
    titles = {t.id: t.title for t in list_templates()}

    def fail(*_args):
        raise AssertionError("a template is compiled")

    monkeypatch.setattr("core.programs.jinja_template.compile_template", fail)
    monkeypatch.setattr("core.programs.jinja_template._load_cached_template", fail)
    assert list(get_title_by_template_id().items())[: len(titles)] == list(titles.items())


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
def test_each_has_sound_windows_of_two_seconds(name):
    assert get_template(name).sound_windows == tuple((2.0 * i, 2.0 * i + 2) for i in range(9))


@pytest.mark.parametrize("name", IDS)
def test_each_gives_500_distinct_programs(programs, name):
    variants = programs[name]
    assert len({program.source for program in variants}) == PER_TEMPLATE
    assert len({program.id for program in variants}) == PER_TEMPLATE
    assert {program.template for program in variants} == {name}
    assert {program.role for program in variants} == {get_template(name).role}


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
    """Many programs still differ after all numbers are removed."""
    shapes = {re.sub(r"\d+(\.\d+)?", "0", program.source) for program in programs[name]}
    assert len(shapes) >= 100
    kinds = {spec.kind for spec in get_template(name).list_template_parameters()}
    assert len(kinds) >= 3
    assert len(get_template(name).list_template_parameters()) >= 10


def test_every_synth_and_sample_of_the_vocabulary_is_used(programs):
    text = "\n".join(program.source for variants in programs.values() for program in variants)
    named = set(re.findall(r":(\w+)", text))
    groups = {
        name: group
        for name, group in build_names_usable_in_templates().items()
        if isinstance(group, list)
    }
    words = {word for name, group in groups.items() if name != "tonics" for word in group}
    assert words <= named


def test_programs_of_different_templates_differ(programs):
    ids = [program.id for variants in programs.values() for program in variants]
    assert len(set(ids)) == len(ids)


def test_notes_are_audible(programs):
    for variants in programs.values():
        for program in variants:
            for note in re.findall(r"\bplay (\d+)\b", program.source):
                assert 20 <= int(note) <= 110, program.source
