"""What can be drawn in a template, and how a value is drawn, checked and narrowed.

Every draw is a pure function of a stream's name and the parameter's name: SHA-256
gives the fractions, and the arithmetic on them is exact or correctly rounded. So
the same seed gives the same programs on every machine and every Python, and a
parameter that is added to a template leaves the draws of all the others alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Context, Decimal
from functools import lru_cache
from typing import Any

from core.errors import EarshotError
from core.programs.program import ParameterValue

FractionSource = Callable[[int], float]

LIST_KINDS = ("several", "sample_of", "walk", "rhythm")
NUMBER_KINDS = ("uniform", "log_uniform", "integer")

# Decimal's exp and ln are correctly rounded, unlike those of the C library.
_DECIMAL_CONTEXT = Context(prec=24)


@dataclass(frozen=True)
class NumberRange:
    """Let a number be drawn between `lo` and `hi` instead of its whole range."""

    lo: float
    hi: float


@dataclass(frozen=True)
class ChoiceSubset:
    """Let a parameter be drawn from these of its choices only."""

    choices: tuple[ParameterValue, ...]


@dataclass(frozen=True)
class ParameterSpec:
    """A parameter of a template: what it can be.

    Parameters
    ----------
    name : str
        As it is drawn in the template.
    kind : str
        "pick", "chance", a number ("uniform", "log_uniform", "integer") or a
        list ("several", "sample_of", "walk", "rhythm"), which is recorded as
        text: "0.5, 0.25, 0.25".
    choices : tuple
        Of "pick", "several", "sample_of" and "rhythm"; (False, True) of "chance".
    lo, hi : float or None
        Smallest and largest value of a number or of a member of a "walk";
        for "rhythm" `hi` is the sum of its members, in beats.
    digits : int
        "uniform": decimal places. "log_uniform": significant figures.
    step : int
        "integer": distance of neighbouring values. "walk": largest leap.
    count : int
        Members of a list; for "rhythm" they vary and this is 0.
    p : float
        "chance": probability of True.
    """

    name: str
    kind: str
    choices: tuple[ParameterValue, ...] = ()
    lo: float | None = None
    hi: float | None = None
    digits: int = 0
    step: int = 1
    count: int = 1
    p: float = 0.5

    def draw_value(self, fractions: FractionSource) -> Any:
        """Return a value; `fractions(i)` is the i-th fraction, in [0, 1)."""
        return _DRAW_FUNCTIONS[self.kind](self, fractions)

    def drop_list_size(self) -> ParameterSpec:
        """Return this parameter without what may depend on others: a list's size and leaps."""
        if self.kind not in LIST_KINDS:
            return self
        hi = None if self.kind == "rhythm" else self.hi
        return replace(self, count=0, step=0, hi=hi)

    def validate_value(self, value: Any) -> Any:
        """Return `value`, given from outside, as this parameter would hold it.

        Raises
        ------
        EarshotError
            When this parameter can never have that value.
        """
        if self.kind in LIST_KINDS:
            return self._validate_list(value)
        if self.kind in NUMBER_KINDS:
            return self._validate_number(value)
        for choice in self.choices:
            if choice == value and isinstance(choice, bool) == isinstance(value, bool):
                return choice
        raise self._build_value_error(value, f"one of {format_ruby_value(self.choices)}")

    def narrow_values(self, subset: NumberRange | ChoiceSubset) -> ParameterSpec:
        """Return this parameter with fewer values.

        Raises
        ------
        EarshotError
            When it has no such values.
        """
        if isinstance(subset, ChoiceSubset) and self.kind in ("pick", "chance") and subset.choices:
            kept = tuple(dict.fromkeys(self.validate_value(choice) for choice in subset.choices))
            p = self.p if len(kept) == 2 else float(kept == (True,))
            return replace(self, choices=kept, p=p)
        if isinstance(subset, NumberRange) and self.kind in NUMBER_KINDS and subset.lo <= subset.hi:
            lo, hi = self._validate_number(subset.lo), self._validate_number(subset.hi)
            return replace(self, lo=lo, hi=hi)
        raise self._build_value_error(subset, "narrowed by a Range of numbers or by OneOf its choices")

    def _validate_number(self, value: Any) -> float | int:
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if number and self.lo <= value <= self.hi:
            if self.kind != "integer":
                return float(value)
            if float(value).is_integer() and (value - self.lo) % self.step == 0:
                return int(value)
        steps = f" in steps of {self.step}" if self.step > 1 else ""
        whole = "a whole number" if self.kind == "integer" else "a number"
        raise self._build_value_error(value, f"{whole} from {self.lo} to {self.hi}{steps}")

    def _validate_list(self, value: Any) -> list[ParameterValue]:
        members = value.split(", ") if isinstance(value, str) else value
        members = list(members) if isinstance(members, (list, tuple)) else [members]
        choices = self.choices or tuple(range(int(self.lo), int(self.hi) + 1))
        by_text = {format_ruby_value(choice): choice for choice in choices}
        texts = [format_ruby_value(member) for member in members]
        known = [by_text[text] for text in texts if text in by_text]
        fits = sum(known) == self.hi if self.kind == "rhythm" else len(known) == self.count
        if self.kind == "sample_of":
            fits = fits and len(set(texts)) == len(texts)
        if len(known) == len(texts) and fits:
            return known
        size = f"that sum to {self.hi}" if self.kind == "rhythm" else f"({self.count} of them)"
        raise self._build_value_error(value, f"members of {format_ruby_value(choices)} {size}")

    def _build_value_error(self, value: Any, requirement: str) -> EarshotError:
        return EarshotError(
            f"The parameter {self.name!r} cannot be {str(value)[:80]!r}.",
            remedy=f"It must be {requirement[:400]}.",
        )


