"""Parameters of templates: their specification, drawing, validation and narrowing.

Every draw is a pure function of the names of the stream and the parameter: SHA-256 gives the
fractions, and the arithmetic on them is exact or correctly rounded. So the same seed gives the
same programs on every machine and every Python version, and adding a parameter to a template does
not change the draws of the others. The grammar draws from `grammar.rng` instead; the two must stay
separate, because merging them would change the programs of every seed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Context, Decimal
from functools import lru_cache
from typing import Any, TypeVar

from core.errors import EarshotError
from core.programs.program import ParameterValue

Option = TypeVar("Option")
FractionSource = Callable[[int], float]  # the i-th random fraction, in [0, 1), by i

LIST_KINDS = ("several", "sample_of", "walk", "rhythm")
NUMBER_KINDS = ("uniform", "log_uniform", "integer")

# Decimal's exp and ln are correctly rounded, while those of the C library differ by platform.
_DECIMAL_CONTEXT = Context(prec=24)


@dataclass(frozen=True)
class NumberRange:
    """A narrower range for a numeric parameter, with both ends included."""

    lo: float
    hi: float


@dataclass(frozen=True)
class ChoiceSubset:
    """A subset of the choices of a parameter."""

    choices: tuple[ParameterValue, ...]


@dataclass(frozen=True)
class ParameterSpec:
    """The specification of a parameter: its kind and its possible values.

    Parameters
    ----------
    name : str
        Name in the template.
    kind : str
        "pick", "chance", a number ("uniform", "log_uniform", "integer") or a list ("several",
        "sample_of", "walk", "rhythm"), which is recorded as text: "0.5, 0.25, 0.25".
    choices : tuple
        Choices of "pick", "several", "sample_of" and "rhythm"; (False, True) for "chance".
    lo, hi : float or None
        Smallest and largest value of a number or of a member of a "walk"; for "rhythm", `hi` is
        the sum of the members, in beats.
    digits : int
        Decimal places of "uniform", significant figures of "log_uniform".
    step : int
        Distance between neighbouring values of "integer", largest leap of "walk".
    count : int
        Number of members of a list; 0 for "rhythm", where it varies.
    p : float
        Probability of True, for "chance".
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

    @property
    def value_bounds(self) -> tuple[float, float]:
        """Smallest and largest value of a number or of a member of a "walk"."""
        if self.lo is None or self.hi is None:
            raise ValueError(f"The parameter {self.name!r} of kind {self.kind!r} has no bounds.")
        return self.lo, self.hi

    def sample_parameter_value(self, fractions: FractionSource) -> Any:
        """Draw a value.

        Parameters
        ----------
        fractions : callable
            Returns the i-th random fraction, in [0, 1), for i.
        """
        return _SAMPLING_FUNCTIONS[self.kind](self, fractions)

    def copy_without_list_size(self) -> ParameterSpec:
        """Return a copy without list size and leap, which may depend on other parameters."""
        if self.kind not in LIST_KINDS:
            return self
        hi = None if self.kind == "rhythm" else self.hi
        return replace(self, count=0, step=0, hi=hi)

    def validate_parameter_value(self, value: Any) -> Any:
        """Return a user's value in the type that this parameter draws.

        Parameters
        ----------
        value : object
            A choice, a number, or a list as list or text.

        Raises
        ------
        EarshotError
            If the parameter cannot have this value.
        """
        if self.kind in LIST_KINDS:
            return self._validate_list_parameter(value)
        if self.kind in NUMBER_KINDS:
            return self._validate_number_parameter(value)
        for choice in self.choices:
            if choice == value and isinstance(choice, bool) == isinstance(value, bool):
                return choice
        raise self._build_parameter_value_error(value, f"one of {format_ruby_value(self.choices)}")

    def restrict_possible_values(self, subset: NumberRange | ChoiceSubset) -> ParameterSpec:
        """Return a copy that is restricted to some of the possible values.

        Parameters
        ----------
        subset : NumberRange or ChoiceSubset
            A range for a number, a subset for "pick" or "chance".

        Raises
        ------
        EarshotError
            If the subset is empty, or not a subset of the possible values.
        """
        if isinstance(subset, ChoiceSubset) and self.kind in ("pick", "chance") and subset.choices:
            choices = tuple(
                dict.fromkeys(self.validate_parameter_value(choice) for choice in subset.choices)
            )
            p = self.p if len(choices) == 2 else float(choices == (True,))
            return replace(self, choices=choices, p=p)
        if isinstance(subset, NumberRange) and self.kind in NUMBER_KINDS and subset.lo <= subset.hi:
            lo, hi = (
                self._validate_number_parameter(subset.lo),
                self._validate_number_parameter(subset.hi),
            )
            return replace(self, lo=lo, hi=hi)
        requirement = "narrowed to a range of its numbers or to some of its choices"
        raise self._build_parameter_value_error(subset, requirement)

    def _validate_number_parameter(self, value: Any) -> float | int:
        lo, hi = self.value_bounds
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if is_number and lo <= value <= hi:
            if self.kind != "integer":
                return float(value)
            if float(value).is_integer() and (value - lo) % self.step == 0:
                return int(value)
        steps = f" in steps of {self.step}" if self.step > 1 else ""
        noun = "a whole number" if self.kind == "integer" else "a number"
        raise self._build_parameter_value_error(value, f"{noun} from {lo} to {hi}{steps}")

    def _validate_list_parameter(self, value: Any) -> list[ParameterValue]:
        members = value.split(", ") if isinstance(value, str) else value
        members = list(members) if isinstance(members, (list, tuple)) else [members]
        choices = self.choices or self._list_walk_choices()
        choices_by_text = {format_ruby_value(choice): choice for choice in choices}
        texts = [format_ruby_value(member) for member in members]
        valid_members = [choices_by_text[text] for text in texts if text in choices_by_text]
        if self.kind == "rhythm":
            fits = sum(_filter_numbers(valid_members)) == self.hi
        else:
            fits = len(valid_members) == self.count
        if self.kind == "sample_of":
            fits = fits and len(set(texts)) == len(texts)
        if len(valid_members) == len(texts) and fits:
            return valid_members
        size = f"that sum to {self.hi}" if self.kind == "rhythm" else f"({self.count} of them)"
        raise self._build_parameter_value_error(
            value, f"members of {format_ruby_value(choices)} {size}"
        )

    def _list_walk_choices(self) -> tuple[int, ...]:
        lo, hi = self.value_bounds
        return tuple(range(int(lo), int(hi) + 1))

    def _build_parameter_value_error(self, value: Any, requirement: str) -> EarshotError:
        return EarshotError(
            f"The parameter {self.name!r} cannot be {str(value)[:80]!r}.",
            remedy=f"It must be {requirement[:400]}.",
        )


