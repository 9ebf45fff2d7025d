"""Parameter sampling: reproducible, within bounds, and fixed or narrowed by the user."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import EarshotError
from core.programs import ChoiceSubset, NumberRange, ParameterSpec
from core.programs.template_parameter_sampler import ParameterSampler
from core.programs.template_parameters import format_ruby_value, make_random_fraction_source

STREAMS = st.text("abc/019", min_size=1, max_size=12)


def draw_every_kind(stream: str = "pinned/1/0", values: dict | None = None) -> dict:
    draws = ParameterSampler(stream, values or {})
    draws.sample_choice("synth", "tb303", "prophet", "fm")
    draws.sample_boolean("kick", 0.3)
    draws.sample_uniform_number("amp", 0.2, 1.4)
    draws.sample_log_uniform_number("release", 0.05, 4)
    draws.sample_integer("cutoff", 60, 130, step=5)
    draws.sample_choices_with_replacement("notes", [52, 55, 57, ":r"], 6)
    draws.sample_choices_without_replacement("order", ["a", "b", "c", "d"], 3)
    draws.sample_integer_walk("tune", -3, 8, 6, leap=2)
    draws.sample_rhythm_lengths("lengths", 4, [0.25, 0.5, 1])
    return draws.drawn_values


# If draws differed between machines, the same seed would give different corpora.
PINNED = {
    "pinned/1/0": {
        "synth": "prophet",
        "kick": False,
        "amp": 0.53,
        "release": 0.16,
        "cutoff": 75,
        "notes": "55, 52, 55, :r, :r, 55",
        "order": "c, a, b",
        "tune": "8, 7, 8, 8, 7, 8",
        "lengths": "0.5, 0.25, 0.25, 1, 1, 0.5, 0.5",
    },
    "pinned/-7/12": {
        "synth": "prophet",
        "kick": False,
        "amp": 1.31,
        "release": 0.081,
        "cutoff": 90,
        "notes": "55, 57, :r, :r, 57, 55",
        "order": "b, c, a",
        "tune": "3, 5, 4, 6, 7, 6",
        "lengths": "0.5, 1, 0.5, 1, 1",
    },
}


@pytest.mark.parametrize("stream", PINNED)
def test_draws_are_the_same_on_every_machine(stream):
    assert draw_every_kind(stream) == PINNED[stream]


def test_fractions_are_spread_evenly_over_the_unit_interval():
    fraction = make_random_fraction_source("stream", "name")
    values = [fraction(i) for i in range(4000)]
    assert all(0 <= value < 1 for value in values)
    for tenth in range(10):
        share = sum(tenth <= 10 * value < tenth + 1 for value in values) / len(values)
        assert share == pytest.approx(0.1, abs=0.02)


def test_a_parameter_does_not_change_the_draws_of_others():
    with_more = ParameterSampler("s", {})
    with_more.sample_choice("another", 1, 2, 3)
    assert with_more.sample_uniform_number("amp", 0, 1) == ParameterSampler(
        "s", {}
    ).sample_uniform_number("amp", 0, 1)


@given(STREAMS)
@settings(max_examples=200, deadline=None)
def test_values_are_within_their_bounds(stream):
    draws = ParameterSampler(stream, {})
    assert draws.sample_choice("a", "x", "y") in ("x", "y")
    assert draws.sample_boolean("b", 0.5) in (True, False)
    amp = draws.sample_uniform_number("c", 0.25, 0.75, digits=1)
    assert 0.25 <= amp <= 0.75
    release = draws.sample_log_uniform_number("d", 0.013, 3.33)
    assert 0.013 <= release <= 3.33
    cutoff = draws.sample_integer("e", 60, 75, step=5)
    assert cutoff in (60, 65, 70, 75)
    assert set(draws.sample_choices_with_replacement("f", [1, 2], 9)) <= {1, 2}
    order = draws.sample_choices_without_replacement("g", range_list(8), 8)
    assert sorted(order) == range_list(8)
    walk = draws.sample_integer_walk("h", -4, 4, 20, leap=2)
    assert all(-4 <= value <= 4 for value in walk)
    assert all(abs(value - previous) <= 2 for previous, value in zip(walk, walk[1:], strict=False))
    assert sum(draws.sample_rhythm_lengths("i", 4, [0.25, 0.5, 1.5])) == 4
    assert json.loads(json.dumps(draws.drawn_values)) == draws.drawn_values


def range_list(count: int) -> list[int]:
    return list(range(count))


@given(STREAMS)
@settings(max_examples=100, deadline=None)
def test_recorded_values_are_reproduced_in_any_other_stream(stream):
    recorded = draw_every_kind(stream)
    assert draw_every_kind("another stream", values=recorded) == recorded


def test_every_choice_and_both_ends_of_a_range_are_drawn():
    drawn = [ParameterSampler(f"s/{i}", {}) for i in range(300)]
    assert {d.sample_choice("p", "a", "b", "c") for d in drawn} == {"a", "b", "c"}
    assert {d.sample_integer("n", 1, 6) for d in drawn} == {1, 2, 3, 4, 5, 6}
    share = sum(d.sample_boolean("c", 0.2) for d in drawn) / len(drawn)
    assert share == pytest.approx(0.2, abs=0.08)


def test_half_of_the_log_uniform_values_lie_below_the_geometric_mean():
    values = [
        ParameterSampler(f"s/{i}", {}).sample_log_uniform_number("r", 0.01, 1.0) for i in range(600)
    ]
    assert sum(value < 0.1 for value in values) / len(values) == pytest.approx(0.5, abs=0.06)


def test_a_name_drawn_twice_is_one_parameter():
    draws = ParameterSampler("s", {})
    assert draws.sample_uniform_number("amp", 0, 1) == draws.sample_uniform_number("amp", 0, 1)
    with pytest.raises(EarshotError, match="one parameter"):
        draws.sample_uniform_number("amp", 0, 2)


def test_duplicate_options_count_once():
    draws = ParameterSampler("s", {})
    draws.sample_choice("a", ["x", "y", "x"])
    assert draws.specs["a"].choices == ("x", "y")


@pytest.mark.parametrize(
    "draw",
    [
        lambda d: d.sample_choice("a", "only"),
        lambda d: d.sample_choice("a", "x", ["y"]),
        lambda d: d.sample_choice("Bad Name", 1, 2),
        lambda d: d.sample_boolean("a", 1.5),
        lambda d: d.sample_uniform_number("a", 2, 1),
        lambda d: d.sample_uniform_number("a", 0, 1, digits=9),
        lambda d: d.sample_log_uniform_number("a", 0, 1),
        lambda d: d.sample_integer("a", 1, 10, step=4),
        lambda d: d.sample_choices_with_replacement("a", [1, 2], 10_000),
        lambda d: d.sample_choices_with_replacement("a", ["x, y", "z"], 2),
        lambda d: d.sample_choices_without_replacement("a", [1, 2], 3),
        lambda d: d.sample_integer_walk("a", 0, 5, 4, leap=0),
        lambda d: d.sample_rhythm_lengths("a", 4, [0.3, 0.5]),
        lambda d: d.sample_rhythm_lengths("a", 4, [0.75, 1.0]),
        lambda d: d.sample_rhythm_lengths("a", 64, [0.25, 0.5]),
    ],
)
def test_an_invalid_draw_is_reported_with_its_parameter(draw):
    with pytest.raises(EarshotError, match="needs"):
        draw(ParameterSampler("s", {}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("synth", "piano"),
        ("kick", 1),
        ("amp", 2.0),
        ("amp", "loud"),
        ("amp", True),
        ("amp", float("nan")),
        ("release", 0.0),
        ("cutoff", 61),
        ("cutoff", 62.5),
        ("notes", "52, 55"),
        ("notes", "52, 55, 57, 57, 57, 99"),
        ("order", "a, a, b"),
        ("tune", [0, 1, 2, 3, 4, 99]),
        ("lengths", "0.25, 0.5"),
        ("lengths", "4"),
        ("lengths", 4),
    ],
)
def test_an_invalid_value_is_refused_with_the_accepted_values(name, value):
    with pytest.raises(EarshotError, match=f"parameter '{name}' cannot be") as caught:
        draw_every_kind(values={name: value})
    assert caught.value.remedy.startswith("It must be")


def test_fixed_values_are_recorded_in_their_type():
    values = {"synth": "fm", "kick": True, "amp": 1, "cutoff": 65.0, "order": ["d", "a", "b"]}
    recorded = draw_every_kind(values=values)
    assert recorded["synth"] == "fm"
    assert recorded["kick"] is True
    assert isinstance(recorded["amp"], float)
    assert recorded["cutoff"] == 65 and isinstance(recorded["cutoff"], int)
    assert recorded["order"] == "d, a, b"


def test_a_narrowed_parameter_varies_within_its_new_bounds():
    values = {
        "amp": NumberRange(0.5, 0.6),
        "synth": ChoiceSubset(("fm", "tb303")),
        "cutoff": NumberRange(70, 80),
    }
    drawn = [draw_every_kind(f"s/{i}", values) for i in range(80)]
    assert {d["synth"] for d in drawn} == {"fm", "tb303"}
    assert {d["cutoff"] for d in drawn} == {70, 75, 80}
    assert all(0.5 <= d["amp"] <= 0.6 for d in drawn)
    assert len({d["amp"] for d in drawn}) > 5


@pytest.mark.parametrize("only", [True, False])
def test_a_chance_can_be_narrowed_to_one_value(only):
    values = {"kick": ChoiceSubset((only,))}
    assert {draw_every_kind(f"s/{i}", values)["kick"] for i in range(30)} == {only}


@pytest.mark.parametrize(
    ("name", "subset"),
    [
        ("amp", NumberRange(0.5, 9)),
        ("amp", NumberRange(0.9, 0.5)),
        ("amp", ChoiceSubset((0.5,))),
        ("synth", NumberRange(0, 1)),
        ("synth", ChoiceSubset(())),
        ("synth", ChoiceSubset(("piano",))),
        ("cutoff", NumberRange(61, 80)),
        ("notes", ChoiceSubset((52,))),
    ],
)
def test_an_impossible_subset_is_refused(name, subset):
    with pytest.raises(EarshotError, match=f"parameter '{name}' cannot be"):
        draw_every_kind(values={name: subset})


def test_values_are_formatted_as_ruby():
    written = [format_ruby_value(value) for value in (True, 0.5, 3, "x", [1, False])]
    assert written == ["true", "0.5", "3", "x", "1, false"]


def test_specs_compare_by_value():
    draws = ParameterSampler("s", {})
    draws.sample_integer("n", 1, 9)
    assert draws.specs["n"] == ParameterSpec("n", "integer", lo=1, hi=9)
