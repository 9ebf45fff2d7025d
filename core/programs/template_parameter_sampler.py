"""Sampling of template parameters by name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from core.errors import EarshotError
from core.programs.program import ParameterValue
from core.programs.template_parameters import (
    ChoiceSubset,
    NumberRange,
    ParameterSpec,
    format_ruby_value,
    make_random_fraction_source,
)

_NAME_PATTERN = re.compile(r"[a-z][a-z0-9_]{0,39}\Z")
_SIXTEENTHS_PER_BEAT = 16
MAX_LIST_MEMBERS = 64


class ParameterSampler:
    """The sampler of the parameters of one rendering.

    A name that is drawn twice is one parameter, with one specification and one value.

    Parameters
    ----------
    stream_name : str
        Name of the random stream, of which every draw is a pure function.
    parameter_values : mapping of str to object
        By parameter, a value to use, or a `NumberRange` or `ChoiceSubset` to draw from.

    Attributes
    ----------
    specs : dict of str to ParameterSpec
        Drawn parameters in the order of drawing, before any narrowing.
    drawn_values : dict of str to str, int, float or bool
        Their values; lists as text, as in the source.
    """

    METHOD_NAMES = {  # by the names in templates
        "pick": "sample_choice",
        "chance": "sample_boolean",
        "uniform": "sample_uniform_number",
        "log_uniform": "sample_log_uniform_number",
        "integer": "sample_integer",
        "several": "sample_choices_with_replacement",
        "sample_of": "sample_choices_without_replacement",
        "walk": "sample_integer_walk",
        "rhythm": "sample_rhythm_lengths",
    }

    def __init__(self, stream_name: str, parameter_values: Mapping[str, Any]):
        self._stream_name = stream_name
        self._parameter_values = parameter_values
        self._raw_values: dict[str, Any] = {}
        self.specs: dict[str, ParameterSpec] = {}
        self.drawn_values: dict[str, ParameterValue] = {}

    def get_template_functions(self) -> dict[str, Any]:
        """Return the draw functions by their names in templates."""
        return {name: getattr(self, method_name) for name, method_name in self.METHOD_NAMES.items()}

    def sample_choice(self, name: str, *options: Any) -> ParameterValue:
        """Draw one of the options, passed one by one or as one list."""
        choices = _validate_and_deduplicate_choices(name, options)
        return self._sample_parameter_once(ParameterSpec(name, "pick", choices=choices))

    def sample_boolean(self, name: str, p: float = 0.5) -> bool:
        """Draw True with probability `p`, else False."""
        _raise_unless_draw_arguments_valid(0 < p < 1, name, "a probability between 0 and 1")
        return self._sample_parameter_once(
            ParameterSpec(name, "chance", choices=(False, True), p=float(p))
        )

    def sample_uniform_number(self, name: str, lo: float, hi: float, digits: int = 2) -> float:
        """Draw a number from `lo` to `hi`, with `digits` decimal places."""
        _raise_unless_draw_arguments_valid(
            lo < hi and 1 <= digits <= 6, name, "lo < hi and 1 to 6 digits"
        )
        spec = ParameterSpec(name, "uniform", lo=float(lo), hi=float(hi), digits=digits)
        return self._sample_parameter_once(spec)

    def sample_log_uniform_number(self, name: str, lo: float, hi: float, digits: int = 2) -> float:
        """Draw a number whose logarithm is uniform, with `digits` significant figures."""
        _raise_unless_draw_arguments_valid(
            0 < lo < hi and 1 <= digits <= 6, name, "0 < lo < hi and 1 to 6 digits"
        )
        spec = ParameterSpec(name, "log_uniform", lo=float(lo), hi=float(hi), digits=digits)
        return self._sample_parameter_once(spec)

    def sample_integer(self, name: str, lo: int, hi: int, step: int = 1) -> int:
        """Draw a whole number from `lo` to `hi`, both included, in steps of `step`."""
        is_valid = lo < hi and step >= 1 and (hi - lo) % step == 0
        _raise_unless_draw_arguments_valid(is_valid, name, "lo < hi, a whole number of steps apart")
        return self._sample_parameter_once(ParameterSpec(name, "integer", lo=lo, hi=hi, step=step))

    def sample_choices_with_replacement(
        self, name: str, options: Any, count: int
    ) -> list[ParameterValue]:
        """Draw `count` options with replacement."""
        choices = _validate_and_deduplicate_choices(name, (options,), is_list=True)
        is_valid = 1 <= count <= MAX_LIST_MEMBERS
        _raise_unless_draw_arguments_valid(is_valid, name, f"1 to {MAX_LIST_MEMBERS} members")
        return self._sample_parameter_once(
            ParameterSpec(name, "several", choices=choices, count=count)
        )

    def sample_choices_without_replacement(
        self, name: str, options: Any, count: int
    ) -> list[ParameterValue]:
        """Draw `count` options without replacement, in random order."""
        choices = _validate_and_deduplicate_choices(name, (options,), is_list=True)
        _raise_unless_draw_arguments_valid(
            1 <= count <= len(choices), name, f"1 to {len(choices)} members"
        )
        return self._sample_parameter_once(
            ParameterSpec(name, "sample_of", choices=choices, count=count)
        )

    def sample_integer_walk(
        self, name: str, lo: int, hi: int, count: int, leap: int = 2
    ) -> list[int]:
        """Draw `count` whole numbers from `lo` to `hi`, neighbours at most `leap` apart."""
        is_valid = lo < hi <= lo + 127 and 1 <= count <= MAX_LIST_MEMBERS and leap >= 1
        requirement = f"lo < hi, 1 to {MAX_LIST_MEMBERS} members and a leap of at least 1"
        _raise_unless_draw_arguments_valid(is_valid, name, requirement)
        return self._sample_parameter_once(
            ParameterSpec(name, "walk", lo=lo, hi=hi, count=count, step=leap)
        )

    def sample_rhythm_lengths(self, name: str, beats: float, lengths: Any) -> list[float]:
        """Draw lengths, in beats, whose sum is exactly `beats`."""
        choices = _validate_and_deduplicate_choices(name, (lengths,), is_list=True)
        numbers = [length for length in choices if isinstance(length, (int, float))]
        is_valid = len(numbers) == len(choices) and all(
            length > 0 and float(length * _SIXTEENTHS_PER_BEAT).is_integer()
            for length in (beats, *numbers)
        )
        _raise_unless_draw_arguments_valid(
            is_valid, name, "lengths that are multiples of 1/16 beat"
        )
        shortest = min(numbers)
        is_valid = beats <= MAX_LIST_MEMBERS * shortest and all(
            (length / shortest).is_integer() for length in (beats, *numbers)
        )
        requirement = "lengths and beats that are multiples of the shortest length"
        _raise_unless_draw_arguments_valid(is_valid, name, requirement)
        return self._sample_parameter_once(
            ParameterSpec(name, "rhythm", choices=choices, hi=beats, count=0)
        )

    def _sample_parameter_once(self, spec: ParameterSpec) -> Any:
        name = spec.name
        if name in self.specs:
            requirement = "the same options wherever it is drawn, because it is one parameter"
            _raise_unless_draw_arguments_valid(self.specs[name] == spec, name, requirement)
            return self._raw_values[name]
        is_valid = bool(_NAME_PATTERN.match(name))
        _raise_unless_draw_arguments_valid(
            is_valid, name, "a name of small letters, digits and '_'"
        )
        value = self._sample_parameter_value(spec)
        self.specs[name] = spec
        self._raw_values[name] = value
        self.drawn_values[name] = format_ruby_value(value) if isinstance(value, list) else value
        return value

    def _sample_parameter_value(self, spec: ParameterSpec) -> Any:
        fixed_value = self._parameter_values.get(spec.name)
        if isinstance(fixed_value, (NumberRange, ChoiceSubset)):
            spec = spec.restrict_possible_values(fixed_value)
        elif fixed_value is not None:
            return spec.validate_parameter_value(fixed_value)
        return spec.sample_parameter_value(
            make_random_fraction_source(self._stream_name, spec.name)
        )


def _validate_and_deduplicate_choices(
    name: str, options: tuple[Any, ...], is_list: bool = False
) -> tuple[ParameterValue, ...]:
    if len(options) == 1 and isinstance(options[0], (list, tuple)):
        options = tuple(options[0])
    distinct: dict[str, ParameterValue] = {}
    if all(isinstance(option, (str, int, float)) for option in options):
        # An option that appears twice, as in two overlapping groups, counts once.
        distinct = {format_ruby_value(option): option for option in options}
    requirement = "two or more different options, each a text or number"
    _raise_unless_draw_arguments_valid(len(distinct) >= 2, name, requirement)
    is_separable = not (is_list and any(", " in text for text in distinct))
    requirement = "options without ', ', which separates the members of a list"
    _raise_unless_draw_arguments_valid(is_separable, name, requirement)
    return tuple(distinct.values())


def _raise_unless_draw_arguments_valid(is_valid: bool, name: str, requirement: str) -> None:
    if not is_valid:
        raise EarshotError(f"The draw of {str(name)[:60]!r} needs {requirement}.")
