"""What is known while a program is being made, and the pieces that all layers use."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.programs.grammar import instruments
from core.programs.grammar.rng import SeededRandom
from core.programs.grammar.code_style import CodeStyle
from core.programs.grammar.styles import MusicStyle
from core.programs.grammar.code_tree import Block, CodeNode
from core.programs.vocabulary import SCALE_STEPS

_STEP_BEATS_CHOICES = (0.0625, 0.125, 0.2, 0.25, 0.3, 1 / 3, 0.4, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0)
_CHORD_QUALITIES = "major minor m7 major7 dom7 sus2 sus4 m9 maj9 add9 m add2 minor7 dim augmented".split()
# Chords in the key: steps above the tonic with a quality that belongs there.
_CHORDS_IN_KEY = {
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
class ProgramLayer:
    """One voice of a program.

    Parameters
    ----------
    kind : str
        A key of `styles.ROLES`.
    loop_name : str
        What its loop may be called.
    body : list of Node
        One round.
    min_beats : float
        The least that a round lasts.
    sound_names : list of str
        Synths and samples that it names, the leading one first.
    always_sounds : bool
        Whether every round sounds for certain.
    """

    kind: str
    loop_name: str
    body: list[CodeNode]
    min_beats: float
    sound_names: list[str]
    always_sounds: bool = True


@dataclass
class CompositionContext:
    """A program in the making.

    Parameters
    ----------
    rng : Dice
        Musical choices.
    code_style : Hand
        How they are written.
    style : Style
    bpm : float
        Beats a minute; 60 where the program doesn't say.
    tonic : int
        0 to 11.
    scale : str
    layer_level : float
        Loudness of one layer.
    """

    rng: SeededRandom
    code_style: CodeStyle
    style: MusicStyle
    bpm: float
    tonic: int
    scale: str
    layer_level: float
    top_nodes: list[CodeNode] = field(default_factory=list)
    function_nodes: list[CodeNode] = field(default_factory=list)

    def seconds_to_beats(self, seconds: float) -> float:
        """Return a length in beats."""
        return seconds * self.bpm / 60

    def beats_to_seconds(self, beats: float) -> float:
        """Return a length in seconds."""
        return beats * 60 / self.bpm

    def draw_step_beats(self, factor: float = 1.0, max_seconds: float = 4.0) -> float:
        """Return a step in beats, `factor` times the style's, at most `max_seconds` seconds long."""
        lo, hi = self.style.step_seconds_range
        seconds = min(max(self.rng.draw_log_uniform(lo, hi, 3) * factor, 0.085), max_seconds)
        wanted = self.seconds_to_beats(seconds)
        return min(_STEP_BEATS_CHOICES, key=lambda beats: abs(beats - wanted) / beats)

    def maybe_hoist(self, variable_kind: str, expression: str, probability_factor: float = 1.0) -> str:
        """Return the expression, or the name of a variable at the top that holds it."""
        if not self.code_style.rng.chance(min(0.95, self.code_style.hoist_probability * probability_factor)):
            return expression
        name = self.code_style.create_variable_name(variable_kind)
        self.top_nodes.append(self.code_style.format_assignment(name, expression))
        return name

    def draw_level(self, factor: float = 1.0) -> float:
        """Return the loudness of the next layer."""
        return self.layer_level * factor * self.rng.draw_uniform(0.75, 1.2)

    # Pitches

    def degree_to_midi(self, octave: int, degree: int = 0) -> int:
        """Return a degree of the key's scale from an octave on, where 4 is middle C's."""
        steps = SCALE_STEPS.get(self.scale, SCALE_STEPS["minor"])
        octave += self.style.octave_shift
        above, place = divmod(degree, len(steps))
        tone = self.tonic if self.tonic <= 7 else self.tonic - 12
        return min(100, max(28, 12 * (octave + 1) + tone + 12 * above + steps[place]))

    def write_tonic(self, octave: int) -> str:
        """Write the key's tonic in an octave."""
        return self.code_style.format_tonic(self.degree_to_midi(octave))

    def write_scale(self, octave: int, octave_count: int = 1) -> str:
        """Write the key's scale."""
        more = {"num_octaves": str(octave_count)} if octave_count > 1 else {}
        return self.code_style.format_call_expression("scale", self.write_tonic(octave), f":{self.scale}", **more)

    def write_chord_sequence(self, octave: int, count: int) -> list[str]:
        """Write `count` chords that follow one another."""
        family = "major" if 4 in SCALE_STEPS.get(self.scale, (3,)) else "minor"
        found = self.rng.pick_with_repeats(_CHORDS_IN_KEY[family], count)
        more = {}
        if self.rng.chance(0.12):
            more = self.rng.pick(({"num_octaves": "2"}, {"invert": str(self.rng.draw_integer(1, 2))}))
        base = self.degree_to_midi(octave)
        return [
            self.code_style.format_call_expression("chord", self.code_style.format_tonic(base + steps), f":{quality}", **more)
            for steps, quality in found
        ]

    def write_chord(self, octave: int) -> str:
        """Write one chord in any of the ways there are."""
        d, h = self.rng, self.code_style
        way = d.pick_weighted({"key": 6, "any": 3, "degree": 3, "notes": 2, "invert": 1, "fifth": 1})
        if way == "degree":
            degree = d.pick(("1", "2", "4", "5", "6", ":i", ":iv", ":v", ":vi"))
            return h.format_call_expression(
                "chord_degree", degree, self.write_tonic(octave), ":" + self.pick_seven_note_scale(), str(d.draw_integer(3, 4))
            )
        if way == "notes":
            start = d.draw_integer(0, 3)
            return h.format_list(
                [h.format_note(self.degree_to_midi(octave, start + i)) for i in (0, 2, 4, 6)[: d.draw_integer(3, 4)]]
            )
        if way == "invert":
            return h.format_call_expression("chord_invert", self.write_chord_sequence(octave, 1)[0], str(d.draw_integer(1, 2)))
        if way == "fifth":
            return h.format_list([h.format_note(self.degree_to_midi(octave)), h.format_note(self.degree_to_midi(octave) + 7)])
        if way == "any":
            return h.format_call_expression("chord", self.write_tonic(octave), f":{d.pick(_CHORD_QUALITIES)}")
        return self.write_chord_sequence(octave, 1)[0]

    def pick_seven_note_scale(self) -> str:
        """Return the name of a scale of seven notes, which `degree` and `chord_degree` ask for."""
        return (
            self.scale
            if len(SCALE_STEPS.get(self.scale, ())) == 7
            else self.rng.pick(("minor", "major"))
        )

    def write_phrase(self, octave: int, count: int) -> list[str]:
        """Write the notes of a phrase that moves mostly by steps."""
        return [self.code_style.format_note(midi) for midi in self.draw_phrase(octave, count)]

    def draw_phrase(self, octave: int, count: int) -> list[int]:
        """Return the MIDI notes of a phrase that moves mostly by steps."""
        here, notes = self.rng.draw_integer(0, 4), []
        for _ in range(count):
            notes.append(self.degree_to_midi(octave, here))
            here = min(9, max(-3, here + self.rng.pick((-4, -2, -1, -1, 0, 1, 1, 2, 3))))
        return notes

    # Options

    def write_varying_number(self, lo: float, hi: float, constant_probability: float = 0.6) -> str:
        """Write a number that stands still with probability `constant_probability`, else moves."""
        d, h = self.rng, self.code_style
        if d.chance(constant_probability):
            return h.format_number(d.draw_round_number(lo, hi))
        a, b = sorted((d.draw_round_number(lo, hi), d.draw_round_number(lo, hi)))
        if b <= a:
            return h.format_number(a)
        low, high = h.format_number(a), h.format_number(b)
        way = d.pick_weighted({"rrand": 6, "choose": 3, "line": 3, "ring": 2, "range": 1, "rdist": 0.7})
        if way == "choose":
            return h.format_list([low, high, h.format_number(d.draw_round_number(lo, hi))]) + ".choose"
        if way == "line":
            chain = d.pick(
                (".tick", ".mirror.tick", ".look", ".reverse.tick", ".mirror.look", ".ramp.tick")
            )
            steps = {"steps": str(d.pick((4, 8, 16, 32, 64)))}
            return h.format_call_expression("line", low, high, **steps) + chain
        if way == "ring":
            return h.format_list([high, low, h.format_number(d.draw_round_number(lo, hi))], as_ring=True) + d.pick(
                (".tick", ".look")
            )
        if way == "range" and b - a > 4:
            step = d.pick((("step", "5"), ("step", "2")))
            return h.format_call_expression("range", low, high, **dict([step])) + d.pick(
                (".mirror.tick", ".tick")
            )
        if way == "rdist" and b - a > 0.1:
            return h.format_infix(h.format_call_expression("rdist", f"{(b - a) / 2:.2g}"), "+", f"{(a + b) / 2:.3g}")
        return h.format_call_expression("rrand", low, high)

    def draw_synth_options(self, synth: str, max_count: int = 2) -> dict[str, str]:
        """Return some of a synth's own options."""
        d = self.rng
        known = instruments.SYNTH_OPTIONS[synth]
        found = {}
        for option in d.pick_distinct(known, d.pick_weighted({0: 3, 1: 4, 2: 2, 3: 0.6})):
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
                self.write_varying_number(option.lo, option.hi)
                if moves and not option.choices
                else option.draw_value(d)
            )
            if len(found) == max_count:
                break
        return found

    def limit_loudness(self, options: dict[str, str]) -> dict[str, str]:
        """Return options at a sane loudness: `norm: 1` makes a quiet synth a loud one."""
        return options | {"amp": self.code_style.format_number(0.2)} if options.get("norm") == "1" else options

    def draw_envelope_options(self, seconds: float, is_sustained: bool = False) -> dict[str, str]:
        """Return options that let a note last about so long, in seconds."""
        d, h = self.rng, self.code_style
        beats = self.seconds_to_beats(seconds)
        if not is_sustained:
            if d.chance(0.3) and 0.5 <= beats <= 2:
                return {}
            options = {
                "release": h.format_number(
                    max(0.05, d.draw_log_uniform(0.5, 1.6) * beats and round(beats * d.draw_log_uniform(0.5, 1.6), 2))
                )
            }
            if d.chance(0.15):
                options["attack"] = h.format_number(d.draw_uniform(0.01, 0.1))
            if d.chance(0.12):
                options["sustain"] = h.format_number(round(beats * d.draw_uniform(0.1, 0.5), 2))
            if d.chance(0.05):
                options |= {
                    "decay": h.format_number(d.draw_uniform(0.05, 0.3)),
                    "sustain_level": h.format_number(d.draw_uniform(0.3, 0.8, 1)),
                }
            if d.chance(0.03):
                options["env_curve"] = d.pick(("1", "3", "6", "7"))
            return options
        attack, release = beats * d.draw_uniform(0.05, 0.4), beats * d.draw_uniform(0.2, 0.6)
        options = {
            "attack": h.format_number(round(attack, 1) or 0.1),
            "release": h.format_number(round(release, 1) or 0.2),
        }
        if d.chance(0.7):
            options["sustain"] = h.format_number(round(max(beats - attack, 0.2), 1))
        if d.chance(0.06):
            options |= {
                "attack_level": h.format_number(d.draw_uniform(0.6, 1, 1)),
                "decay": h.format_number(d.draw_uniform(0.2, 1, 1)),
                "sustain_level": h.format_number(d.draw_uniform(0.5, 0.9, 1)),
            }
        return options

    def draw_amp_option(self, value: float, keep_probability: float = 0.75) -> dict[str, str]:
        """Return the option `draw_amp_option`; where it is about 1 it is often left out."""
        d, h = self.rng, self.code_style
        if 0.85 < value < 1.2 and d.chance(0.6):
            return {}
        if value < 0.85 and d.chance(0.12):
            return {
                "amp": h.format_call_expression(
                    "rrand", h.format_number(round(value * 0.6, 2)), h.format_number(round(value, 2))
                )
            }
        return {"amp": self.maybe_hoist("amp", h.format_number(round(value, 2)), 0.6)}

    def draw_pan_option(self, probability: float = 0.15) -> dict[str, str]:
        """Return the option `draw_pan_option`, seldom."""
        if not self.rng.chance(probability):
            return {}
        choices = (
            self.write_varying_number(-0.8, 0.8),
            self.code_style.format_call_expression("rrand", "-1", "1"),
            "[-0.5, 0.5].choose",
        )
        return {"pan": self.rng.pick(choices)}

    # FX

    def wrap_in_fx(self, body: list[CodeNode], fx_kind: str | None = None) -> Block:
        """Return an FX around `body`."""
        d, h = self.rng, self.code_style
        fx_kind = fx_kind or d.pick_weighted(self.style.fx_weights)
        name = d.pick(instruments.FX_BY_KIND[fx_kind])
        options = d.pick_distinct(instruments.FX_OPTIONS[name], d.pick_weighted({0: 2, 1: 4, 2: 3, 3: 1}))
        drawn = {option.name: option.draw_value(d) for option in options}
        if name in instruments.FX_AMP_FACTORS and instruments.FX_AMP_FACTORS[name] < 0.8 and "amp" not in drawn:
            drawn["amp"] = h.format_number(instruments.FX_AMP_FACTORS[name])
        if fx_kind == "chop" and "phase" not in drawn and name != "ixi_techno" and d.chance(0.5):
            drawn["phase"] = h.format_beats(d.pick((0.125, 0.25, 0.5)))
        return Block(h.format_call_statement("with_fx", f":{name}", **drawn), body)
