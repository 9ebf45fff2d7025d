"""Many different programs from the grammar."""

from __future__ import annotations

import difflib

from core.errors import EarshotError
from core.programs.grammar.rng import Dice
from core.programs.grammar.validity import flawed
from core.programs.grammar.code_style import Hand
from core.programs.grammar.arrangement import key_name, layer, piece, sketched
from core.programs.grammar.context import Layer
from core.programs.grammar.styles import PREFIX, ROLES, STYLES, Style
from core.programs.grammar.code_tree import statements
from core.programs.program import Program, Value

MOST_COMPOSED = 1_000_000


def compose(count: int, seed: int, style: str | None = None) -> list[Program]:
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
    if not whole or not 0 <= count <= MOST_COMPOSED:
        raise EarshotError(
            f"{count!r} programs with seed {seed!r} cannot be made.",
            remedy=f"Give whole numbers, and a count from 0 to {MOST_COMPOSED:,}.",
        )
    fixed = _style(style) if style is not None else None
    found: dict[str, Program] = {}
    for index in range(count):
        attempt = 0
        program = _program(seed, index, attempt, fixed)
        while program.source in found or flawed(program.source):
            attempt += 1
            program = _program(seed, index, attempt, fixed)
        found[program.source] = program
    return list(found.values())


def _style(name: str) -> Style:
    known = STYLES.get(name.removeprefix(PREFIX))
    if known is None:
        near = difflib.get_close_matches(name.removeprefix(PREFIX), STYLES, n=2)
        raise EarshotError(
            f"There is no style {name[:60]!r}.",
            remedy=f"{'Did you mean' if near else 'There are'} {', '.join(near or STYLES)}?",
        )
    return known


def _program(seed: int, index: int, attempt: int, fixed: Style | None) -> Program:
    stream = f"composed/{fixed.name if fixed else ''}/{seed}/{index}/{attempt}"
    dice, hand = Dice(f"{stream}/music"), Hand(Dice(f"{stream}/hand"))
    style = fixed or dice.pick(list(STYLES.values()))
    size = dice.weighted(style.size)
    sketch = sketched(style, dice, hand, size)
    layers = [layer(sketch, dice.weighted(style.lead), steady=True)]
    layers += [layer(sketch, dice.weighted(style.layers), steady=False) for _ in range(size - 1)]
    sections = piece(sketch, layers)
    lead: Layer = layers[0]
    parameters: dict[str, Value] = {
        "bpm": sketch.bpm,
        "key": key_name(sketch),
        "layers": len(layers),
        "sound": lead.sounds[0],
        "statements": sum(statements(nodes) for _, nodes in sections),
        "manner": hand.manner,
    }
    source = hand.lay_out(sections, key_name(sketch))
    return Program(source, f"{style.id}-{index:05d}", style.id, ROLES[lead.kind], parameters, seed)
