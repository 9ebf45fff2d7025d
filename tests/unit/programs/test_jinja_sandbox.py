"""Untrusted templates: invalid headers, syntax errors with their line, and attacks."""

from __future__ import annotations

import os

import pytest

from core.errors import EarshotError
from core.programs import generate, list_templates, load_template

LINES = [
    "title: A test",
    "section: 2.1",
    "role: melody",
    "summary: For tests.",
    "sound: every 2 s",
]
FIRST_LINE = len(LINES) + 3


def header(lines=LINES) -> str:
    return "\n".join(["{#-", *lines, "-#}", ""])


@pytest.fixture
def write(tmp_path):
    def make(text: str, name: str = "example.rb.j2"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return make


def test_the_header_is_parsed_and_not_part_of_the_program(write):
    template = load_template(write(header() + "play 60\n"))
    assert (template.id, template.title, template.summary) == ("example", "A test", "For tests.")
    assert (template.section, template.role) == ("2.1", "melody")
    assert template.sound_windows == tuple((2.0 * i, 2.0 * i + 2) for i in range(9))
    assert generate(template, 1, 0)[0].source == "play 60\n"


@pytest.mark.parametrize(
    ("sound_text", "windows"),
    [
        ("every 6 s", ((0, 6), (6, 12), (12, 18))),
        ("every 4.5 s except 0-4 s", ((4.5, 9), (9, 13.5), (13.5, 18))),
        ("every 3 s except 0-1 s, 15-18 s", ((3, 6), (6, 9), (9, 12), (12, 15))),
    ],
)
def test_the_sound_line_gives_the_sound_windows(write, sound_text, windows):
    template = load_template(write(header([*LINES[:4], f"sound: {sound_text}"]) + "play 60\n"))
    assert template.sound_windows == windows


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("play 60\n", "starts with a header", 1),
        ("play 60\n" + header(), "starts with a header", 1),
        (header(LINES[:4]), "lacks sound", 1),
        (header([*LINES, "tempo: 120"]), "has an invalid line 'tempo: 120'", 7),
        (header([*LINES, "title: Again"]), "has an invalid line 'title: Again'", 7),
        (header(["title:", *LINES[1:]]), "has an invalid line 'title:'", 2),
        (header([*LINES[:2], "role: noise", *LINES[3:]]), "role must be one of melody", 1),
        (header([LINES[0], "section: two", *LINES[2:]]), "section must be a number", 1),
        (header([*LINES[:4], "sound: always"]), "cannot be read: 'always'", 1),
        (header([*LINES[:4], "sound: every 0 s"]), "cannot be read: 'every 0 s'", 1),
        (header([*LINES[:4], "sound: every 5 s"]), "cannot be read: 'every 5 s'", 1),
        (
            header([*LINES[:4], "sound: every 2 s except noon"]),
            "cannot be read: 'every 2 s except noon'",
            1,
        ),
    ],
)
def test_an_invalid_header_is_reported_with_its_line(write, text, message, line):
    path = write(text)
    with pytest.raises(EarshotError, match=message) as caught:
        load_template(path)
    assert caught.value.where == f"{path}:{line}"


@pytest.mark.parametrize(
    "body",
    [
        "play {{ 60",
        "{% if true %}\nplay 60\n",
        "{% endif %}",
        "{{ pick('a', 1, 2 }}",
        "{% for %}",
        "{{ 'x' | nonsense }}",
    ],
)
def test_a_syntax_error_is_reported_with_its_file(write, body):
    path = write(header() + body)
    with pytest.raises(EarshotError) as caught:
        load_template(path)
    assert caught.value.where.startswith(f"{path}:")


def test_a_syntax_error_is_reported_with_its_line(write):
    path = write(header() + "play 60\nsleep 1\nplay {{ 1 + }}\n")
    with pytest.raises(EarshotError, match="not valid Jinja") as caught:
        load_template(path)
    assert caught.value.where == f"{path}:{FIRST_LINE + 2}"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("play {{ nowhere }}", "'nowhere' is undefined"),
        ("play {{ 1 / 0 }}", "division by zero"),
        ("play {{ pitch(60, 'none', 1) }}", "none"),
        ("play {{ [1, 2][7] }}", "undefined|no element"),
        ("play {{ pick('a', 1) }}", "'a' needs two or more"),
        ("play {{ pick() }}", "missing 1 required"),
        ("{{ uniform('a', 0, 1) }} {{ integer('a', 0, 1) }}", "one parameter"),
        ("play {{ {1: 2} }}", "cannot write 'dict'"),
        ("play {{ pick }}", "cannot write"),
    ],
)
def test_a_failing_template_is_reported_with_its_line(write, body, message):
    path = write(header() + "use_bpm 120\n" + body)
    with pytest.raises(EarshotError, match=message) as caught:
        generate(load_template(path), 1, 0)
    assert caught.value.where == f"{path}:{FIRST_LINE + 1}"


