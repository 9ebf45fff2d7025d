"""From layers to a whole program: loops, threads, lines, FX around them, what stands on top."""

from __future__ import annotations

import math

from core.programs.grammar import instruments
from core.programs.grammar.drones import drone, noise, texture
from core.programs.grammar.sample_loops import breaks, glitch
from core.programs.grammar.rng import Dice
from core.programs.grammar.drums import kit
from core.programs.grammar.code_style import Hand
from core.programs.grammar.chords import chords
from core.programs.grammar.context import Layer, Sketch
from core.programs.grammar.styles import Style
from core.programs.grammar.melodic_layers import tones
from core.programs.grammar.code_tree import Block, Node

_LONGEST = 22.0  # seconds for which a piece that ends must have enough to play
_KEYS = "C Cs D Eb E F Fs G Ab A Bb B".split()

Sections = list[tuple[str, list[Node]]]


def sketched(style: Style, dice: Dice, hand: Hand, layers: int) -> Sketch:
    """Return an empty sketch: tempo, key and loudness are settled."""
    bpm = 60.0
    if dice.chance(style.timed):
        lo, hi = style.tempo
        bpm = float(dice.integer(lo, hi))
        if dice.chance(0.6):
            bpm = float(min(max(5 * round(bpm / 5), lo), hi))
    tonic, scale = dice.integer(0, 11), dice.pick(style.scales.split())
    return Sketch(dice, hand, style, bpm, tonic, scale, 0.85 / layers**0.45)


def layer(s: Sketch, kind: str, steady: bool) -> Layer:
    """Return a layer of a kind."""
    if kind in ("bass", "melody", "arp"):
        return tones(s, kind, steady)
    makers = {
        "kit": kit,
        "break": breaks,
        "glitch": glitch,
        "chords": chords,
        "drone": drone,
        "texture": texture,
        "noise": noise,
    }
    return makers[kind](s, steady)


