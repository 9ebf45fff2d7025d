"""Layers of single notes: bass, melody, arpeggio."""

from __future__ import annotations

from core.programs.grammar import instruments
from core.programs.grammar.drums import write_rhythm_ring
from core.programs.grammar.note_expressions import write_note_expression
from core.programs.grammar.context import ProgramLayer, CompositionContext
from core.programs.grammar.code_tree import Block, Conditional, CodeNode
from core.programs.grammar.voice import SynthVoice

_OCTAVE_CHOICES = {"bass": (1, 2, 2, 2, 3), "melody": (3, 4, 4, 4, 5), "arp": (3, 4, 4, 5)}
_PITCHED_SAMPLE_GROUPS = ("bass_hits", "blips", "bass_hits")


def compose_note_layer(context: CompositionContext, layer_kind: str, always_sounds: bool) -> ProgramLayer:
    """Return a layer of single notes: "bass", "melody" or "arp"."""
    d = context.rng
    if layer_kind == "bass" and d.chance(0.12):
        return _compose_pitched_sample_layer(context, layer_kind)
    ways = {
        "loop": 6,
        "phrase": 3,
        "timed": 2.5,
        "times": 2.5,
        "each": 1.5,
        "zip": 1,
        "rests": 2,
        "slide": 1.5,
        "maybe": 1.2,
        "shift": 1.2,
        "function": 1.2,
        "pattern": 0.8,
        "density": 0.7,
        "sample": 0.7,
        "seeded": 1.5,
        "chosen_rest": 1.5,
        "at": 0.6,
    }
    if layer_kind == "arp":
        ways |= {"loop": 3, "arp": 9, "slide": 0.5}
    way = d.pick_weighted(ways)
    if way == "sample":
        return _compose_pitched_sample_layer(context, layer_kind)
    step = context.draw_step_beats({"bass": d.pick((1, 2)), "melody": d.pick((1, 1.5, 2)), "arp": 0.8}[layer_kind], 2.0)
    voice = SynthVoice(context, layer_kind, context.beats_to_seconds(step), {"bass": 1.1, "melody": 0.9, "arp": 0.8}[layer_kind])
    octave = d.pick(_OCTAVE_CHOICES[layer_kind])
    nodes, beats, certain = _NOTE_LOOP_WRITERS[way](context, voice, octave, step, always_sounds)
    return ProgramLayer(layer_kind, context.code_style.create_loop_name(layer_kind), voice.wrap_notes(nodes), beats, [voice.synth_name], certain)


def _write_note_loop(
    context: CompositionContext, voice: SynthVoice, octave: int, step_beats: float, always_sounds: bool
) -> tuple[list[CodeNode], float, bool]:
    return (
        [
            voice.write_note(write_note_expression(context, octave)),
            context.code_style.format_sleep(context.maybe_hoist("sleep", context.code_style.format_beats(step_beats))),
        ],
        step_beats,
        True,
    )


def _write_varying_rests(
    context: CompositionContext, voice: SynthVoice, octave: int, step_beats: float, always_sounds: bool
) -> tuple[list[CodeNode], float, bool]:
    d, h = context.rng, context.code_style
    lengths = [h.format_beats(step_beats * share) for share in d.pick_with_repeats((0.5, 1, 1, 2), d.draw_integer(2, 4))]
    rest = h.format_list(lengths, as_ring=True)
    rest = context.maybe_hoist("times", rest) + d.pick((".choose", ".tick", ".tick(:t)"))
    if d.chance(0.2):
        rest = h.format_call_expression("rrand", h.format_beats(step_beats * 0.5), h.format_beats(step_beats * 2))
    return [voice.write_note(write_note_expression(context, octave)), h.format_sleep(rest)], step_beats * 0.5, True