REFUSED = {
    "attribute": "{{ ''.__class__ }}",
    "attribute of a draw function": "{{ pick.__globals__ }}",
    "method": "{{ 'x'.upper() }}",
    "method by index": "{% set f = 'x'['center'] %}{{ f(1000000000) }}",
    "class by index": "{{ ''['__class__'] }}",
    "class by a made up name": "{{ ''['__cla' + 'ss__'] }}",
    "format string": "{{ '%999999999d' % 1 }}",
    "attribute filter": "{{ '' | attr('__class__') }}",
    "filter that calls": "{{ [1] | map('string') | list }}",
    "huge text": "{{ 'x' * 1000000000 }}",
    "huge list": "{{ [1] * 1000000000 }}",
    "huge range": "{{ range(1000000000) }}",
    "huge number": "{% set a = 999999999 * 999999 %}{{ a }}",
    "power": "{{ 9 ** 999999999 }}",
    "concatenation": "{{ 'a' ~ 'b' }}",
    "long loop": "{% for i in range(1000) %}{% for j in range(1000) %}x{% endfor %}{% endfor %}",
    "silent loop": (
        "{% for i in range(999) %}{% for j in range(999) %}{% for k in range(999) %}"
        "{% endfor %}{% endfor %}{% endfor %}"
    ),
    "doubled text": "{% set a = 'xxxxxxxxxx' %}" + "{% set a = a + a %}" * 60 + "{{ a }}",
    "doubled list": "{% set a = [1, 2] %}" + "{% set a = a + a %}" * 60 + "x",
    "joined text": (
        "{% set a = 'xxxxxxxxxx' %}"
        + "{% set a = a + a %}" * 9
        + "{{ [a, a] | join(a) }}{{ [a, a, a] | join(a) }}"
    ),
    "long output": "{% for i in range(1000) %}" + "x" * 100 + "{% endfor %}",
    "many draws": "{{ several('a', [1, 2], 1000000000) }}",
    "endless rhythm": "{{ rhythm('a', 1000000, [1, 2]) }}",
    "macro": "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}",
    "recursive loop": "{% for i in [1] recursive %}{{ loop([1]) }}{% endfor %}",
    "call block": "{% call pick('a', 1, 2) %}{% endcall %}",
    "file": "{% include '/etc/passwd' %}",
    "import": "{% import '/etc/passwd' as p %}",
    "inheritance": "{% extends '/etc/passwd' %}",
    "test": "{{ 1 is defined }}",
    "loop variable's internals": "{% for i in [1] %}{{ loop.__init__ }}{% endfor %}",
    "assignment to a draw function": "{% set pick = 1 %}{{ pick }}",
    "the iteration budget": "{% set _iterations_left = [1000000000] %}x",
    "self": "{{ self }}",
    "call of a list": "{{ kicks() }}",
}


@pytest.mark.parametrize("attack", REFUSED)
def test_an_attack_is_refused_with_a_short_message(write, attack):
    path = write(header() + REFUSED[attack])
    with pytest.raises(EarshotError) as caught:
        generate(load_template(path), 1, 0)
    assert caught.value.where.startswith(str(path))
    assert len(str(caught.value)) < 1000


def test_a_template_nested_too_deeply_is_refused(write):
    depth = 5000
    path = write(header() + "{{ " + "(" * depth + "1" + ")" * depth + " }}")
    with pytest.raises(EarshotError, match="nested too deeply"):
        load_template(path)


def test_a_file_that_is_too_large_or_not_text_is_refused(write, tmp_path):
    with pytest.raises(EarshotError, match="at most 65536 bytes"):
        load_template(write(header() + "x" * 70_000))
    binary = tmp_path / "binary.rb.j2"
    binary.write_bytes(header().encode() + b"\xff\xfe")
    with pytest.raises(EarshotError, match="UTF-8"):
        load_template(binary)
    with pytest.raises(EarshotError, match="cannot be read"):
        load_template(tmp_path / "nowhere.rb.j2")


@pytest.mark.parametrize("name", ["spaced name.rb.j2", ".hidden.rb.j2", "notes.txt", "é.rb.j2"])
def test_a_file_name_that_is_not_a_valid_id_is_refused(write, name):
    with pytest.raises(EarshotError, match="template"):
        load_template(write(header() + "play 60\n", name))


def test_a_changed_file_is_loaded_again(write, tmp_path):
    path = write(header() + "play 60\n")
    assert generate(list_templates(tmp_path)[0], 1, 0)[0].source == "play 60\n"
    path.write_text(header() + 'play {{ integer("note", 60, 61) }}\n', encoding="utf-8")
    later = path.stat().st_mtime_ns + 1_000_000
    os.utime(path, ns=(later, later))
    changed = list_templates(tmp_path)[0]
    assert [spec.name for spec in changed.list_template_parameters()] == ["note"]


def test_a_parameter_with_different_options_in_two_branches_is_refused(write):
    body = '{% if chance("a") %}{{ pick("b", 1, 2) }}{% else %}{{ pick("b", 3, 4) }}{% endif %}'
    path = write(header() + body)
    with pytest.raises(EarshotError, match="'b' has other options elsewhere"):
        load_template(path).list_template_parameters()


def test_parameters_of_nested_branches_are_found(write):
    body = '{% if pick("a", "' + '", "'.join(f"x{i}" for i in range(200)) + '") == "x77" %}'
    body += '{% if chance("b", 0.001) %}{{ integer("deep", 1, 3) }}{% endif %}{% endif %}x'
    names = [spec.name for spec in load_template(write(header() + body)).list_template_parameters()]
    assert names == ["a", "b", "deep"]


def test_templates_are_sorted_by_section_as_numbers(write, tmp_path):
    for section, name in [("10.2", "a"), ("2.1", "c"), ("4", "b"), ("2.1", "b2"), ("5.10", "d")]:
        lines = [LINES[0], f"section: {section}", *LINES[2:]]
        write(header(lines) + "play 60\n", f"{name}.rb.j2")
    assert [t.id for t in list_templates(tmp_path)] == ["b2", "c", "b", "d", "a"]
