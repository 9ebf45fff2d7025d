"""Arrangement of layers into a program: loops, threads, functions and FX around them."""

from __future__ import annotations

from core.programs.grammar.chord_layers import compose_chord_layer
from core.programs.grammar.code_style import CodeStyle
from core.programs.grammar.composition_state import CompositionState
from core.programs.grammar.drum_layers import compose_drum_layer
from core.programs.grammar.drum_synth_layers import compose_drum_synth_layer
from core.programs.grammar.global_setting_statements import write_global_settings
from core.programs.grammar.melodic_layers import MELODIC_KINDS, compose_melodic_layer
from core.programs.grammar.music_styles import MusicStyle
from core.programs.grammar.program_layer import ProgramLayer
from core.programs.grammar.sampled_loop_layers import (
    compose_glitch_layer,
    compose_sampled_loop_layer,
)
from core.programs.grammar.seeded_rng import SeededRandom
from core.programs.grammar.single_line_programs import compose_single_statement_program
from core.programs.grammar.sound_options import wrap_in_fx
from core.programs.grammar.statement_tree_nodes import Block, CodeNode
from core.programs.grammar.sustained_layers import (
    compose_drone_layer,
    compose_noise_layer,
    compose_texture_layer,
)
from core.programs.grammar.synth_fx_and_sample_sets import SoundSet

_MIN_PLAY_SECONDS = 22.0  # shortest duration of a program that ends, longer than a clip
_KEY_NAMES = "C Cs D Eb E F Fs G Ab A Bb B".split()

# Weight of each form of a program with one layer, and with more layers.
_SINGLE_LAYER_FORMS = {
    "loops": 5,
    "loop": 3,
    "times": 2.5,
    "in_fx": 1,
    "set_get": 0.3,
    "once": 1.2,
}
_MULTI_LAYER_FORMS = {
    "loops": 8,
    "threads": 2,
    "in_fx": 1.2,
    "synced": 2,
    "metro": 1,
    "functions": 0.8,
    "set_get": 0.5,
}

# Label and statements of each section.
ProgramSections = list[tuple[str, list[CodeNode]]]

_DRUM_SYNTH_PROBABILITY = 0.25


def create_composition_state(
    style: MusicStyle,
    rng: SeededRandom,
    code_style: CodeStyle,
    layer_count: int,
    sounds: SoundSet,
) -> CompositionState:
    """Draw tempo and key, and return the state of an empty program.

    Parameters
    ----------
    style : MusicStyle
        Music style of the program.
    rng : SeededRandom
        Random numbers for the music.
    code_style : CodeStyle
        Formatter of the code.
    layer_count : int
        Number of layers; the more layers, the softer each of them.
    sounds : SoundSet
        Synths and samples of the program.
    """
    bpm = 60.0
    if rng.sample_boolean(style.tempo_probability):
        lo, hi = style.bpm_range
        bpm = float(rng.sample_integer(lo, hi))
        if rng.sample_boolean(0.6):
            bpm = float(min(max(5 * round(bpm / 5), lo), hi))
    tonic, scale = rng.sample_integer(0, 11), rng.pick_option(style.scale_names.split())
    layer_level = 0.85 / layer_count**0.45
    return CompositionState(rng, code_style, style, bpm, tonic, scale, layer_level, sounds)


def compose_layer(state: CompositionState, layer_kind: str, always_sounds: bool) -> ProgramLayer:
    """Compose a layer.

    Parameters
    ----------
    state : CompositionState
        The program under composition.
    layer_kind : str
        A key of `styles.LAYER_ROLES`.
    always_sounds : bool
        Whether every iteration of the layer must sound.
    """
    if layer_kind in MELODIC_KINDS:
        return compose_melodic_layer(state, layer_kind)
    composers = {
        "break": compose_sampled_loop_layer,
        "chords": compose_chord_layer,
        "drone": compose_drone_layer,
    }
    if layer_kind in composers:
        return composers[layer_kind](state)
    intermittent_composers = {
        "kit": _compose_kit_layer,
        "glitch": compose_glitch_layer,
        "texture": compose_texture_layer,
        "noise": compose_noise_layer,
    }
    return intermittent_composers[layer_kind](state, always_sounds)