def _write_phrase(
    context: CompositionContext, voice: SynthVoice, octave: int, step_beats: float, always_sounds: bool
) -> tuple[list[CodeNode], float, bool]:
    d, h = context.rng, context.code_style
    nodes: list[CodeNode] = []
    beats = 0.0
    for note in context.write_phrase(octave, d.pick((2, 3, 4, 4, 6, 8, 8, 12))):
        length = step_beats * d.pick((0.5, 1, 1, 1, 2))
        nodes += [voice.write_note(note), h.format_sleep(h.format_beats(length))]
        beats += length
    return nodes, beats, True


def _write_timed_pattern(
    context: CompositionContext, voice: SynthVoice, octave: int, step_beats: float, always_sounds: bool
) -> tuple[list[CodeNode], float, bool]:
    d, h = context.rng, context.code_style
    notes = d.pick(
        (
            h.format_list(context.write_phrase(octave, d.draw_integer(3, 8))),
            context.write_scale(octave, d.pick((1, 2))),
            context.write_chord(octave),
        )
    )
    notes = context.maybe_hoist("notes", notes)
    lengths = [h.format_beats(step_beats * share) for share in d.pick_with_repeats((0.5, 1, 1, 2), d.draw_integer(1, 4))]
    times = context.maybe_hoist("times", h.format_list(lengths)) if len(lengths) > 1 else lengths[0]
    options = {k: v for k, v in voice.note_options.items() if k != "note"}
    if voice.synth_statement == "synth":
        voice.setup_nodes = [h.format_call_statement("use_synth", f":{voice.synth_name}")]
    return [h.format_call_statement("play_pattern_timed", notes, times, **options)], step_beats * 1.5, True


def _write_play_pattern(
    context: CompositionContext, voice: SynthVoice, octave: int, step_beats: float, always_sounds: bool
) -> tuple[list[CodeNode], float, bool]:
    d, h = context.rng, context.code_style
    notes = h.format_list(context.write_phrase(octave, d.draw_integer(3, 8)))
    if voice.synth_statement == "synth":
        voice.setup_nodes = [h.format_call_statement("use_synth", f":{voice.synth_name}")]
    inner: list[CodeNode] = [h.format_call_statement("play_pattern", notes, **voice.note_options)]
    factor = str(max(1, round(1 / max(0.25, context.beats_to_seconds(1.0) and step_beats / 1.0))))
    return (
        [Block(h.format_call_statement("with_bpm_mul", factor), inner)] if factor != "1" else inner,
        step_beats * 3,
        True,
    )


def _write_times_loop(
    context: CompositionContext, voice: SynthVoice, octave: int, step_beats: float, always_sounds: bool
) -> tuple[list[CodeNode], float, bool]:
    d, h = context.rng, context.code_style
    count = d.pick((2, 3, 4, 8, 8, 16))
    inner: list[CodeNode] = [voice.write_note(write_note_expression(context, octave)), h.format_sleep(h.format_beats(step_beats))]
    nodes: list[CodeNode] = [Block(f"{count}.times", inner, allows_braces=True)]
    if d.chance(0.4):
        nodes += [
            Block(
                f"{d.pick((2, 4))}.times",
                [voice.write_note(write_note_expression(context, octave)), h.format_sleep(h.format_beats(step_beats))],
                allows_braces=True,
            )
        ]
    if d.chance(0.2) and context.beats_to_seconds(step_beats) < 0.7:
        nodes.append(h.format_sleep(h.format_beats(step_beats * 2)))
    return nodes, step_beats * count, True


def _write_seeded_loop(
    context: CompositionContext, voice: SynthVoice, octave: int, step_beats: float, always_sounds: bool
) -> tuple[list[CodeNode], float, bool]:
    """The same random phrase over and over."""
    d, h = context.rng, context.code_style
    seed = str(d.draw_integer(0, 9999) if d.chance(0.7) else d.draw_integer(1, 99))
    nodes, beats, certain = _write_times_loop(context, voice, octave, step_beats, always_sounds)
    if d.chance(0.25):
        return [Block(h.format_call_statement("with_random_seed", seed), nodes)], beats, certain
    return [h.format_call_statement("use_random_seed", seed), *nodes], beats, certain


