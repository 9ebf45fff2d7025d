"""From layers to a whole program: loops, threads, lines, FX around them, what stands on top."""

from __future__ import annotations

import math

from core.programs.grammar import instruments
from core.programs.grammar.drones import compose_drone_layer, compose_noise_layer, compose_texture_layer
from core.programs.grammar.sample_loops import compose_break_layer, compose_glitch_layer
from core.programs.grammar.rng import SeededRandom
from core.programs.grammar.drums import compose_kit_layer
from core.programs.grammar.code_style import CodeStyle
from core.programs.grammar.chords import compose_chord_layer
from core.programs.grammar.context import ProgramLayer, CompositionContext
from core.programs.grammar.styles import MusicStyle
from core.programs.grammar.melodic_layers import compose_note_layer
from core.programs.grammar.code_tree import Block, CodeNode

_MIN_PLAY_SECONDS = 22.0  # seconds for which a piece that ends must have enough to play
_KEY_NAMES = "C Cs D Eb E F Fs G Ab A Bb B".split()

ProgramSections = list[tuple[str, list[CodeNode]]]


def create_context(style: MusicStyle, rng: SeededRandom, code_style: CodeStyle, layer_count: int) -> CompositionContext:
    """Return an empty sketch: tempo, key and loudness are settled."""
    bpm = 60.0
    if rng.chance(style.tempo_probability):
        lo, hi = style.bpm_range
        bpm = float(rng.draw_integer(lo, hi))
        if rng.chance(0.6):
            bpm = float(min(max(5 * round(bpm / 5), lo), hi))
    tonic, scale = rng.draw_integer(0, 11), rng.pick(style.scale_names.split())
    return CompositionContext(rng, code_style, style, bpm, tonic, scale, 0.85 / layer_count**0.45)


def compose_layer(context: CompositionContext, layer_kind: str, always_sounds: bool) -> ProgramLayer:
    """Return a layer of a kind."""
    if layer_kind in ("bass", "melody", "arp"):
        return compose_note_layer(context, layer_kind, always_sounds)
    makers = {
        "kit": compose_kit_layer,
        "break": compose_break_layer,
        "glitch": compose_glitch_layer,
        "chords": compose_chord_layer,
        "drone": compose_drone_layer,
        "texture": compose_texture_layer,
        "noise": compose_noise_layer,
    }
    return makers[layer_kind](context, always_sounds)


def arrange_layers(context: CompositionContext, layers: list[ProgramLayer]) -> ProgramSections:
    """Return a program's sections: what stands on top, functions, and the layers as they run."""
    d = context.rng
    if len(layers) == 1:
        forms = {"loops": 5, "loop": 3, "times": 2.5, "in_fx": 1, "set_get": 0.3, "once": 1.2}
        form = d.pick_weighted(forms)
    else:
        form = d.pick_weighted(
            {
                "loops": 8,
                "threads": 2,
                "in_fx": 1.2,
                "synced": 2,
                "metro": 1,
                "parts": 0.8,
                "set_get": 0.5,
            }
        )
    for one in layers:
        _add_layer_effects(context, one)
    running = {
        "loops": _arrange_live_loops,
        "loop": _arrange_plain_loop,
        "times": _arrange_times_loop,
        "in_fx": _arrange_inside_fx,
        "threads": _arrange_threads,
        "synced": _arrange_synced_loops,
        "metro": _arrange_metronome,
        "parts": _arrange_function_calls,
        "once": _arrange_single_line,
        "set_get": _arrange_set_get,
    }[form](context, layers)
    top = _write_global_settings(context) + context.top_nodes
    functions: ProgramSections = [("", [function]) for function in context.function_nodes]
    return [*([("", top)] if top else []), *functions, *running]


def _add_layer_effects(context: CompositionContext, layer: ProgramLayer) -> None:
    """Put an FX around a round of a layer, where a round is long enough for that."""
    d = context.rng
    if d.chance(0.025):
        layer.body = [
            Block(
                context.code_style.format_call_statement(
                    "with_bpm", context.code_style.format_number(max(30, round(context.bpm * d.pick((0.5, 0.75, 1, 2)))))
                ),
                layer.body,
            )
        ]
    if not d.chance(context.style.fx_probability * 0.3) or context.beats_to_seconds(layer.min_beats) < 0.9:
        return
    layer.body = [context.wrap_in_fx(layer.body)]
    if d.chance(0.15) and context.beats_to_seconds(layer.min_beats) > 2:
        layer.body = [context.wrap_in_fx(layer.body, "space")]


