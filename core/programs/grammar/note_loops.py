"""Loop bodies that play single notes: phrases, patterns, slides, arpeggios and others."""

from __future__ import annotations

from collections.abc import Callable

from core.programs.grammar import synth_fx_and_sample_sets
from core.programs.grammar.composition_state import CompositionState
from core.programs.grammar.drum_layers import write_rhythm_ring
from core.programs.grammar.layer_synth_and_notes import SynthVoice
from core.programs.grammar.note_expressions import write_note_expression
from core.programs.grammar.program_layer import LoopBody
from core.programs.grammar.statement_tree_nodes import Block, CodeNode, Conditional

# Writes the body of a note loop from state, voice, octave and step in beats.
NoteLoopWriter = Callable[[CompositionState, SynthVoice, int, float], LoopBody]


def _write_note_and_rest(
    state: CompositionState, voice: SynthVoice, octave: int, rest_beats: float
) -> list[CodeNode]:
    note = voice.write_play_note_call(write_note_expression(state, octave))
    return [note, state.code_style.format_rest(rest_beats)]


def _write_single_note_step(
    state: CompositionState, voice: SynthVoice, octave: int, step_beats: float
) -> LoopBody:
    code_style = state.code_style
    note = voice.write_play_note_call(write_note_expression(state, octave))
    rest = state.maybe_extract_variable("sleep", code_style.format_beats(step_beats))
    return LoopBody([note, code_style.format_sleep(rest)], step_beats)


def _write_note_with_varying_rests(
    state: CompositionState, voice: SynthVoice, octave: int, step_beats: float
) -> LoopBody:
    rng, code_style = state.rng, state.code_style
    factors = rng.pick_options_with_replacement((0.5, 1, 1, 2), rng.sample_integer(2, 4))
    lengths = [code_style.format_beats(step_beats * factor) for factor in factors]
    rest = state.maybe_extract_variable("times", code_style.format_ruby_list(lengths, as_ring=True))
    rest += rng.pick_option((".choose", ".tick", ".tick(:t)"))
    if rng.sample_boolean(0.2):
        shortest = code_style.format_beats(step_beats * 0.5)
        longest = code_style.format_beats(step_beats * 2)
        rest = code_style.format_call_expression("rrand", shortest, longest)
    note = voice.write_play_note_call(write_note_expression(state, octave))
    return LoopBody([note, code_style.format_sleep(rest)], step_beats * 0.5)


def _write_phrase_statements(
    state: CompositionState, voice: SynthVoice, octave: int, step_beats: float
) -> LoopBody:
    rng = state.rng
    nodes: list[CodeNode] = []
    beats = 0.0
    for note in state.write_phrase_notes(octave, rng.pick_option((2, 3, 4, 4, 6, 8, 8, 12))):
        rest_beats = step_beats * rng.pick_option((0.5, 1, 1, 1, 2))
        nodes += [voice.write_play_note_call(note), state.code_style.format_rest(rest_beats)]
        beats += rest_beats
    return LoopBody(nodes, beats)


def _write_play_pattern_timed_call(
    state: CompositionState, voice: SynthVoice, octave: int, step_beats: float
) -> LoopBody:
    rng, code_style = state.rng, state.code_style
    # All three are written before one is picked; writing only one would change all programs.
    phrase = code_style.format_ruby_list(state.write_phrase_notes(octave, rng.sample_integer(3, 8)))
    scale = state.write_scale_expression(octave, rng.pick_option((1, 2)))
    chord = state.write_chord_expression(octave)
    notes = state.maybe_extract_variable("notes", rng.pick_option((phrase, scale, chord)))
    factors = rng.pick_options_with_replacement((0.5, 1, 1, 2), rng.sample_integer(1, 4))
    times = [code_style.format_beats(step_beats * factor) for factor in factors]
    time = times[0]
    if len(times) > 1:
        time = state.maybe_extract_variable("times", code_style.format_ruby_list(times))
    options = {name: value for name, value in voice.note_options.items() if name != "note"}
    if voice.synth_statement == "synth":
        voice.add_use_synth_statement()
    pattern = code_style.format_call_statement("play_pattern_timed", notes, time, **options)
    return LoopBody([pattern], step_beats * 1.5)


def _write_play_pattern_call(
    state: CompositionState, voice: SynthVoice, octave: int, step_beats: float
) -> LoopBody:
    code_style = state.code_style
    phrase = state.write_phrase_notes(octave, state.rng.sample_integer(3, 8))
    notes = code_style.format_ruby_list(phrase)
    if voice.synth_statement == "synth":
        voice.add_use_synth_statement()
    nodes: list[CodeNode] = [
        code_style.format_call_statement("play_pattern", notes, **voice.note_options)
    ]
    factor = max(1, round(1 / max(0.25, step_beats)))
    if factor > 1:
        head = code_style.format_call_statement("with_bpm_mul", str(factor))
        nodes = [Block(head, nodes)]
    return LoopBody(nodes, step_beats * 3)