def _write_each_loop(
    context: CompositionContext, voice: SynthVoice, octave: int, step_beats: float, always_sounds: bool
) -> tuple[list[CodeNode], float, bool]:
    d, h = context.rng, context.code_style
    notes = context.maybe_hoist("notes", h.format_list(context.write_phrase(octave, d.draw_integer(3, 8))))
    if d.chance(0.3):
        notes = context.write_scale(octave)
    name = h.create_variable_name("note")
    inner: list[CodeNode] = [voice.write_note(name), h.format_sleep(h.format_beats(step_beats))]
    if d.chance(0.25):
        inner.insert(1, voice.write_note(h.format_infix(name, "+", d.pick(("12", "7", "4", "-12")))))
    return [Block(f"{notes}.each", inner, block_parameters=name)], step_beats * 3, True


def _write_zipped_loop(
    context: CompositionContext, voice: SynthVoice, octave: int, step_beats: float, always_sounds: bool
) -> tuple[list[CodeNode], float, bool]:
    d, h = context.rng, context.code_style
    count = d.draw_integer(3, 6)
    notes = context.maybe_hoist("notes", h.format_list(context.write_phrase(octave, count)), 1.5)
    times = context.maybe_hoist(
        "times", h.format_list([h.format_beats(step_beats * d.pick((0.5, 1, 1, 2))) for _ in range(count)]), 1.5
    )
    note, time = h.create_variable_name("note"), h.create_variable_name("sleep")
    if d.chance(0.6):
        inner: list[CodeNode] = [voice.write_note(note), h.format_sleep(time)]
        return (
            [Block(f"{notes}.zip({times}).each", inner, block_parameters=f"{note}, {time}")],
            step_beats * count * 0.5,
            True,
        )
    index = h.create_variable_name("index")
    inner = [voice.write_note(f"{notes}[{index}]"), h.format_sleep(f"{times}[{index}]")]
    return [Block(f"{count}.times", inner, block_parameters=index, allows_braces=True)], step_beats * count * 0.5, True


def _write_rhythm_pattern(
    context: CompositionContext, voice: SynthVoice, octave: int, step_beats: float, always_sounds: bool
) -> tuple[list[CodeNode], float, bool]:
    """Notes where a pattern says so."""
    d, h = context.rng, context.code_style
    play = voice.write_note(write_note_expression(context, octave))
    pattern = write_rhythm_ring(context)
    nodes: list[CodeNode] = (
        [Conditional(f"{pattern}.tick(:p)", [play])] if d.chance(0.4) else [f"{play} if {pattern}.tick(:p)"]
    )
    step_beats = context.draw_step_beats(1, 0.5)
    return [*nodes, h.format_sleep(h.format_beats(step_beats))], step_beats, True


def _write_note_slide(
    context: CompositionContext, voice: SynthVoice, octave: int, step_beats: float, always_sounds: bool
) -> tuple[list[CodeNode], float, bool]:
    """A held note that is bent."""
    d, h = context.rng, context.code_style
    node = h.create_variable_name("node")
    count = d.draw_integer(2, 4)
    held = step_beats * count
    slide = h.format_beats(step_beats * d.pick((0.25, 0.5, 1)))
    notes = context.write_phrase(octave, count)
    drop = ("sustain", "release", "attack", "decay", "sustain_level", "env_curve")
    voice.note_options = {k: v for k, v in voice.note_options.items() if k not in drop}
    play = voice.write_note(notes[0], sustain=h.format_beats(held), release=h.format_beats(step_beats), note_slide=slide)
    nodes: list[CodeNode] = [f"{node} = {play}", h.format_sleep(h.format_beats(step_beats))]
    if (
        "cutoff" in {option.name for option in instruments.SYNTH_OPTIONS[voice.synth_name]}
        and voice.synth_statement != "choose"
        and d.chance(0.4)
    ):
        nodes.append(h.format_call_statement("control", node, cutoff=str(d.draw_integer(60, 120)), cutoff_slide=slide))
    for note in notes[1:]:
        more = {"amp": h.format_number(round(context.layer_level * 0.5, 1))} if d.chance(0.1) else {}
        nodes += [h.format_call_statement("control", node, note=note, **more), h.format_sleep(h.format_beats(step_beats))]
    if d.chance(0.1):
        nodes.append(h.format_call_statement("kill", node))
    return nodes, held, True


