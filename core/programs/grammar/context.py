"""What is known while a program is being made, and the pieces that all layers use."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.programs.grammar import instruments
from core.programs.grammar.rng import Dice
from core.programs.grammar.code_style import Hand
from core.programs.grammar.styles import Style
from core.programs.grammar.code_tree import Block, Node
from core.programs.vocabulary import _STEPS

_STEP_CHOICES = (0.0625, 0.125, 0.2, 0.25, 0.3, 1 / 3, 0.4, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0)
_CHORDS = "major minor m7 major7 dom7 sus2 sus4 m9 maj9 add9 m add2 minor7 dim augmented".split()
# Chords in the key: steps above the tonic with a quality that belongs there.
_CHANGES = {
    "minor": (
        (0, "minor"),
        (3, "major"),
        (5, "minor"),
        (7, "minor"),
        (8, "major"),
        (10, "major"),
        (0, "m7"),
        (8, "major7"),
        (5, "m7"),
        (10, "sus2"),
        (0, "m9"),
    ),
    "major": (
        (0, "major"),
        (2, "minor"),
        (4, "minor"),
        (5, "major"),
        (7, "major"),
        (9, "minor"),
        (0, "major7"),
        (9, "m7"),
        (2, "m7"),
        (5, "add9"),
        (7, "sus4"),
        (7, "dom7"),
    ),
}


@dataclass
class Layer:
    """One voice of a program.

    Parameters
    ----------
    kind : str
        A key of `styles.ROLES`.
    name : str
        What its loop may be called.
    body : list of Node
        One round.
    beats : float
        The least that a round lasts.
    sounds : list of str
        Synths and samples that it names, the leading one first.
    steady : bool
        Whether every round sounds for certain.
    """

    kind: str
    name: str
    body: list[Node]
    beats: float
    sounds: list[str]
    steady: bool = True


@dataclass
class Sketch:
    """A program in the making.

    Parameters
    ----------
    dice : Dice
        Musical choices.
    hand : Hand
        How they are written.
    style : Style
    bpm : float
        Beats a minute; 60 where the program doesn't say.
    tonic : int
        0 to 11.
    scale : str
    level : float
        Loudness of one layer.
    """

    dice: Dice
    hand: Hand
    style: Style
    bpm: float
    tonic: int
    scale: str
    level: float
    top: list[Node] = field(default_factory=list)
    functions: list[Node] = field(default_factory=list)

    def beats(self, seconds: float) -> float:
        """Return a length in beats."""
        return seconds * self.bpm / 60

    def seconds(self, beats: float) -> float:
        """Return a length in seconds."""
        return beats * 60 / self.bpm

    def step(self, factor: float = 1.0, longest: float = 4.0) -> float:
        """Return a step in beats, `factor` times the style's, at most `longest` seconds long."""
        lo, hi = self.style.pace
        seconds = min(max(self.dice.log(lo, hi, 3) * factor, 0.085), longest)
        wanted = self.beats(seconds)
        return min(_STEP_CHOICES, key=lambda beats: abs(beats - wanted) / beats)

    def hoisted(self, kind: str, expression: str, keen: float = 1.0) -> str:
        """Return the expression, or the name of a variable at the top that holds it."""
        if not self.hand.dice.chance(min(0.95, self.hand.hoists * keen)):
            return expression
        name = self.hand.variable(kind)
        self.top.append(self.hand.assign(name, expression))
        return name

    def level_of(self, factor: float = 1.0) -> float:
        """Return the loudness of the next layer."""
        return self.level * factor * self.dice.uniform(0.75, 1.2)

    # Pitches

    def midi(self, octave: int, degree: int = 0) -> int:
        """Return a degree of the key's scale from an octave on, where 4 is middle C's."""
        steps = _STEPS.get(self.scale, _STEPS["minor"])
        octave += self.style.register
        above, place = divmod(degree, len(steps))
        tone = self.tonic if self.tonic <= 7 else self.tonic - 12
        return min(100, max(28, 12 * (octave + 1) + tone + 12 * above + steps[place]))

    def key(self, octave: int) -> str:
        """Write the key's tonic in an octave."""
        return self.hand.tonic(self.midi(octave))

    def scale_of(self, octave: int, octaves: int = 1) -> str:
        """Write the key's scale."""
        more = {"num_octaves": str(octaves)} if octaves > 1 else {}
        return self.hand.expression("scale", self.key(octave), f":{self.scale}", **more)

    def changes(self, octave: int, count: int) -> list[str]:
        """Write `count` chords that follow one another."""
        family = "major" if 4 in _STEPS.get(self.scale, (3,)) else "minor"
        found = self.dice.several(_CHANGES[family], count)
        more = {}
        if self.dice.chance(0.12):
            more = self.dice.pick(({"num_octaves": "2"}, {"invert": str(self.dice.integer(1, 2))}))
        base = self.midi(octave)
        return [
            self.hand.expression("chord", self.hand.tonic(base + steps), f":{quality}", **more)
            for steps, quality in found
        ]

    def chord(self, octave: int) -> str:
        """Write one chord in any of the ways there are."""
        d, h = self.dice, self.hand
        way = d.weighted({"key": 6, "any": 3, "degree": 3, "notes": 2, "invert": 1, "fifth": 1})
        if way == "degree":
            degree = d.pick(("1", "2", "4", "5", "6", ":i", ":iv", ":v", ":vi"))
            return h.expression(
                "chord_degree", degree, self.key(octave), ":" + self.seven(), str(d.integer(3, 4))
            )
        if way == "notes":
            start = d.integer(0, 3)
            return h.list(
                [h.note(self.midi(octave, start + i)) for i in (0, 2, 4, 6)[: d.integer(3, 4)]]
            )
        if way == "invert":
            return h.expression("chord_invert", self.changes(octave, 1)[0], str(d.integer(1, 2)))
        if way == "fifth":
            return h.list([h.note(self.midi(octave)), h.note(self.midi(octave) + 7)])
        if way == "any":
            return h.expression("chord", self.key(octave), f":{d.pick(_CHORDS)}")
        return self.changes(octave, 1)[0]

    def seven(self) -> str:
        """Return the name of a scale of seven notes, which `degree` and `chord_degree` ask for."""
        return (
            self.scale
            if len(_STEPS.get(self.scale, ())) == 7
            else self.dice.pick(("minor", "major"))
        )

    def melody(self, octave: int, count: int) -> list[str]:
        """Write the notes of a phrase that moves mostly by steps."""
        return [self.hand.note(midi) for midi in self.walk(octave, count)]

    def walk(self, octave: int, count: int) -> list[int]:
        """Return the MIDI notes of a phrase that moves mostly by steps."""
        here, notes = self.dice.integer(0, 4), []
        for _ in range(count):
            notes.append(self.midi(octave, here))
            here = min(9, max(-3, here + self.dice.pick((-4, -2, -1, -1, 0, 1, 1, 2, 3))))
        return notes

    # Options

    def moving(self, lo: float, hi: float, constant: float = 0.6) -> str:
        """Write a number that stands still with probability `constant`, else moves."""
        d, h = self.dice, self.hand
        if d.chance(constant):
            return h.number(d.number(lo, hi))
        a, b = sorted((d.number(lo, hi), d.number(lo, hi)))
        if b <= a:
            return h.number(a)
        low, high = h.number(a), h.number(b)
        way = d.weighted({"rrand": 6, "choose": 3, "line": 3, "ring": 2, "range": 1, "rdist": 0.7})
        if way == "choose":
            return h.list([low, high, h.number(d.number(lo, hi))]) + ".choose"
        if way == "line":
            chain = d.pick(
                (".tick", ".mirror.tick", ".look", ".reverse.tick", ".mirror.look", ".ramp.tick")
            )
            steps = {"steps": str(d.pick((4, 8, 16, 32, 64)))}
            return h.expression("line", low, high, **steps) + chain
        if way == "ring":
            return h.list([high, low, h.number(d.number(lo, hi))], ring=True) + d.pick(
                (".tick", ".look")
            )
        if way == "range" and b - a > 4:
            step = d.pick((("step", "5"), ("step", "2")))
            return h.expression("range", low, high, **dict([step])) + d.pick(
                (".mirror.tick", ".tick")
            )
        if way == "rdist" and b - a > 0.1:
            return h.infix(h.expression("rdist", f"{(b - a) / 2:.2g}"), "+", f"{(a + b) / 2:.3g}")
        return h.expression("rrand", low, high)

    def own_options(self, synth: str, most: int = 2) -> dict[str, str]:
        """Return some of a synth's own options."""
        d = self.dice
        known = instruments.SYNTHS[synth]
        found = {}
        for option in d.distinct(known, d.weighted({0: 3, 1: 4, 2: 2, 3: 0.6})):
            moves = option.name in (
                "cutoff",
                "pulse_width",
                "detune",
                "res",
                "depth",
                "mod_range",
                "freq_band",
            )
            found[option.name] = (
                self.moving(option.lo, option.hi)
                if moves and not option.choices
                else option.draw(d)
            )
            if len(found) == most:
                break
        return found

    def tamed(self, options: dict[str, str]) -> dict[str, str]:
        """Return options at a sane loudness: `norm: 1` makes a quiet synth a loud one."""
        return options | {"amp": self.hand.number(0.2)} if options.get("norm") == "1" else options

    def envelope(self, seconds: float, sustained: bool = False) -> dict[str, str]:
        """Return options that let a note last about so long, in seconds."""
        d, h = self.dice, self.hand
        beats = self.beats(seconds)
        if not sustained:
            if d.chance(0.3) and 0.5 <= beats <= 2:
                return {}
            options = {
                "release": h.number(
                    max(0.05, d.log(0.5, 1.6) * beats and round(beats * d.log(0.5, 1.6), 2))
                )
            }
            if d.chance(0.15):
                options["attack"] = h.number(d.uniform(0.01, 0.1))
            if d.chance(0.12):
                options["sustain"] = h.number(round(beats * d.uniform(0.1, 0.5), 2))
            if d.chance(0.05):
                options |= {
                    "decay": h.number(d.uniform(0.05, 0.3)),
                    "sustain_level": h.number(d.uniform(0.3, 0.8, 1)),
                }
            if d.chance(0.03):
                options["env_curve"] = d.pick(("1", "3", "6", "7"))
            return options
        attack, release = beats * d.uniform(0.05, 0.4), beats * d.uniform(0.2, 0.6)
        options = {
            "attack": h.number(round(attack, 1) or 0.1),
            "release": h.number(round(release, 1) or 0.2),
        }
        if d.chance(0.7):
            options["sustain"] = h.number(round(max(beats - attack, 0.2), 1))
        if d.chance(0.06):
            options |= {
                "attack_level": h.number(d.uniform(0.6, 1, 1)),
                "decay": h.number(d.uniform(0.2, 1, 1)),
                "sustain_level": h.number(d.uniform(0.5, 0.9, 1)),
            }
        return options

    def amp(self, value: float, keep: float = 0.75) -> dict[str, str]:
        """Return the option `amp`; where it is about 1 it is often left out."""
        d, h = self.dice, self.hand
        if 0.85 < value < 1.2 and d.chance(0.6):
            return {}
        if value < 0.85 and d.chance(0.12):
            return {
                "amp": h.expression(
                    "rrand", h.number(round(value * 0.6, 2)), h.number(round(value, 2))
                )
            }
        return {"amp": self.hoisted("amp", h.number(round(value, 2)), 0.6)}

    def pan(self, p: float = 0.15) -> dict[str, str]:
        """Return the option `pan`, seldom."""
        if not self.dice.chance(p):
            return {}
        choices = (
            self.moving(-0.8, 0.8),
            self.hand.expression("rrand", "-1", "1"),
            "[-0.5, 0.5].choose",
        )
        return {"pan": self.dice.pick(choices)}

    # FX

    def fx(self, body: list[Node], kind: str | None = None) -> Block:
        """Return an FX around `body`."""
        d, h = self.dice, self.hand
        kind = kind or d.weighted(self.style.fx)
        name = d.pick(instruments.FX_KINDS[kind])
        options = d.distinct(instruments.FX[name], d.weighted({0: 2, 1: 4, 2: 3, 3: 1}))
        drawn = {option.name: option.draw(d) for option in options}
        if name in instruments.LOUDER and instruments.LOUDER[name] < 0.8 and "amp" not in drawn:
            drawn["amp"] = h.number(instruments.LOUDER[name])
        if kind == "chop" and "phase" not in drawn and name != "ixi_techno" and d.chance(0.5):
            drawn["phase"] = h.length(d.pick((0.125, 0.25, 0.5)))
        return Block(h.call("with_fx", f":{name}", **drawn), body)