def _write_times_note_loop(
    state: CompositionState, voice: SynthVoice, octave: int, step_beats: float
) -> LoopBody:
    rng = state.rng
    repeats = rng.pick_option((2, 3, 4, 8, 8, 16))
    inner = _write_note_and_rest(state, voice, octave, step_beats)
    nodes: list[CodeNode] = [Block(f"{repeats}.times", inner, allows_braces=True)]
    if rng.sample_boolean(0.4):
        head = f"{rng.pick_option((2, 4))}.times"
        inner = _write_note_and_rest(state, voice, octave, step_beats)
        nodes.append(Block(head, inner, allows_braces=True))
    if rng.sample_boolean(0.2) and state.beats_to_seconds(step_beats) < 0.7:
        nodes.append(state.code_style.format_rest(step_beats * 2))
    return LoopBody(nodes, step_beats * repeats)


def _write_seeded_note_loop(
    state: CompositionState, voice: SynthVoice, octave: int, step_beats: float
) -> LoopBody:
    """Write a loop that repeats the same random phrase."""
    rng, code_style = state.rng, state.code_style
    seed = str(
        rng.sample_integer(0, 9999) if rng.sample_boolean(0.7) else rng.sample_integer(1, 99)
    )
    nodes, beats = _write_times_note_loop(state, voice, octave, step_beats)
    if rng.sample_boolean(0.25):
        head = code_style.format_call_statement("with_random_seed", seed)
        return LoopBody([Block(head, nodes)], beats)
    return LoopBody([code_style.format_call_statement("use_random_seed", seed), *nodes], beats)


def _write_each_note_loop(
    state: CompositionState, voice: SynthVoice, octave: int, step_beats: float
) -> LoopBody:
    rng, code_style = state.rng, state.code_style
    phrase = state.write_phrase_notes(octave, rng.sample_integer(3, 8))
    notes = state.maybe_extract_variable("notes", code_style.format_ruby_list(phrase))
    if rng.sample_boolean(0.3):
        notes = state.write_scale_expression(octave)
    variable = code_style.create_variable_name("note")
    note, rest = voice.write_play_note_call(variable), code_style.format_rest(step_beats)
    inner: list[CodeNode] = [note, rest]
    if rng.sample_boolean(0.25):
        interval = rng.pick_option(("12", "7", "4", "-12"))
        second_note = voice.write_play_note_call(
            code_style.format_infix_operation(variable, "+", interval)
        )
        inner = [note, second_note, rest]
    return LoopBody([Block(f"{notes}.each", inner, block_parameters=variable)], step_beats * 3)


def _write_zipped_notes_loop(
    state: CompositionState, voice: SynthVoice, octave: int, step_beats: float
) -> LoopBody:
    rng, code_style = state.rng, state.code_style
    count = rng.sample_integer(3, 6)
    phrase = state.write_phrase_notes(octave, count)
    notes = state.maybe_extract_variable("notes", code_style.format_ruby_list(phrase), 1.5)
    lengths = [
        code_style.format_beats(step_beats * rng.pick_option((0.5, 1, 1, 2))) for _ in range(count)
    ]
    times = state.maybe_extract_variable("times", code_style.format_ruby_list(lengths), 1.5)
    note = code_style.create_variable_name("note")
    time = code_style.create_variable_name("sleep")
    if rng.sample_boolean(0.6):
        inner: list[CodeNode] = [voice.write_play_note_call(note), code_style.format_sleep(time)]
        loop = Block(f"{notes}.zip({times}).each", inner, block_parameters=f"{note}, {time}")
        return LoopBody([loop], step_beats * count * 0.5)
    index = code_style.create_variable_name("index")
    inner = [
        voice.write_play_note_call(f"{notes}[{index}]"),
        code_style.format_sleep(f"{times}[{index}]"),
    ]
    loop = Block(f"{count}.times", inner, block_parameters=index, allows_braces=True)
    return LoopBody([loop], step_beats * count * 0.5)


def _write_notes_on_rhythm_ring(
    state: CompositionState, voice: SynthVoice, octave: int, _step_beats: float
) -> LoopBody:
    rng = state.rng
    note = voice.write_play_note_call(write_note_expression(state, octave))
    condition = f"{write_rhythm_ring(state)}.tick(:p)"
    node: CodeNode = f"{note} if {condition}"
    if rng.sample_boolean(0.4):
        node = Conditional(condition, [note])
    step_beats = state.sample_step_beats(1, 0.5)
    return LoopBody([node, state.code_style.format_rest(step_beats)], step_beats)


