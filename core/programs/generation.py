"""Many different programs from one template."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from core.errors import EarshotError
from core.programs.program import Program
from core.programs.jinja_template import Template
from core.programs.jinja_template import get_template as template_of

MAX_PROGRAMS = 1_000_000


def generate(
    template: Template | str,
    count: int,
    seed: int,
    parameter_values: Mapping[str, Any] | None = None,
) -> list[Program]:
    """Make programs that all differ, the same for the same seed on every machine.

    Parameters
    ----------
    template : Template or str
        A template or its id.
    count : int
        How many. The first n of a larger count are those of the count n.
    seed : int
        Any whole number.
    parameter_values : mapping of str to object, optional
        Parameters to fix or narrow, as in `Template.render`.

    Returns
    -------
    list of Program
        With names "TEMPLATE-0000", "TEMPLATE-0001", …

    Raises
    ------
    EarshotError
        When the template can't give that many; it says how many it gave.
    """
    if isinstance(template, str):
        template = template_of(template)
    whole = isinstance(count, int) and isinstance(seed, int) and not isinstance(count, bool)
    if not whole or not 0 <= count <= MAX_PROGRAMS:
        raise EarshotError(
            f"{count!r} programs with seed {seed!r} cannot be made.",
            remedy=f"Give whole numbers, and a count from 0 to {MAX_PROGRAMS:,}.",
        )
    found: dict[str, Program] = {}
    variant, repeats = 0, 0
    while len(found) < count:
        program = template.render(parameter_values, seed, variant)
        variant += 1
        if program.source not in found:
            name = f"{template.id}-{len(found):04d}"
            found[program.source] = replace(program, name=name)
            repeats = 0
            continue
        repeats += 1
        if repeats > _compute_max_repeats(len(found)):
            raise EarshotError(
                f"The template {template.id!r} gives {len(found)} different programs"
                f"{' with these values' if parameter_values else ''}, not {count}.",
                remedy=f"Ask for at most {len(found)}.",
            )
    return list(found.values())


def _compute_max_repeats(program_count: int) -> int:
    """Return after how many repeats in a row there is no hope of a new program.

    Of n equally likely programs the last one stays hidden through 8 n draws with
    probability exp(-8).
    """
    return 64 + 8 * program_count
