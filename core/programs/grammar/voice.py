"""A synth, how its notes sound, and where in the code that is said."""

from __future__ import annotations

from core.programs.grammar import instruments
from core.programs.grammar.context import Sketch
from core.programs.grammar.code_tree import Block, Node

_GROUPS = {"bass": "basses", "melody": "leads", "arp": "leads", "chords": "keys"}


class Voice:
    """One synth with the options that its notes share, and where they are said.

    A synth is named by `use_synth` before the notes, by `synth` in each of them, by
    `with_synth` around them, or not at all: then it is the beep.
    """

    def __init__(self, s: Sketch, kind: str, seconds: float, level: float, sustained: bool = False):
        d, h = s.dice, s.hand
        self.s, self.kind = s, kind
        self.name = d.pick(instruments.SYNTH_GROUPS[s.style.synths.get(kind, _GROUPS[kind])])
        self.way = d.weighted({"use": 10, "synth": 3, "with": 1.2, "none": 1.2, "choose": 0.6})
        if self.way == "none":
            self.name = "beep"
        value = instruments.synth_amp(self.name, s.level_of(level))
        options = {
            **s.amp(value),
            **s.envelope(seconds, sustained),
            **s.own_options(self.name),
            **s.pan(),
        }
        options = s.tamed(options)
        self.options = options
        self.before: list[Node] = (
            [h.call("use_synth", f":{self.name}")] if self.way == "use" else []
        )
        if self.way == "choose":
            others = d.several(instruments.SYNTH_GROUPS["plucked"], 2)
            names = s.hoisted(
                "synths", h.list([f":{each}" for each in (self.name, *others)], ring=True)
            )
            self.before = [h.call("use_synth", f"{names}.{d.pick(('choose', 'tick'))}")]
            self.options = {
                k: v
                for k, v in options.items()
                if k in ("amp", "release", "attack", "sustain", "pan")
            }
        still = {
            k: v
            for k, v in options.items()
            if not any(c in v for c in ".(") or v.replace(".", "").isdigit()
        }
        if self.way in ("use", "none") and len(still) > 1 and d.chance(0.12):
            self.before.append(h.call("use_synth_defaults", **still))
            self.options = {k: v for k, v in options.items() if k not in still}

    def play(self, note: str, **more: str) -> str:
        """Write one note."""
        options = {**self.options, **more}
        if self.way == "synth":
            return self.s.hand.call("synth", f":{self.name}", note=note, **options)
        return self.s.hand.call("play", note, **options)

    def body(self, nodes: list[Node]) -> list[Node]:
        """Return the layer's body with its synth said."""
        if self.way == "with":
            return [Block(self.s.hand.call("with_synth", f":{self.name}"), nodes)]
        return [*self.before, *nodes]