def _write_note_slide(
    state: CompositionState, voice: SynthVoice, octave: int, step_beats: float
) -> LoopBody:
    """Write a sustained note whose pitch slides along a phrase."""
    rng, code_style = state.rng, state.code_style
    variable = code_style.create_variable_name("node")
    count = rng.sample_integer(2, 4)
    beats = step_beats * count
    slide = code_style.format_beats(step_beats * rng.pick_option((0.25, 0.5, 1)))
    notes = state.write_phrase_notes(octave, count)
    voice.note_options = {
        name: value
        for name, value in voice.note_options.items()
        if name not in ("sustain", "release", "attack", "decay", "sustain_level", "env_curve")
    }
    play = voice.write_play_note_call(
        notes[0],
        sustain=code_style.format_beats(beats),
        release=code_style.format_beats(step_beats),
        note_slide=slide,
    )
    nodes: list[CodeNode] = [f"{variable} = {play}", code_style.format_rest(step_beats)]
    has_cutoff = "cutoff" in {
        option.name for option in synth_fx_and_sample_sets.list_synth_options(voice.synth_name)
    }
    if has_cutoff and voice.synth_statement != "choose" and rng.sample_boolean(0.4):
        cutoff = str(rng.sample_integer(60, 120))
        nodes.append(
            code_style.format_call_statement("control", variable, cutoff=cutoff, cutoff_slide=slide)
        )
    for note in notes[1:]:
        options: dict[str, str] = {}
        if rng.sample_boolean(0.1):
            options["amp"] = code_style.format_number(round(state.layer_level * 0.5, 1))
        nodes += [
            code_style.format_call_statement("control", variable, note=note, **options),
            code_style.format_rest(step_beats),
        ]
    if rng.sample_boolean(0.1):
        nodes.append(code_style.format_call_statement("kill", variable))
    return LoopBody(nodes, beats)


def _write_conditional_notes(
    state: CompositionState, voice: SynthVoice, octave: int, step_beats: float
) -> LoopBody:
    rng = state.rng
    condition = rng.pick_option(
        (
            f"one_in({rng.sample_integer(2, 4)})",
            "rand < 0.5",
            f"dice(6) > {rng.sample_integer(2, 4)}",
            f"tick % {rng.pick_option((3, 4, 5))} == 0",
            f"factor?(tick, {rng.pick_option((2, 3, 4))})",
            "rand_i(4) != 2",
        )
    )
    note = voice.write_play_note_call(write_note_expression(state, octave))
    other_octave = octave + 1 if octave < 5 else octave
    other_note = voice.write_play_note_call(write_note_expression(state, other_octave))
    keyword = rng.pick_option(("if", "if", "if", "unless"))
    branch = Conditional(condition, [note], [other_note], keyword)
    return LoopBody([branch, state.code_style.format_rest(step_beats)], step_beats)


def _write_transposed_note_loop(
    state: CompositionState, voice: SynthVoice, octave: int, step_beats: float
) -> LoopBody:
    rng, code_style = state.rng, state.code_style
    inner = _write_note_and_rest(state, voice, octave, step_beats)
    # All four are written before one is picked; writing only one would change all programs.
    transpose = code_style.format_call_statement(
        "with_transpose", str(rng.pick_option((-12, -5, 5, 7, 12)))
    )
    octave_shift = code_style.format_call_statement("with_octave", rng.pick_option(("-1", "1")))
    ring = code_style.format_ruby_list(["0", "5", "7"], as_ring=True)
    transpose_by_ring = code_style.format_call_statement("with_transpose", f"{ring}.tick(:s)")
    cents = code_style.format_call_statement("with_cent_tuning", str(rng.sample_integer(-40, 40)))
    head = rng.pick_option((transpose, octave_shift, transpose_by_ring, cents))
    repeats = rng.pick_option((2, 4, 4, 8))
    loop = Block(head, [Block(f"{repeats}.times", inner, allows_braces=True)])
    return LoopBody([loop, *inner], step_beats * repeats)


