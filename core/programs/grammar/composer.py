"""Many different programs from the grammar."""

from __future__ import annotations

from core.errors import EarshotError, suggest_matches
from core.programs.grammar.arrangement import (
    arrange_layers,
    compose_layer,
    create_context,
    format_key_name,
)
from core.programs.grammar.code_style import CodeStyle
from core.programs.grammar.code_tree import count_statements
from core.programs.grammar.context import ProgramLayer
from core.programs.grammar.rng import SeededRandom
from core.programs.grammar.styles import (
    GRAMMAR_TEMPLATE_PREFIX,
    LAYER_ROLES,
    MUSIC_STYLES,
    MusicStyle,
)
from core.programs.grammar.validity import is_unplayable
from core.programs.program import ParameterValue, Program

MAX_GRAMMAR_PROGRAMS = 1_000_000


def compose_programs(count: int, seed: int, style: str | None = None) -> list[Program]:
    """Make programs that all differ, the same for the same seed on every machine.

    Parameters
    ----------
    count : int
        How many. The first n of a larger count are those of the count n.
    seed : int
        Any whole number.
    style : str, optional
        A key of `STYLES`, or a template id such as "composed-acid". Default: each
        program draws its own.

    Returns
    -------
    list of Program
        With templates "composed-STYLE" and names "composed-STYLE-00000", numbered
        through.

    Raises
    ------
    EarshotError
        When there is no such style, or count or seed is no such number.
    """
    whole = isinstance(count, int) and isinstance(seed, int) and not isinstance(count, bool)
    if not whole or not 0 <= count <= MAX_GRAMMAR_PROGRAMS:
        raise EarshotError(
            f"{count!r} programs with seed {seed!r} cannot be made.",
            remedy=f"Give whole numbers, and a count from 0 to {MAX_GRAMMAR_PROGRAMS:,}.",
        )
    fixed = _get_style(style) if style is not None else None
    found: dict[str, Program] = {}
    for index in range(count):
        attempt = 0
        program = _compose_program(seed, index, attempt, fixed)
        while program.source in found or is_unplayable(program.source):
            attempt += 1
            program = _compose_program(seed, index, attempt, fixed)
        found[program.source] = program
    return list(found.values())


def _get_style(name: str) -> MusicStyle:
    known = MUSIC_STYLES.get(name.removeprefix(GRAMMAR_TEMPLATE_PREFIX))
    if known is None:
        raise EarshotError(
            f"There is no style {name[:60]!r}.",
            remedy=suggest_matches(
                name.removeprefix(GRAMMAR_TEMPLATE_PREFIX), MUSIC_STYLES, "style"
            ),
        )
    return known


def _compose_program(seed: int, index: int, attempt: int, fixed_style: MusicStyle | None) -> Program:
    stream = f"composed/{fixed_style.name if fixed_style else ''}/{seed}/{index}/{attempt}"
    dice, hand = SeededRandom(f"{stream}/music"), CodeStyle(SeededRandom(f"{stream}/hand"))
    style = fixed_style or dice.pick(list(MUSIC_STYLES.values()))
    size = dice.pick_weighted(style.layer_count_weights)
    sketch = create_context(style, dice, hand, size)
    layers = [compose_layer(sketch, dice.pick_weighted(style.lead_weights), always_sounds=True)]
    layers += [compose_layer(sketch, dice.pick_weighted(style.layer_weights), always_sounds=False) for _ in range(size - 1)]
    sections = arrange_layers(sketch, layers)
    lead: ProgramLayer = layers[0]
    parameters: dict[str, ParameterValue] = {
        "bpm": sketch.bpm,
        "key": format_key_name(sketch),
        "layers": len(layers),
        "sound": lead.sound_names[0],
        "statements": sum(count_statements(nodes) for _, nodes in sections),
        "manner": hand.naming_style,
    }
    source = hand.format_program(sections, format_key_name(sketch))
    return Program(source, f"{style.id}-{index:05d}", style.id, LAYER_ROLES[lead.kind], parameters, seed)