def _write_conditional_notes(
    context: CompositionContext, voice: SynthVoice, octave: int, step_beats: float, always_sounds: bool
) -> tuple[list[CodeNode], float, bool]:
    d, h = context.rng, context.code_style
    test = d.pick(
        (
            f"one_in({d.draw_integer(2, 4)})",
            "rand < 0.5",
            f"dice(6) > {d.draw_integer(2, 4)}",
            f"tick % {d.pick((3, 4, 5))} == 0",
            f"factor?(tick, {d.pick((2, 3, 4))})",
            "rand_i(4) != 2",
        )
    )
    one, other = (
        [voice.write_note(write_note_expression(context, octave))],
        [voice.write_note(write_note_expression(context, octave + 1 if octave < 5 else octave))],
    )
    return (
        [Conditional(test, one, other, d.pick(("if", "if", "if", "unless"))), h.format_sleep(h.format_beats(step_beats))],
        step_beats,
        True,
    )


def _write_transposed_loop(
    context: CompositionContext, voice: SynthVoice, octave: int, step_beats: float, always_sounds: bool
) -> tuple[list[CodeNode], float, bool]:
    d, h = context.rng, context.code_style
    inner: list[CodeNode] = [voice.write_note(write_note_expression(context, octave)), h.format_sleep(h.format_beats(step_beats))]
    head = d.pick(
        (
            h.format_call_statement("with_transpose", str(d.pick((-12, -5, 5, 7, 12)))),
            h.format_call_statement("with_octave", d.pick(("-1", "1"))),
            h.format_call_statement("with_transpose", h.format_list(["0", "5", "7"], as_ring=True) + ".tick(:s)"),
            h.format_call_statement("with_cent_tuning", str(d.draw_integer(-40, 40))),
        )
    )
    count = d.pick((2, 4, 4, 8))
    return [Block(head, [Block(f"{count}.times", inner, allows_braces=True)]), *inner], step_beats * count, True


def _write_function_calls(
    context: CompositionContext, voice: SynthVoice, octave: int, step_beats: float, always_sounds: bool
) -> tuple[list[CodeNode], float, bool]:
    """A define with arguments, called with several."""
    d, h = context.rng, context.code_style
    name, note, time = h.create_variable_name("function"), h.create_variable_name("note"), h.create_variable_name("sleep")
    long = d.chance(0.5)
    inner: list[CodeNode] = voice.wrap_notes([voice.write_note(note), h.format_sleep(time if long else h.format_beats(step_beats))])
    if d.chance(0.4):
        inner.insert(-1, voice.write_note(h.format_infix(note, "+", d.pick(("7", "12", "3")))))
    voice.setup_nodes, voice.synth_statement = [], "use"
    context.function_nodes.append(
        Block(h.format_call_statement("define", f":{name}"), inner, block_parameters=f"{note}, {time}" if long else note)
    )
    nodes: list[CodeNode] = [
        h.format_call_statement(name, one, *([h.format_beats(step_beats * d.pick((0.5, 1, 2)))] if long else []))
        for one in context.write_phrase(octave, d.draw_integer(2, 4))
    ]
    return nodes, step_beats * len(nodes) * 0.5, True


def _write_density_block(
    context: CompositionContext, voice: SynthVoice, octave: int, step_beats: float, always_sounds: bool
) -> tuple[list[CodeNode], float, bool]:
    d, h = context.rng, context.code_style
    inner: list[CodeNode] = [voice.write_note(write_note_expression(context, octave)), h.format_sleep(h.format_beats(step_beats * 2))]
    return (
        [Block(h.format_call_statement("density", d.pick(("2", "[1, 2].choose", "2", "3"))), inner)],
        step_beats * 0.7,
        True,
    )