def _compose_kit_layer(state: CompositionState, always_sounds: bool) -> ProgramLayer:
    """Compose drums of samples, or of synths where the sound set has them."""
    # Without drum synths nothing is drawn, so the programs of the first sound set stay the same.
    if state.sounds.drum_synths and state.rng.sample_boolean(_DRUM_SYNTH_PROBABILITY):
        return compose_drum_synth_layer(state)
    return compose_drum_layer(state, always_sounds)


def arrange_layers(state: CompositionState, layers: list[ProgramLayer]) -> ProgramSections:
    """Arrange layers into a program.

    Parameters
    ----------
    state : CompositionState
        The program under composition.
    layers : list of ProgramLayer
        Layers of the program, the leading one first.

    Returns
    -------
    list of (str, list of CodeNode)
        Label and statements of each section: settings and variables, functions, layers.
    """
    form_weights = _SINGLE_LAYER_FORMS if len(layers) == 1 else _MULTI_LAYER_FORMS
    form = state.rng.pick_option_by_weight(form_weights)
    for layer in layers:
        _add_layer_effects(state, layer)
    layer_sections = {
        "loops": _arrange_as_live_loops,
        "loop": _arrange_as_plain_loop,
        "times": _arrange_as_times_loop,
        "in_fx": _arrange_inside_fx,
        "threads": _arrange_as_threads,
        "synced": _arrange_as_synced_loops,
        "metro": _arrange_around_metronome,
        "functions": _arrange_as_function_calls,
        "once": _arrange_as_single_statement,
        "set_get": _arrange_with_shared_note,
    }[form](state, layers)
    top_nodes = write_global_settings(state) + state.top_nodes
    sections: ProgramSections = [("", top_nodes)] if top_nodes else []
    sections += [("", [function]) for function in state.function_nodes]
    return sections + layer_sections


def format_musical_key_name(state: CompositionState) -> str:
    """Return the display name of the key: "C minor"."""
    return f"{_KEY_NAMES[state.tonic]} {state.scale.replace('_', ' ')}"


def _add_layer_effects(state: CompositionState, layer: ProgramLayer) -> None:
    """Put another tempo or an FX inside the loop of a layer, with a small probability."""
    rng, code_style = state.rng, state.code_style
    if rng.sample_boolean(0.025):
        bpm = max(30, round(state.bpm * rng.pick_option((0.5, 0.75, 1, 2))))
        head = code_style.format_call_statement("with_bpm", code_style.format_number(bpm))
        layer.body = [Block(head, layer.body)]
    seconds = state.beats_to_seconds(layer.min_beats)
    # A new FX every iteration is expensive, so that short iterations have none.
    if not rng.sample_boolean(state.style.fx_probability * 0.3) or seconds < 0.9:
        return
    layer.body = [wrap_in_fx(state, layer.body)]
    if rng.sample_boolean(0.15) and seconds > 2:
        layer.body = [wrap_in_fx(state, layer.body, "space")]


def _maybe_wrap_in_fx(state: CompositionState, node: CodeNode) -> CodeNode:
    """Put one or two FX around a loop, or none."""
    if not state.rng.sample_boolean(state.style.fx_probability * 0.6):
        return node
    block = wrap_in_fx(state, [node])
    return wrap_in_fx(state, [block]) if state.rng.sample_boolean(0.25) else block


def _build_live_loop(state: CompositionState, layer: ProgramLayer, **options: str) -> Block:
    head = state.code_style.format_call_statement("live_loop", f":{layer.loop_name}", **options)
    return Block(head, layer.body, allows_braces="(" in head)


