"""Generation of programs: distinct, reproducible, and with fixed or narrowed parameters."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.errors import EarshotError
from core.programs import (
    ChoiceSubset,
    NumberRange,
    Program,
    generate,
    get_template,
    list_templates,
    load_template,
)
from core.programs.template_parameters import LIST_KINDS, make_random_fraction_source

ROOT = Path(__file__).resolve().parents[3]
HEADER = """{#-
title: A test
section: 2.1
role: melody
summary: For tests.
sound: every 2 s
-#}
"""


@pytest.fixture
def make_template(tmp_path: Path):
    def make(body: str, name: str = "made", header: str = HEADER):
        path = tmp_path / f"{name}.rb.j2"
        path.write_text(header + body, encoding="utf-8")
        return load_template(path)

    return make


def test_the_id_of_a_program_is_the_hash_of_its_source():
    program = Program(source="play 60\n", name="one")
    assert program.id == hashlib.sha256(b"play 60\n").hexdigest()[:32]
    assert Program(source="play 60\n", name="two", seed=3).id == program.id


PINNED = [
    "0829de0de47062cfe46ff43e7b52ba91",
    "ac380d0d331087457b36cad546a5dc36",
    "a69a51ef88ccfe2927f4ac03ed43caed",
]


def test_the_same_seed_gives_the_same_programs_on_every_machine(make_template):
    body = (
        'use_synth :{{ pick("synth", "fm", "tri", "prophet") }}\n'
        'play {{ walk("tune", 50, 70, 4) }}, amp: {{ uniform("amp", 0.1, 1.0) }}, '
        'release: {{ log_uniform("release", 0.05, 4) }}\n'
        'sleep {{ rhythm("lengths", 4, [0.5, 1]) }}\n'
        '{% if chance("drum") %}sample :{{ pick("kick", kicks) }}{% endif %}'
    )
    assert [program.id for program in generate(make_template(body), 3, seed=1)] == PINNED


def test_programs_do_not_depend_on_the_hash_seed_of_the_process():
    code = (
        "import hashlib; from core.programs import generate, list_templates; "
        "ids = [p.id for t in list_templates() for p in generate(t, 4, 9)]; "
        "print(hashlib.sha256(''.join(ids).encode()).hexdigest())"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1


def test_a_smaller_count_gives_the_first_programs_of_a_larger_one():
    few = generate("02_1_beeps", 7, seed=3)
    many = generate("02_1_beeps", 30, seed=3)
    assert many[:7] == few
    assert [program.name for program in few[:2]] == ["02_1_beeps-0000", "02_1_beeps-0001"]
    assert len({program.name for program in many}) == 30


def test_different_seeds_give_different_programs():
    first_ids = {program.id for program in generate("02_1_beeps", 30, seed=1)}
    second_ids = {program.id for program in generate("02_1_beeps", 30, seed=2)}
    assert not first_ids & second_ids


def test_repeated_sources_are_skipped_and_the_prefix_still_holds(make_template):
    few_notes = make_template('play {{ pick("note", 50, 52, 55, 57, 60, 62) }}')
    assert generate(few_notes, 6, 4)[:3] == generate(few_notes, 3, 4)
    assert len({program.source for program in generate(few_notes, 6, 4)}) == 6


@pytest.mark.parametrize(
    ("body", "count"), [("play 60", 1), ('play {{ integer("n", 1, 40) }}', 40)]
)
def test_an_error_gives_the_number_of_distinct_programs(make_template, body, count):
    assert len(generate(make_template(body), count, 0)) == count
    with pytest.raises(EarshotError, match=f"gives {count} different programs, not 60") as caught:
        generate(make_template(body), 60, 0)
    assert caught.value.remedy == f"Ask for at most {count}."


def test_a_count_of_zero_gives_no_programs():
    assert generate("02_1_beeps", 0, 0) == []


@pytest.mark.parametrize(("count", "seed"), [(-1, 0), (2.5, 0), ("3", 0), (True, 0), (1, None)])
def test_an_invalid_count_or_seed_is_refused(count, seed):
    with pytest.raises(EarshotError, match="cannot be made"):
        generate("02_1_beeps", count, seed)


def test_an_unknown_template_suggests_similar_ones():
    with pytest.raises(EarshotError, match="no template 'beeps'") as caught:
        generate("beeps", 1, 0)
    assert "02_1_beeps" in caught.value.remedy
    with pytest.raises(EarshotError) as caught:
        get_template("05_3_conditional")
    assert "Did you mean 05_3_conditionals" in caught.value.remedy


def test_a_path_is_not_a_template_id():
    with pytest.raises(EarshotError, match="no template"):
        get_template("../templates/02_1_beeps")


def test_fixed_parameters_are_constant_and_the_others_vary():
    values = {"shape": "loop", "synth": "piano", "release": NumberRange(0.2, 0.3)}
    programs = generate("02_1_beeps", 20, 1, values)
    assert all("use_synth :piano" in program.source for program in programs)
    assert all(0.2 <= program.parameters["release"] <= 0.3 for program in programs)
    assert len({program.parameters["tonic"] for program in programs}) > 3


def test_a_parameter_can_be_narrowed_to_some_of_its_choices():
    programs = generate("02_1_beeps", 20, 1, {"synth": ChoiceSubset(("piano", "tri"))})
    assert {program.parameters["synth"] for program in programs} == {"piano", "tri"}


def test_fixing_every_parameter_leaves_one_program():
    program = generate("02_1_beeps", 1, 1)[0]
    with pytest.raises(EarshotError, match="gives 1 different programs with these values"):
        generate("02_1_beeps", 2, 1, program.parameters)


def test_an_unknown_parameter_suggests_similar_ones():
    with pytest.raises(EarshotError, match="no parameter 'relese'") as caught:
        get_template("02_1_beeps").render({"relese": 1})
    assert "release" in caught.value.remedy


def test_a_parameter_of_an_unused_branch_is_accepted_without_effect():
    beeps = get_template("02_1_beeps")
    looped = beeps.render({"shape": "loop"}, seed=5)
    assert beeps.render({"shape": "loop", "step": 0.5}, seed=5).source == looped.source


@pytest.mark.parametrize("name", [t.id for t in list_templates()])
def test_the_recorded_parameters_reproduce_the_program(name):
    for program in generate(name, 8, seed=6):
        assert json.loads(json.dumps(program.parameters)) == program.parameters
        reproduced = get_template(name).render(program.parameters, seed=12345, variant=99)
        assert reproduced.source == program.source
        assert reproduced.parameters == program.parameters


@pytest.mark.parametrize("name", [t.id for t in list_templates()])
def test_list_parameters_covers_every_branch(name):
    specs = {spec.name: spec for spec in get_template(name).list_template_parameters()}
    for program in generate(name, 100, seed=8):
        for parameter, value in program.parameters.items():
            if specs[parameter].kind not in LIST_KINDS:
                assert specs[parameter].validate_parameter_value(value) == value


@pytest.mark.parametrize("name", [t.id for t in list_templates()])
def test_recorded_parameters_affect_the_source(name):
    """Another value of a recorded parameter changes the source, with rare exceptions."""
    template = get_template(name)
    specs = {spec.name: spec for spec in template.list_template_parameters()}
    changes: dict[str, list[bool]] = {}
    for variant in range(16):
        program = template.render(seed=5, variant=variant)
        scalars = {k: v for k, v in program.parameters.items() if specs[k].kind not in LIST_KINDS}
        for parameter, value in scalars.items():
            changes.setdefault(parameter, []).append(False)
            for other in _draw_other_values(specs[parameter], value):
                changed = template.render({**scalars, parameter: other}, seed=5, variant=variant)
                if changed.source != program.source:
                    changes[parameter][-1] = True
                    break
    ineffective = {p: flags for p, flags in changes.items() if sum(flags) < 0.7 * len(flags)}
    assert not ineffective


def _draw_other_values(spec, value):
    if spec.kind in ("pick", "chance"):
        return [choice for choice in spec.choices if choice != value][:8]
    return [
        spec.sample_parameter_value(make_random_fraction_source(f"other/{i}", spec.name))
        for i in range(8)
    ]