def make_random_fraction_source(stream_name: str, parameter_name: str) -> FractionSource:
    """Return the source of random fractions for one parameter of one stream.

    Parameters
    ----------
    stream_name : str
        Name of the random stream, such as "TEMPLATE/SEED/VARIANT".
    parameter_name : str
        Name of the parameter.

    Returns
    -------
    callable
        Returns the i-th fraction, in [0, 1), for i: the top 53 bits of the SHA-256 of
        "stream/name/i", divided by 2**53.
    """
    prefix_digest = hashlib.sha256(f"{stream_name}/{parameter_name}/".encode())

    def compute_random_fraction(index: int) -> float:
        digest = prefix_digest.copy()
        digest.update(str(index).encode("ascii"))
        return (int.from_bytes(digest.digest()[:8], "big") >> 11) / 2.0**53

    return compute_random_fraction


def format_ruby_value(value: Any) -> str:
    """Return the text of a value in the output of a template.

    Parameters
    ----------
    value : object
        A string, which is unchanged (`:{{ pick("synth", …) }}`), a boolean, which gets Ruby's
        spelling, a number, or a list, whose members are joined by ", ".
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return ", ".join(format_ruby_value(member) for member in value)
    return str(value)


def _sample_one_choice(spec: ParameterSpec, fractions: FractionSource) -> ParameterValue:
    return _pick_option_by_fraction(spec.choices, fractions(0))


def _sample_boolean(spec: ParameterSpec, fractions: FractionSource) -> bool:
    return fractions(0) < spec.p


def _sample_uniform_number(spec: ParameterSpec, fractions: FractionSource) -> float:
    lo, hi = spec.value_bounds
    value = round(lo + fractions(0) * (hi - lo), spec.digits)
    return float(min(max(value, lo), hi))


def _sample_log_uniform_number(spec: ParameterSpec, fractions: FractionSource) -> float:
    lo, hi = spec.value_bounds
    log_lo, log_hi = _compute_decimal_logarithm(lo), _compute_decimal_logarithm(hi)
    width = _DECIMAL_CONTEXT.subtract(log_hi, log_lo)
    exponent = _DECIMAL_CONTEXT.fma(Decimal(fractions(0)), width, log_lo)
    value = float(f"{_DECIMAL_CONTEXT.exp(exponent):.{spec.digits - 1}e}")
    return float(min(max(value, lo), hi))


@lru_cache(maxsize=1024)
def _compute_decimal_logarithm(value: float) -> Decimal:
    return _DECIMAL_CONTEXT.ln(Decimal(value))


def _sample_integer(spec: ParameterSpec, fractions: FractionSource) -> int:
    lo, hi = spec.value_bounds
    value_count = int(hi - lo) // spec.step + 1
    return int(lo) + spec.step * int(fractions(0) * value_count)


def _sample_with_replacement(
    spec: ParameterSpec, fractions: FractionSource
) -> list[ParameterValue]:
    return [_pick_option_by_fraction(spec.choices, fractions(i)) for i in range(spec.count)]


def _sample_without_replacement(
    spec: ParameterSpec, fractions: FractionSource
) -> list[ParameterValue]:
    remaining = list(spec.choices)
    return [remaining.pop(int(fractions(i) * len(remaining))) for i in range(spec.count)]


def _sample_integer_walk(spec: ParameterSpec, fractions: FractionSource) -> list[int]:
    lo, hi = map(int, spec.value_bounds)
    value = lo + int(fractions(0) * (hi - lo + 1))
    values = [value]
    for i in range(1, spec.count):
        next_lo, next_hi = max(lo, value - spec.step), min(hi, value + spec.step)
        value = next_lo + int(fractions(i) * (next_hi - next_lo + 1))
        values.append(value)
    return values


def _sample_rhythm_lengths(spec: ParameterSpec, fractions: FractionSource) -> list[float]:
    beats_left = spec.hi or 0
    lengths: list[float] = []
    choices = _filter_numbers(spec.choices)
    while beats_left > 0:
        fitting = [length for length in choices if length <= beats_left]
        length = _pick_option_by_fraction(fitting, fractions(len(lengths)))
        lengths.append(length)
        beats_left -= length
    return lengths


def _filter_numbers(values: Iterable[ParameterValue]) -> list[float]:
    return [value for value in values if isinstance(value, (int, float))]


def _pick_option_by_fraction(options: Sequence[Option], fraction: float) -> Option:
    return options[int(fraction * len(options))]


_SAMPLING_FUNCTIONS: dict[str, Callable[[ParameterSpec, FractionSource], Any]] = {
    "pick": _sample_one_choice,
    "chance": _sample_boolean,
    "uniform": _sample_uniform_number,
    "log_uniform": _sample_log_uniform_number,
    "integer": _sample_integer,
    "several": _sample_with_replacement,
    "sample_of": _sample_without_replacement,
    "walk": _sample_integer_walk,
    "rhythm": _sample_rhythm_lengths,
}