def _arrange_layer_as_live_loop(
    state: CompositionState, layer: ProgramLayer, **options: str
) -> tuple[str, list[CodeNode]]:
    loop = _build_live_loop(state, layer, **options)
    return layer.kind, [_maybe_wrap_in_fx(state, loop)]


def _arrange_as_live_loops(state: CompositionState, layers: list[ProgramLayer]) -> ProgramSections:
    return [_arrange_layer_as_live_loop(state, layer) for layer in layers]


def _arrange_as_plain_loop(state: CompositionState, layers: list[ProgramLayer]) -> ProgramSections:
    loop = Block("loop", layers[0].body, allows_braces=True)
    return [("", [_maybe_wrap_in_fx(state, loop)])]


def _arrange_as_times_loop(state: CompositionState, layers: list[ProgramLayer]) -> ProgramSections:
    """Arrange one layer as a loop that ends, but not before the end of a clip."""
    rng = state.rng
    layer = layers[0]
    seconds = max(0.05, state.beats_to_seconds(layer.min_beats))
    repeats = max(2, int(_MIN_PLAY_SECONDS / seconds) + rng.sample_integer(1, 6))
    variable = state.code_style.create_variable_name("index") if rng.sample_boolean(0.1) else ""
    loop = Block(f"{repeats}.times", layer.body, block_parameters=variable, allows_braces=True)
    return [("", [_maybe_wrap_in_fx(state, loop)])]


def _arrange_as_single_statement(
    state: CompositionState, layers: list[ProgramLayer]
) -> ProgramSections:
    node, allows_fx = compose_single_statement_program(state, layers[0])
    return [("", [_maybe_wrap_in_fx(state, node) if allows_fx else node])]


def _arrange_inside_fx(state: CompositionState, layers: list[ProgramLayer]) -> ProgramSections:
    """Arrange all layers inside one FX."""
    loops: list[CodeNode] = [_build_live_loop(state, layer) for layer in layers]
    block = wrap_in_fx(state, loops, None if state.rng.sample_boolean(0.5) else "space")
    return [("", [wrap_in_fx(state, [block]) if state.rng.sample_boolean(0.3) else block])]


def _arrange_as_threads(state: CompositionState, layers: list[ProgramLayer]) -> ProgramSections:
    """Arrange each layer in a thread of its own, the last one in the main thread."""
    rng, code_style = state.rng, state.code_style
    sections: ProgramSections = []
    for layer in layers[:-1]:
        options = {"name": f":{layer.loop_name}"} if rng.sample_boolean(0.2) else {}
        loop = Block("loop", layer.body, allows_braces=True)
        head = code_style.format_call_statement("in_thread", **options)
        sections.append((layer.kind, [Block(head, [_maybe_wrap_in_fx(state, loop)])]))
    last = layers[-1]
    if rng.sample_boolean(0.3):
        last_loop = _build_live_loop(state, last)
    else:
        last_loop = Block("loop", last.body, allows_braces=True)
    return [*sections, (last.kind, [_maybe_wrap_in_fx(state, last_loop)])]


def _arrange_as_synced_loops(
    state: CompositionState, layers: list[ProgramLayer]
) -> ProgramSections:
    """Arrange live loops that wait for the first one, or start with a delay."""
    rng, code_style = state.rng, state.code_style
    first, *others = layers
    sections = [_arrange_layer_as_live_loop(state, first)]
    for layer in others:
        if rng.sample_boolean(0.6) or state.beats_to_seconds(first.min_beats) > 4:
            sections.append(_arrange_layer_as_live_loop(state, layer, sync=f":{first.loop_name}"))
        elif rng.sample_boolean(0.5):
            sync = code_style.format_call_statement("sync", f":{first.loop_name}")
            layer.body = [sync, *layer.body]
            sections.append(_arrange_layer_as_live_loop(state, layer))
        else:
            delay = code_style.format_beats(rng.pick_option((0.5, 1, 2, 4)))
            sections.append(_arrange_layer_as_live_loop(state, layer, delay=delay))
    return sections