def _maybe_wrap_in_fx(context: CompositionContext, node: CodeNode) -> CodeNode:
    """Put one or two FX around a whole loop, now and then."""
    d = context.rng
    if not d.chance(context.style.fx_probability * 0.6):
        return node
    inner = context.wrap_in_fx([node])
    return context.wrap_in_fx([inner]) if d.chance(0.25) else inner


def _build_live_loop(context: CompositionContext, layer: ProgramLayer, **options: str) -> Block:
    h = context.code_style
    head = h.format_call_statement("live_loop", f":{layer.loop_name}", **options)
    return Block(head, layer.body, allows_braces="(" in head)


def _arrange_live_loops(context: CompositionContext, layers: list[ProgramLayer]) -> ProgramSections:
    return [(one.kind, [_maybe_wrap_in_fx(context, _build_live_loop(context, one))]) for one in layers]


def _arrange_plain_loop(context: CompositionContext, layers: list[ProgramLayer]) -> ProgramSections:
    return [("", [_maybe_wrap_in_fx(context, Block("loop", layers[0].body, allows_braces=True))])]


def _arrange_times_loop(context: CompositionContext, layers: list[ProgramLayer]) -> ProgramSections:
    """A piece that ends, but not before the listener has heard enough."""
    one = layers[0]
    rounds = max(2, int(_MIN_PLAY_SECONDS / max(0.05, context.beats_to_seconds(one.min_beats))) + context.rng.draw_integer(1, 6))
    counter = context.code_style.create_variable_name("index") if context.rng.chance(0.1) else ""
    return [("", [_maybe_wrap_in_fx(context, Block(f"{rounds}.times", one.body, block_parameters=counter, allows_braces=True))])]


def _arrange_single_line(context: CompositionContext, layers: list[ProgramLayer]) -> ProgramSections:
    """One line that sounds for long."""
    d, h = context.rng, context.code_style
    context.top_nodes, context.function_nodes, one = [], [], layers[0]
    way = d.pick(("pattern", "pattern", "times", "sample", "note", "note"))
    whole = max(16, math.ceil(context.seconds_to_beats(17.0)))
    octave = d.pick((2, 3, 3, 4))
    if way == "pattern":
        octaves = d.pick((2, 3))
        notes = context.write_scale(d.pick((2, 3)), octaves) + d.pick(
            ("", "", ".mirror", ".reverse", ".shuffle")
        )
        length = h.format_beats(math.ceil(whole / (5 * octaves)))
        line = h.format_call_statement("play_pattern_timed", notes, length, release=length)
        one.kind, one.sound_names = "melody", ["beep"]
    elif way == "times":
        step = context.draw_step_beats(1, 0.6)
        lo, hi = d.pick((("40", "80"), ("55", "90"), ("60", "72")))
        inner: list[CodeNode] = [h.format_call_statement("play", h.format_call_expression("rrand_i", lo, hi))]
        one.kind, one.sound_names = "melody", ["beep"]
        if d.chance(0.4):
            name = d.pick(instruments.SAMPLE_GROUPS["percussion"])
            inner = [h.format_call_statement("sample", f":{name}", **context.draw_pan_option(0.5))]
            one.kind, one.sound_names = "kit", [name]
        inner.append(h.format_sleep(h.format_beats(step)))
        return [("", [Block(f"{math.ceil(whole / step)}.times", inner, allows_braces=True)])]
    elif way == "sample":
        known = [*instruments.SAMPLE_GROUPS["textures"], *instruments.SAMPLE_GROUPS["breaks"]]
        name = d.pick([each for each in known if instruments.SAMPLE_SECONDS[each] >= 3])
        one.kind, one.sound_names = "texture", [name]
        rate = d.pick((1, -1)) * math.floor(100 * instruments.SAMPLE_SECONDS[name] / 17) / 100
        amp = context.draw_amp_option(instruments.compute_sample_amp(name, "textures", 1.0))
        line = h.format_call_statement("sample", f":{name}", rate=h.format_number(rate), **amp)
    else:
        name = d.pick(instruments.SYNTH_GROUPS["pads"])
        one.kind, one.sound_names = "drone", [name]
        note = context.write_chord(octave) if d.chance(0.4) else h.format_note(context.degree_to_midi(octave))
        sustain = {
            "attack": str(d.draw_integer(1, 4)),
            "sustain": str(whole),
            "release": str(d.draw_integer(2, 8)),
        }
        amp = context.draw_amp_option(instruments.compute_synth_amp(name, 0.5))
        options = context.limit_loudness({**amp, **sustain, **context.draw_synth_options(name)})
        line = h.format_call_statement("synth", f":{name}", note=note, **options)
    return [("", [_maybe_wrap_in_fx(context, line)])]


