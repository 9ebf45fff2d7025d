"""Composition of distinct programs from the grammar."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from core.errors import EarshotError, format_spelling_suggestions
from core.programs.grammar.code_style import CodeStyle
from core.programs.grammar.layer_arrangement import (
    arrange_layers,
    compose_layer,
    create_composition_state,
    format_musical_key_name,
)
from core.programs.grammar.music_styles import (
    GRAMMAR_NAME_PREFIX,
    GRAMMAR_TEMPLATE_PREFIX,
    LAYER_ROLES,
    MUSIC_STYLES,
    MusicStyle,
)
from core.programs.grammar.seeded_rng import SeededRandom
from core.programs.grammar.statement_tree_nodes import count_statements
from core.programs.grammar.synth_fx_and_sample_sets import SoundSet, get_sound_set_by_name
from core.programs.grammar.unplayable_program_detection import is_program_unplayable
from core.programs.program import ParameterValue, Program, validate_count_and_seed
from core.programs.template_vocabulary import DEFAULT_SOUND_SET


def compose_programs(
    count: int, seed: int, style: str | None = None, *, sound_set: str = DEFAULT_SOUND_SET
) -> list[Program]:
    """Compose distinct programs from the grammar.

    The same seed gives the same programs on every machine.

    Parameters
    ----------
    count : int
        Number of programs, 0 to 1,000,000. A smaller count gives the first programs of a larger
        one.
    seed : int
        Any integer.
    style : str, optional
        A key of `MUSIC_STYLES`, or a template id such as "grammar-acid". Default: each program
        draws its own style.
    sound_set : {"3.2", "5"}
        Version of Sonic Pi whose synths and samples are used.

    Returns
    -------
    list of Program
        With names "grammar-STYLE-00000", numbered across styles.

    Raises
    ------
    EarshotError
        If the style does not exist, or count or seed is invalid.

    Examples
    --------
    >>> from core.programs import compose_programs
    >>> programs = compose_programs(count=2, seed=5, style="acid")
    >>> [program.name for program in programs]
    ['grammar-acid-00000', 'grammar-acid-00001']
    >>> programs == compose_programs(count=2, seed=5, style="grammar-acid")
    True
    """
    validate_count_and_seed(count, seed)
    return list(
        itertools.islice(iterate_composed_programs(seed, style, sound_set=sound_set), count)
    )


def iterate_composed_programs(
    seed: int, style: str | None = None, *, sound_set: str = DEFAULT_SOUND_SET
) -> Iterator[Program]:
    """Compose distinct programs without end; see `compose_programs` for the parameters."""
    fixed_style = get_music_style(style) if style is not None else None
    sounds = get_sound_set_by_name(sound_set)
    sources: set[str] = set()
    for index in itertools.count():
        attempt = 0
        program = _compose_program(seed, index, attempt, fixed_style, sounds)
        while program.source in sources or is_program_unplayable(program.source):
            attempt += 1
            program = _compose_program(seed, index, attempt, fixed_style, sounds)
        sources.add(program.source)
        yield program


def get_music_style(name_or_id: str) -> MusicStyle:
    """Return a style by its name or template id.

    Raises
    ------
    EarshotError
        If the style does not exist.
    """
    name = name_or_id.removeprefix(GRAMMAR_TEMPLATE_PREFIX).removeprefix(GRAMMAR_NAME_PREFIX)
    if name not in MUSIC_STYLES:
        raise EarshotError(
            f"There is no style {name_or_id[:60]!r}.",
            remedy=format_spelling_suggestions(name, MUSIC_STYLES, "style"),
        )
    return MUSIC_STYLES[name]


def _compose_program(
    seed: int, index: int, attempt: int, fixed_style: MusicStyle | None, sounds: SoundSet
) -> Program:
    stream_name = f"composed/{fixed_style.name if fixed_style else ''}/{seed}/{index}/{attempt}"
    rng = SeededRandom(f"{stream_name}/music")
    code_style = CodeStyle(SeededRandom(f"{stream_name}/hand"))
    style = fixed_style or rng.pick_option(list(MUSIC_STYLES.values()))
    layer_count = rng.pick_option_by_weight(style.layer_count_weights)
    state = create_composition_state(style, rng, code_style, layer_count, sounds)
    layers = [
        compose_layer(state, rng.pick_option_by_weight(style.lead_weights), always_sounds=True)
    ]
    layers += [
        compose_layer(state, rng.pick_option_by_weight(style.layer_weights), always_sounds=False)
        for _ in range(layer_count - 1)
    ]
    sections = arrange_layers(state, layers)
    lead = layers[0]
    # Corpora store these parameter names, so they must not change.
    parameters: dict[str, ParameterValue] = {
        "bpm": state.bpm,
        "key": format_musical_key_name(state),
        "layers": len(layers),
        "sound": lead.sound_names[0],
        "statements": sum(count_statements(nodes) for _, nodes in sections),
        "manner": code_style.naming_style,
    }
    source = code_style.format_program_source(sections, format_musical_key_name(state))
    name = f"{style.display_id}-{index:05d}"
    return Program(source, name, style.id, LAYER_ROLES[lead.kind], parameters, seed)