def derive_fractions(stream_name: str, parameter_name: str) -> FractionSource:
    """Return the fractions in [0, 1) that belong to one parameter of one stream.

    The i-th is the top 53 bits of SHA-256 over "stream/name/i", divided by 2**53.
    """
    start = hashlib.sha256(f"{stream_name}/{parameter_name}/".encode("utf-8"))

    def compute_fraction(index: int) -> float:
        digest = start.copy()
        digest.update(str(index).encode("ascii"))
        return (int.from_bytes(digest.digest()[:8], "big") >> 11) / 2.0**53

    return compute_fraction


def format_ruby_value(value: Any) -> str:
    """Return `value` as it is written in a template's output.

    Strings are written as they are (`:{{ pick("synth", …) }}`), booleans in
    Ruby's spelling, lists with ", " between their members.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return ", ".join(format_ruby_value(member) for member in value)
    return str(value)


def _draw_pick(spec: ParameterSpec, fractions: FractionSource) -> ParameterValue:
    return _pick_by_fraction(spec.choices, fractions(0))


def _draw_chance(spec: ParameterSpec, fractions: FractionSource) -> bool:
    return fractions(0) < spec.p


def _draw_uniform(spec: ParameterSpec, fractions: FractionSource) -> float:
    value = round(spec.lo + fractions(0) * (spec.hi - spec.lo), spec.digits)
    return float(min(max(value, spec.lo), spec.hi))


def _draw_log_uniform(spec: ParameterSpec, fractions: FractionSource) -> float:
    lo, hi = _compute_log(spec.lo), _compute_log(spec.hi)
    width = _DECIMAL_CONTEXT.subtract(hi, lo)
    exponent = _DECIMAL_CONTEXT.fma(Decimal(fractions(0)), width, lo)
    value = float(f"{_DECIMAL_CONTEXT.exp(exponent):.{spec.digits - 1}e}")
    return float(min(max(value, spec.lo), spec.hi))


@lru_cache(maxsize=1024)
def _compute_log(value: float) -> Decimal:
    return _DECIMAL_CONTEXT.ln(Decimal(value))


def _draw_integer(spec: ParameterSpec, fractions: FractionSource) -> int:
    values = int(spec.hi - spec.lo) // spec.step + 1
    return int(spec.lo) + spec.step * int(fractions(0) * values)


def _draw_several(spec: ParameterSpec, fractions: FractionSource) -> list[ParameterValue]:
    return [_pick_by_fraction(spec.choices, fractions(i)) for i in range(spec.count)]


def _draw_sample_of(spec: ParameterSpec, fractions: FractionSource) -> list[ParameterValue]:
    left = list(spec.choices)
    return [left.pop(int(fractions(i) * len(left))) for i in range(spec.count)]


def _draw_walk(spec: ParameterSpec, fractions: FractionSource) -> list[int]:
    lo, hi = int(spec.lo), int(spec.hi)
    here = lo + int(fractions(0) * (hi - lo + 1))
    steps = [here]
    for i in range(1, spec.count):
        low, high = max(lo, here - spec.step), min(hi, here + spec.step)
        here = low + int(fractions(i) * (high - low + 1))
        steps.append(here)
    return steps


def _draw_rhythm(spec: ParameterSpec, fractions: FractionSource) -> list[ParameterValue]:
    left, lengths = spec.hi, []
    while left > 0:
        length = _pick_by_fraction([c for c in spec.choices if c <= left], fractions(len(lengths)))
        lengths.append(length)
        left -= length
    return lengths


def _pick_by_fraction(options: Sequence[ParameterValue], fraction: float) -> ParameterValue:
    return options[int(fraction * len(options))]


_DRAW_FUNCTIONS: dict[str, Callable[[ParameterSpec, FractionSource], Any]] = {
    "pick": _draw_pick,
    "chance": _draw_chance,
    "uniform": _draw_uniform,
    "log_uniform": _draw_log_uniform,
    "integer": _draw_integer,
    "several": _draw_several,
    "sample_of": _draw_sample_of,
    "walk": _draw_walk,
    "rhythm": _draw_rhythm,
}
