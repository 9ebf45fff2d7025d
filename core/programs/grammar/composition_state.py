"""State of a program under composition: tempo, key, and helpers that all layers use."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.programs.grammar.code_style import CodeStyle
from core.programs.grammar.music_styles import MusicStyle
from core.programs.grammar.seeded_rng import SeededRandom
from core.programs.grammar.statement_tree_nodes import CodeNode
from core.programs.grammar.synth_fx_and_sample_sets import SoundSet, get_sound_set_by_name
from core.programs.template_vocabulary import SCALE_STEPS, degree_to_midi

_STEP_BEATS_CHOICES = (
    0.0625,
    0.125,
    0.2,
    0.25,
    0.3,
    1 / 3,
    0.4,
    0.5,
    0.75,
    1.0,
    1.5,
    2.0,
    3.0,
    4.0,
)
_CHORD_QUALITIES = (
    "major minor m7 major7 dom7 sus2 sus4 m9 maj9 add9 m add2 minor7 dim augmented".split()
)
# Diatonic chords: semitones above the tonic, and the quality of the chord.
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
class CompositionState:
    """The state of a program under composition.

    Parameters
    ----------
    rng : SeededRandom
        Random numbers for the music.
    code_style : CodeStyle
        Formatter of the code.
    style : MusicStyle
        Music style of the program.
    bpm : float
        Beats per minute; 60 if the program does not set a tempo.
    tonic : int
        Pitch class of the key, 0 (C) to 11 (B).
    scale : str
        Name of the key's scale.
    layer_level : float
        Average loudness of one layer, as an `amp` of a beep.
    sounds : SoundSet
        Synths and samples of the program.
    top_nodes : list of CodeNode
        Statements at the top of the program, such as assignments of variables.
    function_nodes : list of CodeNode
        Function definitions.
    """

    rng: SeededRandom
    code_style: CodeStyle
    style: MusicStyle
    bpm: float
    tonic: int
    scale: str
    layer_level: float
    sounds: SoundSet = field(default_factory=get_sound_set_by_name)
    top_nodes: list[CodeNode] = field(default_factory=list)
    function_nodes: list[CodeNode] = field(default_factory=list)

    def seconds_to_beats(self, seconds: float) -> float:
        """Convert seconds to beats."""
        return seconds * self.bpm / 60

    def beats_to_seconds(self, beats: float) -> float:
        """Convert beats to seconds."""
        return beats * 60 / self.bpm

    def sample_step_beats(self, factor: float = 1.0, max_seconds: float = 4.0) -> float:
        """Draw the time between two notes.

        Parameters
        ----------
        factor : float
            Factor on the step of the music style.
        max_seconds : float
            Longest step, in seconds.

        Returns
        -------
        float
            Step in beats, one of a few common lengths.
        """
        lo, hi = self.style.step_seconds_range
        seconds = min(max(self.rng.sample_log_uniform(lo, hi, 3) * factor, 0.085), max_seconds)
        target_beats = self.seconds_to_beats(seconds)
        return min(_STEP_BEATS_CHOICES, key=lambda beats: abs(beats - target_beats) / beats)

    def maybe_extract_variable(
        self, variable_kind: str, expression: str, probability_factor: float = 1.0
    ) -> str:
        """Return an expression, or the name of a new variable that holds it.

        Parameters
        ----------
        variable_kind : str
            A key of `identifiers.VARIABLE_NAMES["tidy"]`.
        expression : str
            Ruby expression.
        probability_factor : float
            Factor on the probability of a variable in this code style.
        """
        probability = min(0.95, self.code_style.hoist_probability * probability_factor)
        if not self.code_style.rng.sample_boolean(probability):
            return expression
        name = self.code_style.create_variable_name(variable_kind)
        self.top_nodes.append(self.code_style.format_assignment(name, expression))
        return name

    def sample_layer_loudness(self, factor: float = 1.0) -> float:
        """Draw the loudness of a layer, as an `amp` of a beep."""
        return self.layer_level * factor * self.rng.sample_uniform(0.75, 1.2)

    def degree_to_midi(self, octave: int, degree: int = 0) -> int:
        """Return the MIDI note of a degree of the key, limited to 28-100.

        Parameters
        ----------
        octave : int
            Octave of degree 0; octave 4 starts at middle C.
        degree : int
            Any integer, as in `template_vocabulary.degree_to_midi`.
        """
        scale = self.scale if self.scale in SCALE_STEPS else "minor"
        tonic = 12 * (octave + self.style.octave_shift + 1) + self.tonic
        if self.tonic > 7:
            tonic -= 12
        return min(100, max(28, degree_to_midi(tonic, scale, degree)))

    def write_tonic_note_symbol(self, octave: int) -> str:
        """Write the tonic of the key in an octave."""
        return self.code_style.format_tonic_symbol(self.degree_to_midi(octave))

    def write_scale_expression(self, octave: int, octave_count: int = 1) -> str:
        """Write the scale of the key."""
        options = {"num_octaves": str(octave_count)} if octave_count > 1 else {}
        return self.code_style.format_call_expression(
            "scale", self.write_tonic_note_symbol(octave), f":{self.scale}", **options
        )

    def write_chord_sequence(self, octave: int, count: int) -> list[str]:
        """Write `count` diatonic chords."""
        mode = "major" if 4 in SCALE_STEPS.get(self.scale, (3,)) else "minor"
        chords = self.rng.pick_options_with_replacement(_CHORDS_IN_KEY[mode], count)
        options: dict[str, str] = {}
        if self.rng.sample_boolean(0.12):
            options = self.rng.pick_option(
                ({"num_octaves": "2"}, {"invert": str(self.rng.sample_integer(1, 2))})
            )
        tonic = self.degree_to_midi(octave)
        return [
            self.code_style.format_call_expression(
                "chord",
                self.code_style.format_tonic_symbol(tonic + semitones),
                f":{quality}",
                **options,
            )
            for semitones, quality in chords
        ]

    def write_chord_expression(self, octave: int) -> str:
        """Write one chord, in a random notation."""
        rng, code_style = self.rng, self.code_style
        notation = rng.pick_option_by_weight(
            {"key": 6, "any": 3, "degree": 3, "notes": 2, "invert": 1, "fifth": 1}
        )
        if notation == "degree":
            degree = rng.pick_option(("1", "2", "4", "5", "6", ":i", ":iv", ":v", ":vi"))
            return code_style.format_call_expression(
                "chord_degree",
                degree,
                self.write_tonic_note_symbol(octave),
                ":" + self.pick_seven_note_scale(),
                str(rng.sample_integer(3, 4)),
            )
        if notation == "notes":
            start = rng.sample_integer(0, 3)
            return code_style.format_ruby_list(
                [
                    code_style.format_note(self.degree_to_midi(octave, start + i))
                    for i in (0, 2, 4, 6)[: rng.sample_integer(3, 4)]
                ]
            )
        if notation == "invert":
            return code_style.format_call_expression(
                "chord_invert",
                self.write_chord_sequence(octave, 1)[0],
                str(rng.sample_integer(1, 2)),
            )
        if notation == "fifth":
            return code_style.format_ruby_list(
                [
                    code_style.format_note(self.degree_to_midi(octave)),
                    code_style.format_note(self.degree_to_midi(octave) + 7),
                ]
            )
        if notation == "any":
            return code_style.format_call_expression(
                "chord",
                self.write_tonic_note_symbol(octave),
                f":{rng.pick_option(_CHORD_QUALITIES)}",
            )
        return self.write_chord_sequence(octave, 1)[0]

    def pick_seven_note_scale(self) -> str:
        """Return the name of a seven-note scale, as `degree` and `chord_degree` require."""
        if len(SCALE_STEPS.get(self.scale, ())) == 7:
            return self.scale
        return self.rng.pick_option(("minor", "major"))

    def write_phrase_notes(self, octave: int, count: int) -> list[str]:
        """Write the notes of a phrase that moves mostly by steps."""
        return [
            self.code_style.format_note(midi)
            for midi in self.sample_phrase_midi_notes(octave, count)
        ]

    def sample_phrase_midi_notes(self, octave: int, count: int) -> list[int]:
        """Draw the MIDI notes of a phrase that moves mostly by steps."""
        notes: list[int] = []
        degree = self.rng.sample_integer(0, 4)
        for _ in range(count):
            notes.append(self.degree_to_midi(octave, degree))
            degree = min(9, max(-3, degree + self.rng.pick_option((-4, -2, -1, -1, 0, 1, 1, 2, 3))))
        return notes