def piece(s: Sketch, layers: list[Layer]) -> Sections:
    """Return a program's sections: what stands on top, functions, and the layers as they run."""
    d = s.dice
    if len(layers) == 1:
        forms = {"loops": 5, "loop": 3, "times": 2.5, "in_fx": 1, "set_get": 0.3, "once": 1.2}
        form = d.weighted(forms)
    else:
        form = d.weighted(
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
        _colour(s, one)
    running = {
        "loops": _loops,
        "loop": _loop,
        "times": _times,
        "in_fx": _in_fx,
        "threads": _threads,
        "synced": _synced,
        "metro": _metro,
        "parts": _parts,
        "once": _once,
        "set_get": _set_get,
    }[form](s, layers)
    top = _settings(s) + s.top
    functions: Sections = [("", [function]) for function in s.functions]
    return [*([("", top)] if top else []), *functions, *running]


def _colour(s: Sketch, one: Layer) -> None:
    """Put an FX around a round of a layer, where a round is long enough for that."""
    d = s.dice
    if d.chance(0.025):
        one.body = [
            Block(
                s.hand.call(
                    "with_bpm", s.hand.number(max(30, round(s.bpm * d.pick((0.5, 0.75, 1, 2)))))
                ),
                one.body,
            )
        ]
    if not d.chance(s.style.wet * 0.3) or s.seconds(one.beats) < 0.9:
        return
    one.body = [s.fx(one.body)]
    if d.chance(0.15) and s.seconds(one.beats) > 2:
        one.body = [s.fx(one.body, "space")]


def _wrapped(s: Sketch, block: Node) -> Node:
    """Put one or two FX around a whole loop, now and then."""
    d = s.dice
    if not d.chance(s.style.wet * 0.6):
        return block
    inner = s.fx([block])
    return s.fx([inner]) if d.chance(0.25) else inner


def _live(s: Sketch, one: Layer, **options: str) -> Block:
    h = s.hand
    head = h.call("live_loop", f":{one.name}", **options)
    return Block(head, one.body, braces="(" in head)


def _loops(s: Sketch, layers: list[Layer]) -> Sections:
    return [(one.kind, [_wrapped(s, _live(s, one))]) for one in layers]


def _loop(s: Sketch, layers: list[Layer]) -> Sections:
    return [("", [_wrapped(s, Block("loop", layers[0].body, braces=True))])]


def _times(s: Sketch, layers: list[Layer]) -> Sections:
    """A piece that ends, but not before the listener has heard enough."""
    one = layers[0]
    rounds = max(2, int(_LONGEST / max(0.05, s.seconds(one.beats))) + s.dice.integer(1, 6))
    counter = s.hand.variable("index") if s.dice.chance(0.1) else ""
    return [("", [_wrapped(s, Block(f"{rounds}.times", one.body, params=counter, braces=True))])]


def _once(s: Sketch, layers: list[Layer]) -> Sections:
    """One line that sounds for long."""
    d, h = s.dice, s.hand
    s.top, s.functions, one = [], [], layers[0]
    way = d.pick(("pattern", "pattern", "times", "sample", "note", "note"))
    whole = max(16, math.ceil(s.beats(17.0)))
    octave = d.pick((2, 3, 3, 4))
    if way == "pattern":
        octaves = d.pick((2, 3))
        notes = s.scale_of(d.pick((2, 3)), octaves) + d.pick(
            ("", "", ".mirror", ".reverse", ".shuffle")
        )
        length = h.length(math.ceil(whole / (5 * octaves)))
        line = h.call("play_pattern_timed", notes, length, release=length)
        one.kind, one.sounds = "melody", ["beep"]
    elif way == "times":
        step = s.step(1, 0.6)
        lo, hi = d.pick((("40", "80"), ("55", "90"), ("60", "72")))
        inner: list[Node] = [h.call("play", h.expression("rrand_i", lo, hi))]
        one.kind, one.sounds = "melody", ["beep"]
        if d.chance(0.4):
            name = d.pick(instruments.SAMPLE_GROUPS["percussion"])
            inner = [h.call("sample", f":{name}", **s.pan(0.5))]
            one.kind, one.sounds = "kit", [name]
        inner.append(h.sleep(h.length(step)))
        return [("", [Block(f"{math.ceil(whole / step)}.times", inner, braces=True)])]
    elif way == "sample":
        known = [*instruments.SAMPLE_GROUPS["textures"], *instruments.SAMPLE_GROUPS["breaks"]]
        name = d.pick([each for each in known if instruments.LASTS[each] >= 3])
        one.kind, one.sounds = "texture", [name]
        rate = d.pick((1, -1)) * math.floor(100 * instruments.LASTS[name] / 17) / 100
        amp = s.amp(instruments.sample_amp(name, "textures", 1.0))
        line = h.call("sample", f":{name}", rate=h.number(rate), **amp)
    else:
        name = d.pick(instruments.SYNTH_GROUPS["pads"])
        one.kind, one.sounds = "drone", [name]
        note = s.chord(octave) if d.chance(0.4) else h.note(s.midi(octave))
        sustain = {
            "attack": str(d.integer(1, 4)),
            "sustain": str(whole),
            "release": str(d.integer(2, 8)),
        }
        amp = s.amp(instruments.synth_amp(name, 0.5))
        options = s.tamed({**amp, **sustain, **s.own_options(name)})
        line = h.call("synth", f":{name}", note=note, **options)
    return [("", [_wrapped(s, line)])]


def _in_fx(s: Sketch, layers: list[Layer]) -> Sections:
    """All layers within one FX."""
    blocks: list[Node] = [_live(s, one) for one in layers]
    outer = s.fx(blocks, None if s.dice.chance(0.5) else "space")
    return [("", [s.fx([outer]) if s.dice.chance(0.3) else outer])]


def _threads(s: Sketch, layers: list[Layer]) -> Sections:
    """Threads, the last layer in the main one."""
    found: Sections = []
    for one in layers[:-1]:
        name = {"name": f":{one.name}"} if s.dice.chance(0.2) else {}
        inner = Block("loop", one.body, braces=True)
        found.append((one.kind, [Block(s.hand.call("in_thread", **name), [_wrapped(s, inner)])]))
    last = layers[-1]
    end = _live(s, last) if s.dice.chance(0.3) else Block("loop", last.body, braces=True)
    return [*found, (last.kind, [_wrapped(s, end)])]


def _synced(s: Sketch, layers: list[Layer]) -> Sections:
    """The others wait for the first one's rounds."""
    d, h = s.dice, s.hand
    first, *others = layers
    found: Sections = [(first.kind, [_wrapped(s, _live(s, first))])]
    for one in others:
        if d.chance(0.6) or s.seconds(first.beats) > 4:
            found.append((one.kind, [_wrapped(s, _live(s, one, sync=f":{first.name}"))]))
        elif d.chance(0.5):
            one.body = [h.call("sync", f":{first.name}"), *one.body]
            found.append((one.kind, [_wrapped(s, _live(s, one))]))
        else:
            found.append(
                (one.kind, [_wrapped(s, _live(s, one, delay=h.length(d.pick((0.5, 1, 2, 4)))))])
            )
    return found


def _metro(s: Sketch, layers: list[Layer]) -> Sections:
    """A loop that only gives the beat, by cue or by its own rounds."""
    d, h = s.dice, s.hand
    name = h.loop_name("metro")
    beat = h.length(max(1, round(s.beats(d.uniform(0.5, 2.0)))))
    cue = h.variable("count") if d.chance(0.4) else ""
    metro: list[Node] = [h.call("cue", f":{cue}")] if cue else []
    found: Sections = [("", [Block(f"live_loop :{name}", [*metro, h.sleep(beat)])])]
    for index, one in enumerate(layers):
        options = {} if index == 0 and d.chance(0.5) else {"sync": f":{cue or name}"}
        found.append((one.kind, [_wrapped(s, _live(s, one, **options))]))
    return found


def _parts(s: Sketch, layers: list[Layer]) -> Sections:
    """Each layer a function, called by loops; the first one stands for itself."""
    d, h = s.dice, s.hand
    found: Sections = []
    calls: list[tuple[Layer, str]] = []
    for one in layers[1:]:
        name = h.variable("function")
        s.functions.append(Block(h.call("define", f":{name}"), one.body))
        calls.append((one, name))
    found.append((layers[0].kind, [_wrapped(s, _live(s, layers[0]))]))
    for one, name in calls:
        body: list[Node] = [name]
        if d.chance(0.25):
            body = [Block(f"{d.pick((2, 4))}.times", [name], braces=True)]
        found.append((one.kind, [_wrapped(s, Block(h.call("live_loop", f":{one.name}"), body))]))
    return found


def _set_get(s: Sketch, layers: list[Layer]) -> Sections:
    """One loop tells the others a note through the time state."""
    d, h = s.dice, s.hand
    name = h.variable("root")
    key = d.pick((f"get[:{name}]", f"get(:{name})"))
    roots = h.list(s.melody(2, d.integer(2, 4)), ring=True)
    s.top.append(h.call("set", f":{name}", h.note(s.midi(2))))
    step = max(1, round(s.beats(d.uniform(1.0, 3.0))))
    giver = Block(
        f"live_loop :{h.loop_name('metro')}",
        [h.call("set", f":{name}", f"{roots}.tick"), h.sleep(h.length(step))],
    )
    taker_step = s.step(1, 0.8)
    shift = d.pick(("", "12", "7", "24"))
    note = h.infix(key, "+", shift) if shift else key
    synth = d.pick(("fm", "saw", "beep", "pluck", "tri", "prophet", "subpulse"))
    play = h.call("play", note, amp=h.number(round(s.level * 0.8, 1)), release=h.length(taker_step))
    taker = Block(
        f"live_loop :{h.loop_name('bass')}",
        [h.call("use_synth", f":{synth}"), play, h.sleep(h.length(taker_step))],
    )
    return [("", [giver]), ("bass", [taker]), *_loops(s, layers)]


def _settings(s: Sketch) -> list[Node]:
    """Return what stands at the very top."""
    d, h = s.dice, s.hand
    nodes: list[Node] = []
    if s.bpm != 60.0 or d.chance(0.06):
        nodes.append(h.call("use_bpm", h.number(s.bpm)))
    if d.chance(0.22):
        nodes.append(h.call("use_random_seed", str(d.integer(0, d.pick((20, 1000, 100000))))))
    if d.chance(0.06):
        nodes.append(h.call("use_debug", "false"))
    if d.chance(0.04):
        nodes.append(h.call("use_transpose", str(d.pick((-12, -5, -2, 2, 3, 5, 7)))))
    if d.chance(0.02):
        nodes.append(h.call("use_octave", d.pick(("-1", "1"))))
    if d.chance(0.04):
        nodes.append(
            h.call(
                "use_sample_defaults",
                **{d.pick(("rate", "pan")): h.number(d.uniform(0.2, 0.9, 1)), "lpf": "110"},
            )
        )
    if d.chance(0.04):
        nodes.append(
            h.call(
                "use_synth_defaults",
                release=h.number(d.uniform(0.2, 1.2, 1)),
                pan=h.number(d.uniform(-0.3, 0.3, 1)),
            )
        )
    if d.chance(0.03):
        nodes.append(h.call("set_volume!", h.number(d.uniform(0.7, 1.0, 1))))
    if h.dice.chance(0.05):
        nodes.append(
            h.assign(h.variable("unused"), h.dice.pick(("0", "120", "[60, 62, 64]", ":c4", "0.5")))
        )
    if h.dice.chance(0.04):
        nodes.append(
            h.call(
                h.dice.pick(("puts", "print")),
                h.dice.pick(('"hello"', '"start"', "'go'", '"let\'s go"')),
            )
        )
    return nodes


def key_name(s: Sketch) -> str:
    """Return the key for people: "C minor"."""
    return f"{_KEYS[s.tonic]} {s.scale.replace('_', ' ')}"
