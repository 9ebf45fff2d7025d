"""Generation of distinct programs from one template."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from core.errors import EarshotError
from core.programs.jinja_template import Template, get_template
from core.programs.program import Program, validate_count_and_seed
from core.programs.template_vocabulary import DEFAULT_SOUND_SET


def generate(
    template: Template | str,
    count: int,
    seed: int,
    parameter_values: Mapping[str, Any] | None = None,
    *,
    sound_set: str = DEFAULT_SOUND_SET,
) -> list[Program]:
    """Generate distinct programs from a template.

    The same seed gives the same programs on every machine.

    Parameters
    ----------
    template : Template or str
        A template or its id.
    count : int
        Number of programs, 0 to 1,000,000. A smaller count gives the first programs of a larger
        one.
    seed : int
        Any integer.
    parameter_values : mapping of str to object, optional
        Parameters to fix or narrow, as in `Template.render`.
    sound_set : {"3.2", "5"}
        Version of Sonic Pi whose synths and samples are drawn.

    Returns
    -------
    list of Program
        With names "TEMPLATE-0000", "TEMPLATE-0001", …

    Raises
    ------
    EarshotError
        If the template has fewer distinct programs; the message gives their number.

    Examples
    --------
    >>> from core.programs import generate
    >>> programs = generate("02_1_beeps", count=2, seed=3, parameter_values={"synth": "piano"})
    >>> [program.name for program in programs]
    ['02_1_beeps-0000', '02_1_beeps-0001']
    >>> all("use_synth :piano" in program.source for program in programs)
    True
    """
    if isinstance(template, str):
        template = get_template(template)
    validate_count_and_seed(count, seed)
    programs: dict[str, Program] = {}
    variant, repeats = 0, 0
    while len(programs) < count:
        program = template.render(parameter_values, seed, variant, sound_set)
        variant += 1
        if program.source not in programs:
            name = f"{template.id}-{len(programs):04d}"
            programs[program.source] = replace(program, name=name)
            repeats = 0
            continue
        repeats += 1
        if repeats > _compute_max_consecutive_repeats(len(programs)):
            raise EarshotError(
                f"The template {template.id!r} gives {len(programs)} different programs"
                f"{' with these values' if parameter_values else ''}, not {count}.",
                remedy=f"Ask for at most {len(programs)}.",
            )
    return list(programs.values())


def _compute_max_consecutive_repeats(program_count: int) -> int:
    """Return how many repeats in a row end the search for another program.

    If n programs are equally likely, 8 n draws miss the last one with probability exp(-8).
    """
    return 64 + 8 * program_count