def _write_note_function_and_its_calls(
    state: CompositionState, voice: SynthVoice, octave: int, step_beats: float
) -> LoopBody:
    """Write a function with arguments, and several calls of it."""
    rng, code_style = state.rng, state.code_style
    function = code_style.create_variable_name("function")
    note, time = code_style.create_variable_name("note"), code_style.create_variable_name("sleep")
    takes_time = rng.sample_boolean(0.5)
    play = voice.write_play_note_call(note)
    rest = time if takes_time else code_style.format_beats(step_beats)
    inner = voice.add_synth_setup_to_notes([play, code_style.format_sleep(rest)])
    if rng.sample_boolean(0.4):
        interval = rng.pick_option(("7", "12", "3"))
        inner.insert(
            -1, voice.write_play_note_call(code_style.format_infix_operation(note, "+", interval))
        )
    voice.setup_nodes, voice.synth_statement = [], "use"
    head = code_style.format_call_statement("define", f":{function}")
    parameters = f"{note}, {time}" if takes_time else note
    state.function_nodes.append(Block(head, inner, block_parameters=parameters))
    nodes: list[CodeNode] = []
    for phrase_note in state.write_phrase_notes(octave, rng.sample_integer(2, 4)):
        arguments = [phrase_note]
        if takes_time:
            arguments.append(code_style.format_beats(step_beats * rng.pick_option((0.5, 1, 2))))
        nodes.append(code_style.format_call_statement(function, *arguments))
    return LoopBody(nodes, step_beats * len(nodes) * 0.5)


def _write_note_density_block(
    state: CompositionState, voice: SynthVoice, octave: int, step_beats: float
) -> LoopBody:
    inner = _write_note_and_rest(state, voice, octave, step_beats * 2)
    density = state.rng.pick_option(("2", "[1, 2].choose", "2", "3"))
    head = state.code_style.format_call_statement("density", density)
    return LoopBody([Block(head, inner)], step_beats * 0.7)


def _write_notes_in_at_block(
    state: CompositionState, voice: SynthVoice, octave: int, step_beats: float
) -> LoopBody:
    code_style = state.code_style
    count = state.rng.sample_integer(2, 4)
    times = code_style.format_ruby_list(
        [code_style.format_beats(i * step_beats) for i in range(count)]
    )
    variable = code_style.create_variable_name("note")
    notes = code_style.format_ruby_list(state.write_phrase_notes(octave, count))
    head = code_style.format_call_statement("at", times, notes)
    block = Block(head, [voice.write_play_note_call(variable)], block_parameters=variable)
    return LoopBody([block, code_style.format_rest(count * step_beats)], step_beats * count)


def _write_arpeggio_loop(
    state: CompositionState, voice: SynthVoice, octave: int, step_beats: float
) -> LoopBody:
    rng, code_style = state.rng, state.code_style
    chord_list = state.write_chord_sequence(octave, rng.sample_integer(2, 4))
    chords = state.maybe_extract_variable(
        "chords", code_style.format_ruby_list(chord_list, as_ring=True), 1.5
    )
    variable = code_style.create_variable_name("chord")
    method = rng.pick_option(
        (".tick(:n)", ".choose", ".reverse.tick(:n)", ".mirror.tick(:n)", ".shuffle.tick(:n)")
    )
    note = f"{variable}.ring{method}" if rng.sample_boolean(0.4) else f"{variable}{method}"
    inner: list[CodeNode] = [voice.write_play_note_call(note), code_style.format_rest(step_beats)]
    repeats = rng.pick_option((4, 4, 8, 6, 16))
    assignment = f"{variable} = {chords}.{rng.pick_option(('tick', 'tick', 'choose'))}"
    loop = Block(f"{repeats}.times", inner, allows_braces=True)
    return LoopBody([assignment, loop], step_beats * repeats)


# The order of the weights decides which loop a random number picks.
NOTE_LOOP_WEIGHTS: dict[str, float] = {
    "loop": 6,
    "phrase": 3,
    "timed": 2.5,
    "times": 2.5,
    "each": 1.5,
    "zip": 1,
    "rhythm": 2,
    "slide": 1.5,
    "conditional": 1.2,
    "transposed": 1.2,
    "function": 1.2,
    "pattern": 0.8,
    "density": 0.7,
    "sample": 0.7,
    "seeded": 1.5,
    "varying rests": 1.5,
    "at": 0.6,
}

NOTE_LOOP_WRITERS: dict[str, NoteLoopWriter] = {
    "loop": _write_single_note_step,
    "phrase": _write_phrase_statements,
    "timed": _write_play_pattern_timed_call,
    "times": _write_times_note_loop,
    "each": _write_each_note_loop,
    "zip": _write_zipped_notes_loop,
    "rhythm": _write_notes_on_rhythm_ring,
    "slide": _write_note_slide,
    "conditional": _write_conditional_notes,
    "transposed": _write_transposed_note_loop,
    "function": _write_note_function_and_its_calls,
    "pattern": _write_play_pattern_call,
    "density": _write_note_density_block,
    "seeded": _write_seeded_note_loop,
    "varying rests": _write_note_with_varying_rests,
    "arp": _write_arpeggio_loop,
    "at": _write_notes_in_at_block,
}
