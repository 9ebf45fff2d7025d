"""Paths between two variants of a template: programs with parameters between theirs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.errors import EarshotError
from core.programs.jinja_template import Template
from core.programs.program import ParameterValue, Program
from core.programs.template_parameters import NUMBER_KINDS, ParameterSpec

CONTINUOUS_KINDS = ("uniform", "log_uniform")
MIN_STEPS, MAX_STEPS = 2, 33


def interpolate_variants(
    template: Template,
    first: Mapping[str, ParameterValue],
    last: Mapping[str, ParameterValue],
    step_count: int = 7,
) -> list[Program]:
    """Return programs on a path from one variant of a template to another.

    Numbers move evenly, on a logarithmic scale where the template draws them on one. All other
    parameters, such as synths and lists of notes, change to their last value one after the other,
    at even distances.

    Parameters
    ----------
    template : Template
    first, last : mapping of str to str, int, float or bool
        `Program.parameters` of the two variants. A parameter that only one of them has, in a
        branch that the other does not take, keeps its value.
    step_count : int
        Number of programs, 2 to 33, with both ends.

    Returns
    -------
    list of Program
        The first and the last have exactly the sources of the two variants. Neighbours whose
        sources are equal are one program, so there can be fewer than `step_count`.

    Raises
    ------
    EarshotError
        If `step_count` is out of range, or the template no longer has a parameter or a value of
        the first or the last variant.

    Examples
    --------
    >>> from core.programs import generate, get_template
    >>> template = get_template("02_1_beeps")
    >>> first, last = generate(template, 2, seed=0)
    >>> path = interpolate_variants(template, first.parameters, last.parameters, 5)
    >>> (path[0].source, path[-1].source) == (first.source, last.source)
    True
    """
    if not MIN_STEPS <= step_count <= MAX_STEPS:
        raise EarshotError(
            f"A path cannot have {step_count} steps.",
            remedy=f"Give {MIN_STEPS} to {MAX_STEPS}.",
        )
    specs = {spec.name: spec for spec in template.list_template_parameters()}
    switched = [
        name
        for name in specs
        if name in first and name in last and specs[name].kind not in NUMBER_KINDS
        if first[name] != last[name]
    ]
    path: list[Program] = []
    for step in range(step_count):
        share = step / (step_count - 1)
        program = _render_interpolated_program(template, specs, (first, last), share, switched)
        if not path or program.source != path[-1].source:
            path.append(program)
    return path


def _render_interpolated_program(
    template: Template,
    specs: Mapping[str, ParameterSpec],
    ends: tuple[Mapping[str, ParameterValue], Mapping[str, ParameterValue]],
    share: float,
    switched: list[str],
) -> Program:
    """Render the program at a share of the path, from 0 to 1."""
    nearer_end = ends[share >= 0.5]
    if share not in (0, 1):
        discrete = {
            name: value
            for name, value in nearer_end.items()
            if name in specs and specs[name].kind not in CONTINUOUS_KINDS
        }
        # A list must have as many members as another parameter says, for example. Where a mixture
        # breaks such a rule, all that does not move continuously changes at once, in the middle.
        for fixed_values in ({}, discrete):
            mixed = _interpolate_parameters(specs, *ends, share, switched) | fixed_values
            try:
                return template.render({**nearer_end, **mixed} if fixed_values else mixed)
            except EarshotError:
                continue
    return template.render(nearer_end)


def _interpolate_parameters(
    specs: Mapping[str, ParameterSpec],
    first: Mapping[str, ParameterValue],
    last: Mapping[str, ParameterValue],
    share: float,
    switched: list[str],
) -> dict[str, Any]:
    """Return the parameters at a share of the path, from 0 to 1."""
    mixed: dict[str, Any] = {**last, **first}
    for name in first.keys() & last.keys():
        if name in switched:
            # The first of n changes in the middle of the first of n equal parts, and so on.
            if share * len(switched) >= switched.index(name) + 0.5:
                mixed[name] = last[name]
        elif name in specs and specs[name].kind in NUMBER_KINDS:
            mixed[name] = _interpolate_numbers(
                specs[name], float(first[name]), float(last[name]), share
            )
    return mixed


def _interpolate_numbers(
    spec: ParameterSpec, first: float, last: float, share: float
) -> float | int:
    if spec.kind == "integer":
        low = int(spec.lo or 0)
        step_number = round(((1 - share) * first + share * last - low) / spec.step)
        return low + spec.step * step_number
    if spec.kind == "log_uniform":
        value = first ** (1 - share) * last**share
        return float(f"{value:.{spec.digits - 1}e}")
    return round((1 - share) * first + share * last, spec.digits)