def _arrange_inside_fx(context: CompositionContext, layers: list[ProgramLayer]) -> ProgramSections:
    """All layers within one FX."""
    blocks: list[CodeNode] = [_build_live_loop(context, one) for one in layers]
    outer = context.wrap_in_fx(blocks, None if context.rng.chance(0.5) else "space")
    return [("", [context.wrap_in_fx([outer]) if context.rng.chance(0.3) else outer])]


def _arrange_threads(context: CompositionContext, layers: list[ProgramLayer]) -> ProgramSections:
    """Threads, the last layer in the main one."""
    found: ProgramSections = []
    for one in layers[:-1]:
        name = {"name": f":{one.loop_name}"} if context.rng.chance(0.2) else {}
        inner = Block("loop", one.body, allows_braces=True)
        found.append((one.kind, [Block(context.code_style.format_call_statement("in_thread", **name), [_maybe_wrap_in_fx(context, inner)])]))
    last = layers[-1]
    end = _build_live_loop(context, last) if context.rng.chance(0.3) else Block("loop", last.body, allows_braces=True)
    return [*found, (last.kind, [_maybe_wrap_in_fx(context, end)])]


def _arrange_synced_loops(context: CompositionContext, layers: list[ProgramLayer]) -> ProgramSections:
    """The others wait for the first one's rounds."""
    d, h = context.rng, context.code_style
    first, *others = layers
    found: ProgramSections = [(first.kind, [_maybe_wrap_in_fx(context, _build_live_loop(context, first))])]
    for one in others:
        if d.chance(0.6) or context.beats_to_seconds(first.min_beats) > 4:
            found.append((one.kind, [_maybe_wrap_in_fx(context, _build_live_loop(context, one, sync=f":{first.loop_name}"))]))
        elif d.chance(0.5):
            one.body = [h.format_call_statement("sync", f":{first.loop_name}"), *one.body]
            found.append((one.kind, [_maybe_wrap_in_fx(context, _build_live_loop(context, one))]))
        else:
            found.append(
                (one.kind, [_maybe_wrap_in_fx(context, _build_live_loop(context, one, delay=h.format_beats(d.pick((0.5, 1, 2, 4)))))])
            )
    return found


def _arrange_metronome(context: CompositionContext, layers: list[ProgramLayer]) -> ProgramSections:
    """A loop that only gives the beat, by cue or by its own rounds."""
    d, h = context.rng, context.code_style
    name = h.create_loop_name("metro")
    beat = h.format_beats(max(1, round(context.seconds_to_beats(d.draw_uniform(0.5, 2.0)))))
    cue = h.create_variable_name("count") if d.chance(0.4) else ""
    metro: list[CodeNode] = [h.format_call_statement("cue", f":{cue}")] if cue else []
    found: ProgramSections = [("", [Block(f"live_loop :{name}", [*metro, h.format_sleep(beat)])])]
    for index, one in enumerate(layers):
        options = {} if index == 0 and d.chance(0.5) else {"sync": f":{cue or name}"}
        found.append((one.kind, [_maybe_wrap_in_fx(context, _build_live_loop(context, one, **options))]))
    return found


def _arrange_function_calls(context: CompositionContext, layers: list[ProgramLayer]) -> ProgramSections:
    """Each layer a function, called by loops; the first one stands for itself."""
    d, h = context.rng, context.code_style
    found: ProgramSections = []
    calls: list[tuple[ProgramLayer, str]] = []
    for one in layers[1:]:
        name = h.create_variable_name("function")
        context.function_nodes.append(Block(h.format_call_statement("define", f":{name}"), one.body))
        calls.append((one, name))
    found.append((layers[0].kind, [_maybe_wrap_in_fx(context, _build_live_loop(context, layers[0]))]))
    for one, name in calls:
        body: list[CodeNode] = [name]
        if d.chance(0.25):
            body = [Block(f"{d.pick((2, 4))}.times", [name], allows_braces=True)]
        found.append((one.kind, [_maybe_wrap_in_fx(context, Block(h.format_call_statement("live_loop", f":{one.loop_name}"), body))]))
    return found


