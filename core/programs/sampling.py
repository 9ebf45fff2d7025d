"""The functions by which a template draws its parameters by name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from core.errors import EarshotError
from core.programs.parameters import OneOf, ParameterSpec, Range, fractions_of, ruby
from core.programs.program import Value

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}\Z")
_SIXTEENTH = 16
MOST_MEMBERS = 64


class Draws:
    """The draws of one rendering of a template.

    A name drawn twice is one parameter: it has one meaning and one value.

    Parameters
    ----------
    stream : str
        Names the random stream, of which every draw is a pure function.
    values : mapping of str to object
        By parameter: a value to use, or a `Range` or `OneOf` to draw from.

    Attributes
    ----------
    specs : dict of str to ParameterSpec
        What was drawn, in the order of drawing, before any narrowing.
    recorded : dict of str to str, int, float or bool
        The values; lists as text, as they stand in the source.
    """

    FUNCTIONS = (
        "pick",
        "chance",
        "uniform",
        "log_uniform",
        "integer",
        "several",
        "sample_of",
        "walk",
        "rhythm",
    )

    def __init__(self, stream: str, values: Mapping[str, Any]):
        self._stream = stream
        self._values = values
        self._drawn: dict[str, Any] = {}
        self.specs: dict[str, ParameterSpec] = {}
        self.recorded: dict[str, Value] = {}

    def functions(self) -> dict[str, Any]:
        """Return what a template sees, by name."""
        return {name: getattr(self, name) for name in self.FUNCTIONS}

    def pick(self, name: str, *options: Any) -> Value:
        """Draw one of the options, given one by one or as one list."""
        return self._draw(ParameterSpec(name, "pick", choices=_options(name, options)))

    def chance(self, name: str, p: float = 0.5) -> bool:
        """Draw whether something happens, with probability `p`."""
        _require(0 < p < 1, name, "a probability between 0 and 1")
        return self._draw(ParameterSpec(name, "chance", choices=(False, True), p=float(p)))

    def uniform(self, name: str, lo: float, hi: float, digits: int = 2) -> float:
        """Draw a number from `lo` to `hi`, with `digits` decimal places."""
        _require(lo < hi and 1 <= digits <= 6, name, "lo < hi and 1 to 6 digits")
        spec = ParameterSpec(name, "uniform", lo=float(lo), hi=float(hi), digits=digits)
        return self._draw(spec)

    def log_uniform(self, name: str, lo: float, hi: float, digits: int = 2) -> float:
        """Draw a number whose logarithm is uniform, with `digits` significant figures."""
        _require(0 < lo < hi and 1 <= digits <= 6, name, "0 < lo < hi and 1 to 6 digits")
        spec = ParameterSpec(name, "log_uniform", lo=float(lo), hi=float(hi), digits=digits)
        return self._draw(spec)

    def integer(self, name: str, lo: int, hi: int, step: int = 1) -> int:
        """Draw a whole number from `lo` to `hi`, both included, in steps of `step`."""
        fits = lo < hi and step >= 1 and (hi - lo) % step == 0
        _require(fits, name, "lo < hi, a whole number of steps apart")
        return self._draw(ParameterSpec(name, "integer", lo=lo, hi=hi, step=step))

    def several(self, name: str, options: Any, count: int) -> list[Value]:
        """Draw `count` of the options; the same one may come again."""
        choices = _options(name, (options,), listed=True)
        _require(1 <= count <= MOST_MEMBERS, name, f"1 to {MOST_MEMBERS} members")
        return self._draw(ParameterSpec(name, "several", choices=choices, count=count))

    def sample_of(self, name: str, options: Any, count: int) -> list[Value]:
        """Draw `count` different options, in random order."""
        choices = _options(name, (options,), listed=True)
        _require(1 <= count <= len(choices), name, f"1 to {len(choices)} members")
        return self._draw(ParameterSpec(name, "sample_of", choices=choices, count=count))

    def walk(self, name: str, lo: int, hi: int, count: int, leap: int = 2) -> list[int]:
        """Draw `count` whole numbers from `lo` to `hi`, neighbours at most `leap` apart."""
        fits = lo < hi <= lo + 127 and 1 <= count <= MOST_MEMBERS and leap >= 1
        _require(fits, name, f"lo < hi, 1 to {MOST_MEMBERS} members and a leap of at least 1")
        return self._draw(ParameterSpec(name, "walk", lo=lo, hi=hi, count=count, step=leap))

    def rhythm(self, name: str, beats: float, lengths: Any) -> list[Value]:
        """Draw lengths, in beats, whose sum is exactly `beats`."""
        choices = _options(name, (lengths,), listed=True)
        sixteenths = [length * _SIXTEENTH for length in (beats, *choices)]
        fits = all(float(n).is_integer() and n > 0 for n in sixteenths)
        _require(fits, name, "lengths that are multiples of 1/16 beat")
        shortest = min(choices)
        fits = beats <= MOST_MEMBERS * shortest
        fits = fits and all((length / shortest).is_integer() for length in (beats, *choices))
        _require(fits, name, "lengths and beats that are multiples of the shortest length")
        return self._draw(ParameterSpec(name, "rhythm", choices=choices, hi=beats, count=0))

    def _draw(self, spec: ParameterSpec) -> Any:
        name = spec.name
        if name in self.specs:
            same = self.specs[name] == spec
            _require(same, name, "the same options wherever it is drawn, for it is one parameter")
            return self._drawn[name]
        _require(bool(_NAME.match(name)), name, "a name of small letters, digits and '_'")
        value = self._value(spec)
        self.specs[name] = spec
        self._drawn[name] = value
        self.recorded[name] = ruby(value) if isinstance(value, list) else value
        return value

    def _value(self, spec: ParameterSpec) -> Any:
        given = self._values.get(spec.name)
        if isinstance(given, (Range, OneOf)):
            spec = spec.narrowed(given)
        elif given is not None:
            return spec.checked(given)
        return spec.draw(fractions_of(self._stream, spec.name))


def _options(name: str, options: tuple, listed: bool = False) -> tuple[Value, ...]:
    if len(options) == 1 and isinstance(options[0], (list, tuple)):
        options = tuple(options[0])
    kinds = all(isinstance(option, (str, int, float)) for option in options)
    # An option that stands twice, as in two overlapping groups, counts once.
    options = tuple({ruby(option): option for option in options}.values()) if kinds else ()
    _require(len(options) >= 2, name, "two or more different options, each a text or number")
    separable = not (listed and any(", " in ruby(option) for option in options))
    _require(separable, name, "options without ', ', which separates the members of a list")
    return options


def _require(fits: bool, name: str, wanted: str) -> None:
    if not fits:
        raise EarshotError(f"The draw of {str(name)[:60]!r} needs {wanted}.")
