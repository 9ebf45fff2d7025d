"""Layers of chords."""

from __future__ import annotations

from core.programs.grammar.context import Layer, Sketch
from core.programs.grammar.code_tree import Block, Node
from core.programs.grammar.voice import Voice


def chords(s: Sketch, steady: bool) -> Layer:
    """Return a layer of chords: pads, stabs or a progression."""
    d, h = s.dice, s.hand
    short = d.chance(0.4)
    step = s.step(d.pick((2, 3, 4)) if short else d.pick((4, 6, 8)), 2.5 if short else 5.5)
    voice = Voice(s, "chords", s.seconds(step) * (0.7 if short else 1.0), 0.5, sustained=not short)
    octave = d.pick((3, 3, 4))
    way = d.weighted(
        {
            "ring": 5,
            "one": 3,
            "list": 4,
            "times": 2,
            "each": 1,
            "strum": 1.5,
            "play_chord": 1,
            "degree": 1.5,
        }
    )
    nodes, beats = {
        "ring": _ring,
        "one": _one_chord,
        "list": _list,
        "times": _struck,
        "each": _each_chord,
        "strum": _strum,
        "play_chord": _play_chord,
        "degree": _degrees,
    }[way](s, voice, octave, step)
    return Layer("chords", h.loop_name("chords"), voice.body(nodes), beats, [voice.name])


def _ring(s: Sketch, voice: Voice, octave: int, step: float) -> tuple[list[Node], float]:
    d, h = s.dice, s.hand
    ring = s.hoisted("chords", h.list(s.changes(octave, d.integer(2, 6)), ring=True), 1.8)
    return [
        voice.play(f"{ring}.{d.pick(('tick', 'tick', 'tick', 'choose'))}"),
        h.sleep(h.length(step)),
    ], step


def _one_chord(s: Sketch, voice: Voice, octave: int, step: float) -> tuple[list[Node], float]:
    return [voice.play(s.chord(octave)), s.hand.sleep(s.hand.length(step))], step


def _list(s: Sketch, voice: Voice, octave: int, step: float) -> tuple[list[Node], float]:
    nodes: list[Node] = []
    changes = s.changes(octave, s.dice.integer(2, 4))
    for chord in changes:
        nodes += [voice.play(chord), s.hand.sleep(s.hand.length(step))]
    return nodes, step * len(changes)


def _struck(s: Sketch, voice: Voice, octave: int, step: float) -> tuple[list[Node], float]:
    d, h = s.dice, s.hand
    nodes: list[Node] = []
    count, short = d.pick((2, 3, 4)), step / 2
    for chord in s.changes(octave, d.integer(1, 4)):
        nodes.append(
            Block(f"{count}.times", [voice.play(chord), h.sleep(h.length(short))], braces=True)
        )
    return nodes, short * count


def _each_chord(s: Sketch, voice: Voice, octave: int, step: float) -> tuple[list[Node], float]:
    h = s.hand
    name = h.variable("chord")
    changes = s.hoisted("chords", h.list(s.changes(octave, s.dice.integer(2, 4))), 1.6)
    return [
        Block(f"{changes}.each", [voice.play(name), h.sleep(h.length(step))], params=name)
    ], step * 2


def _strum(s: Sketch, voice: Voice, octave: int, step: float) -> tuple[list[Node], float]:
    d, h = s.dice, s.hand
    gap = h.number(d.uniform(0.02, 0.1))
    name = h.variable("note")
    inner: list[Node] = [voice.play(name), h.sleep(gap)]
    return [Block(f"{s.chord(octave)}.each", inner, params=name), h.sleep(h.length(step))], step


def _play_chord(s: Sketch, voice: Voice, octave: int, step: float) -> tuple[list[Node], float]:
    h = s.hand
    if voice.way == "synth":
        voice.before = [h.call("use_synth", f":{voice.name}")]
    return [h.call("play_chord", s.chord(octave), **voice.options), h.sleep(h.length(step))], step


def _degrees(s: Sketch, voice: Voice, octave: int, step: float) -> tuple[list[Node], float]:
    d, h = s.dice, s.hand
    degrees = h.list([str(n) for n in d.several((1, 2, 3, 4, 5, 6), d.integer(3, 5))], ring=True)
    if d.chance(0.3):
        degrees = h.list(d.several((":i", ":iv", ":v", ":vi", ":ii"), 4), ring=True)
    chord = h.expression(
        "chord_degree", s.hoisted("chords", degrees) + ".tick", s.key(octave), ":" + s.seven()
    )
    return [voice.play(chord), h.sleep(h.length(step))], step