def _arrange_set_get(context: CompositionContext, layers: list[ProgramLayer]) -> ProgramSections:
    """One loop tells the others a note through the time state."""
    d, h = context.rng, context.code_style
    name = h.create_variable_name("root")
    key = d.pick((f"get[:{name}]", f"get(:{name})"))
    roots = h.format_list(context.write_phrase(2, d.draw_integer(2, 4)), as_ring=True)
    context.top_nodes.append(h.format_call_statement("set", f":{name}", h.format_note(context.degree_to_midi(2))))
    step = max(1, round(context.seconds_to_beats(d.draw_uniform(1.0, 3.0))))
    giver = Block(
        f"live_loop :{h.create_loop_name('metro')}",
        [h.format_call_statement("set", f":{name}", f"{roots}.tick"), h.format_sleep(h.format_beats(step))],
    )
    taker_step = context.draw_step_beats(1, 0.8)
    shift = d.pick(("", "12", "7", "24"))
    note = h.format_infix(key, "+", shift) if shift else key
    synth = d.pick(("fm", "saw", "beep", "pluck", "tri", "prophet", "subpulse"))
    play = h.format_call_statement("play", note, amp=h.format_number(round(context.layer_level * 0.8, 1)), release=h.format_beats(taker_step))
    taker = Block(
        f"live_loop :{h.create_loop_name('bass')}",
        [h.format_call_statement("use_synth", f":{synth}"), play, h.format_sleep(h.format_beats(taker_step))],
    )
    return [("", [giver]), ("bass", [taker]), *_arrange_live_loops(context, layers)]


def _write_global_settings(context: CompositionContext) -> list[CodeNode]:
    """Return what stands at the very top."""
    d, h = context.rng, context.code_style
    nodes: list[CodeNode] = []
    if context.bpm != 60.0 or d.chance(0.06):
        nodes.append(h.format_call_statement("use_bpm", h.format_number(context.bpm)))
    if d.chance(0.22):
        nodes.append(h.format_call_statement("use_random_seed", str(d.draw_integer(0, d.pick((20, 1000, 100000))))))
    if d.chance(0.06):
        nodes.append(h.format_call_statement("use_debug", "false"))
    if d.chance(0.04):
        nodes.append(h.format_call_statement("use_transpose", str(d.pick((-12, -5, -2, 2, 3, 5, 7)))))
    if d.chance(0.02):
        nodes.append(h.format_call_statement("use_octave", d.pick(("-1", "1"))))
    if d.chance(0.04):
        nodes.append(
            h.format_call_statement(
                "use_sample_defaults",
                **{d.pick(("rate", "pan")): h.format_number(d.draw_uniform(0.2, 0.9, 1)), "lpf": "110"},
            )
        )
    if d.chance(0.04):
        nodes.append(
            h.format_call_statement(
                "use_synth_defaults",
                release=h.format_number(d.draw_uniform(0.2, 1.2, 1)),
                pan=h.format_number(d.draw_uniform(-0.3, 0.3, 1)),
            )
        )
    if d.chance(0.03):
        nodes.append(h.format_call_statement("set_volume!", h.format_number(d.draw_uniform(0.7, 1.0, 1))))
    if h.rng.chance(0.05):
        nodes.append(
            h.format_assignment(h.create_variable_name("unused"), h.rng.pick(("0", "120", "[60, 62, 64]", ":c4", "0.5")))
        )
    if h.rng.chance(0.04):
        nodes.append(
            h.format_call_statement(
                h.rng.pick(("puts", "print")),
                h.rng.pick(('"hello"', '"start"', "'go'", '"let\'s go"')),
            )
        )
    return nodes


def format_key_name(context: CompositionContext) -> str:
    """Return the key for people: "C minor"."""
    return f"{_KEY_NAMES[context.tonic]} {context.scale.replace('_', ' ')}"