def _write_at_block(
    context: CompositionContext, voice: SynthVoice, octave: int, step_beats: float, always_sounds: bool
) -> tuple[list[CodeNode], float, bool]:
    d, h = context.rng, context.code_style
    count = d.draw_integer(2, 4)
    places = h.format_list([h.format_beats(i * step_beats) for i in range(count)])
    note = h.create_variable_name("note")
    notes = h.format_list(context.write_phrase(octave, count))
    return (
        [
            Block(h.format_call_statement("at", places, notes), [voice.write_note(note)], block_parameters=note),
            h.format_sleep(h.format_beats(count * step_beats)),
        ],
        step_beats * count,
        True,
    )


def _write_arpeggio(
    context: CompositionContext, voice: SynthVoice, octave: int, step_beats: float, always_sounds: bool
) -> tuple[list[CodeNode], float, bool]:
    d, h = context.rng, context.code_style
    count = d.draw_integer(2, 4)
    chords = context.maybe_hoist("chords", h.format_list(context.write_chord_sequence(octave, count), as_ring=True), 1.5)
    chord = h.create_variable_name("chord")
    turn = d.pick(
        (".tick(:n)", ".choose", ".reverse.tick(:n)", ".mirror.tick(:n)", ".shuffle.tick(:n)")
    )
    note = f"{chord}.ring{turn}" if d.chance(0.4) else f"{chord}{turn}"
    inner: list[CodeNode] = [voice.write_note(note), h.format_sleep(h.format_beats(step_beats))]
    times = d.pick((4, 4, 8, 6, 16))
    head = f"{chord} = {chords}.{d.pick(('tick', 'tick', 'choose'))}"
    return [head, Block(f"{times}.times", inner, allows_braces=True)], step_beats * times, True


_NOTE_LOOP_WRITERS = {
    "loop": _write_note_loop,
    "phrase": _write_phrase,
    "timed": _write_timed_pattern,
    "times": _write_times_loop,
    "each": _write_each_loop,
    "zip": _write_zipped_loop,
    "rests": _write_rhythm_pattern,
    "slide": _write_note_slide,
    "maybe": _write_conditional_notes,
    "shift": _write_transposed_loop,
    "function": _write_function_calls,
    "pattern": _write_play_pattern,
    "density": _write_density_block,
    "seeded": _write_seeded_loop,
    "chosen_rest": _write_varying_rests,
    "arp": _write_arpeggio,
    "at": _write_at_block,
}


def _compose_pitched_sample_layer(context: CompositionContext, layer_kind: str) -> ProgramLayer:
    """A sample played as notes."""
    d, h = context.rng, context.code_style
    group = d.pick(_PITCHED_SAMPLE_GROUPS) if layer_kind == "bass" else d.pick(("blips", "textures"))
    name = d.pick(instruments.SAMPLE_GROUPS[group])
    value = instruments.compute_sample_amp(name, group, context.draw_level(0.9))
    shifts = h.format_list(
        [str(n) for n in d.pick_with_repeats((0, 0, 2, 3, 5, 7, 10, 12, -5, -2), d.draw_integer(2, 5))], as_ring=True
    )
    step = context.draw_step_beats(2, 1.0)
    pitch = {
        d.pick(("rpitch", "rpitch", "pitch")): context.maybe_hoist("notes", shifts)
        + d.pick((".tick", ".choose"))
    }
    if d.chance(0.25):
        pitch = {"rate": h.format_call_expression("pitch_to_ratio", shifts + ".tick")}
    cut = {"sustain": h.format_beats(step), "release": "0.1"} if d.chance(0.3) else {}
    body: list[CodeNode] = [
        h.format_call_statement("sample", f":{name}", **pitch, **context.draw_amp_option(value), **cut),
        h.format_sleep(h.format_beats(step)),
    ]
    return ProgramLayer(layer_kind, h.create_loop_name(layer_kind), body, step, [name])