def _arrange_around_metronome(
    state: CompositionState, layers: list[ProgramLayer]
) -> ProgramSections:
    """Arrange live loops that sync to a loop without sound."""
    rng, code_style = state.rng, state.code_style
    loop_name = code_style.create_loop_name("metro")
    beats = max(1, round(state.seconds_to_beats(rng.sample_uniform(0.5, 2.0))))
    rest = code_style.format_beats(beats)
    cue_name = code_style.create_variable_name("count") if rng.sample_boolean(0.4) else ""
    body: list[CodeNode] = []
    if cue_name:
        body.append(code_style.format_call_statement("cue", f":{cue_name}"))
    body.append(code_style.format_sleep(rest))
    sections: ProgramSections = [("", [Block(f"live_loop :{loop_name}", body)])]
    for index, layer in enumerate(layers):
        is_unsynced = index == 0 and rng.sample_boolean(0.5)
        options = {} if is_unsynced else {"sync": f":{cue_name or loop_name}"}
        sections.append(_arrange_layer_as_live_loop(state, layer, **options))
    return sections


def _arrange_as_function_calls(
    state: CompositionState, layers: list[ProgramLayer]
) -> ProgramSections:
    """Arrange all layers but the first as functions, which live loops call."""
    rng, code_style = state.rng, state.code_style
    function_names: list[str] = []
    for layer in layers[1:]:
        function_names.append(code_style.create_variable_name("function"))
        head = code_style.format_call_statement("define", f":{function_names[-1]}")
        state.function_nodes.append(Block(head, layer.body))
    sections = [_arrange_layer_as_live_loop(state, layers[0])]
    for layer, function_name in zip(layers[1:], function_names):
        body: list[CodeNode] = [function_name]
        if rng.sample_boolean(0.25):
            body = [Block(f"{rng.pick_option((2, 4))}.times", [function_name], allows_braces=True)]
        head = code_style.format_call_statement("live_loop", f":{layer.loop_name}")
        sections.append((layer.kind, [_maybe_wrap_in_fx(state, Block(head, body))]))
    return sections


def _arrange_with_shared_note(
    state: CompositionState, layers: list[ProgramLayer]
) -> ProgramSections:
    """Arrange a loop that sets a note in the time state, one that plays it, and the layers."""
    rng, code_style = state.rng, state.code_style
    key = code_style.create_variable_name("root")
    get = rng.pick_option((f"get[:{key}]", f"get(:{key})"))
    roots = code_style.format_ruby_list(
        state.write_phrase_notes(2, rng.sample_integer(2, 4)), as_ring=True
    )
    first_root = code_style.format_note(state.degree_to_midi(2))
    state.top_nodes.append(code_style.format_call_statement("set", f":{key}", first_root))
    set_beats = max(1, round(state.seconds_to_beats(rng.sample_uniform(1.0, 3.0))))
    setter_head = f"live_loop :{code_style.create_loop_name('metro')}"
    set_statement = code_style.format_call_statement("set", f":{key}", f"{roots}.tick")
    setter = Block(setter_head, [set_statement, code_style.format_rest(set_beats)])
    play_beats = state.sample_step_beats(1, 0.8)
    interval = rng.pick_option(("", "12", "7", "24"))
    note = code_style.format_infix_operation(get, "+", interval) if interval else get
    synth_name = rng.pick_option(("fm", "saw", "beep", "pluck", "tri", "prophet", "subpulse"))
    play = code_style.format_call_statement(
        "play",
        note,
        amp=code_style.format_number(round(state.layer_level * 0.8, 1)),
        release=code_style.format_beats(play_beats),
    )
    player_head = f"live_loop :{code_style.create_loop_name('bass')}"
    use_synth = code_style.format_call_statement("use_synth", f":{synth_name}")
    player = Block(player_head, [use_synth, play, code_style.format_rest(play_beats)])
    return [("", [setter]), ("bass", [player]), *_arrange_as_live_loops(state, layers)]
