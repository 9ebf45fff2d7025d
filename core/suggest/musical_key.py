"""The notes that fit a program: those of its scale, or of the key that its notes are in."""

from __future__ import annotations

import re
from dataclasses import dataclass

from core.programs.template_vocabulary import SCALE_STEPS, SHARP_NOTE_NAMES
from core.sonicpi.interpreter.scale_chord_and_range_rings import (
    build_chord_notes,
    build_scale_notes,
)
from core.sonicpi.interpreter.values import Symbol, to_midi_note
from core.sonicpi.sonic_pi_inventory import load_sonic_pi_inventory
from core.suggest.program_literals_calls_and_blocks import OutlinedCall, ProgramOutline
from core.suggest.syntax_tree_with_source_positions import SourceNode

FLAT_NOTE_NAMES = "c db d eb e f gb g ab a bb b".split()
_FLAT_PATTERN = re.compile(r":[a-gA-G]b\d?")


@dataclass(frozen=True)
class MusicalKey:
    """Pitch classes that fit a program.

    Attributes
    ----------
    tonic : int
        Pitch class, 0 (C) to 11 (B).
    scale : str
        Name as Sonic Pi has it.
    pitch_classes : frozenset of int
    """

    tonic: int
    scale: str
    pitch_classes: frozenset[int]

    def list_notes_near_in_key(self, midi: float, distance: int) -> list[int]:
        """Return the notes of the key within a distance in semitones, without the note itself."""
        centre = round(midi)
        return [
            note
            for note in range(centre - distance, centre + distance + 1)
            if note != centre and note % 12 in self.pitch_classes and 0 <= note <= 127
        ]


def find_musical_key(outline: ProgramOutline) -> MusicalKey:
    """Return the key of a program.

    The first scale that the program names with a literal tonic decides. Without one, it is the
    major or minor key with most of the notes and chord notes, C major for a program without notes.
    """
    for call in outline.list_calls_of_functions("scale"):
        if (key := _read_scale_call(call)) is not None:
            return key
    weights = [0] * 12
    for pitch_class in _list_pitch_classes(outline):
        weights[pitch_class] += 1
    candidates = [
        _make_musical_key(tonic, scale) for scale in ("major", "minor") for tonic in (*range(12),)
    ]

    def count_fitting_notes_of_key(key: MusicalKey) -> tuple[int, int]:
        # Of a major key and its relative minor key, the one whose tonic is played more often.
        return sum(weights[note] for note in key.pitch_classes), weights[key.tonic]

    return max(candidates, key=count_fitting_notes_of_key)


def _make_musical_key(tonic: int, scale: str) -> MusicalKey:
    return MusicalKey(tonic, scale, frozenset((tonic + step) % 12 for step in SCALE_STEPS[scale]))


def _read_scale_call(call: OutlinedCall) -> MusicalKey | None:
    if len(call.parts.arguments) < 2:
        return None
    tonic = parse_note_literal(call.parts.arguments[0])
    name = call.parts.arguments[1]
    if tonic is None or name.kind not in ("SYMBOL", "STR"):
        return None
    scale = str(name.children[0])
    if scale not in load_sonic_pi_inventory()["scales"]:
        return None
    notes = build_scale_notes(tonic, Symbol(scale))
    return MusicalKey(
        round(tonic) % 12, scale, frozenset(round(float(note)) % 12 for note in notes)
    )


def _list_pitch_classes(outline: ProgramOutline) -> list[int]:
    classes = []
    for literal in outline.list_literals_with_roles("note", "tonic"):
        note = convert_to_midi_note(literal.value)
        if note is not None and note >= 20:
            classes.append(round(note) % 12)
    for call in outline.list_calls_of_functions("chord"):
        classes += [note % 12 for note in list_chord_notes(call)]
    return classes


def list_chord_notes(call: OutlinedCall) -> list[int]:
    """Return the notes of a call of `chord` with literal arguments; else an empty list."""
    arguments = call.parts.arguments
    tonic = parse_note_literal(arguments[0]) if arguments else None
    if tonic is None:
        return []
    name = arguments[1].children[0] if len(arguments) > 1 else "major"
    try:
        return [round(float(note)) for note in build_chord_notes(tonic, Symbol(str(name)))]
    except (TypeError, ValueError):
        return []


def parse_note_literal(node: SourceNode) -> float | None:
    """Return the MIDI note of a literal; None for other code."""
    if node.kind not in ("INTEGER", "FLOAT", "SYMBOL", "STR"):
        return None
    return convert_to_midi_note(node.children[0])


def convert_to_midi_note(value: float | str) -> float | None:
    """Return the MIDI note of a number or a name; None for a rest or another name."""
    return to_midi_note(Symbol(value) if isinstance(value, str) else value)


def format_note_like(midi: int, text: str, source: str) -> str:
    """Return a note as Ruby code, in the notation of the one that it replaces.

    Parameters
    ----------
    midi : int
    text : str
        Code of the note that it replaces.
    source : str
        The program, which decides between sharps and flats.

    Examples
    --------
    >>> format_note_like(63, ":c4", "play :c4"), format_note_like(63, "60", ""), \
    format_note_like(63, ":Bb3", "play :Bb3")
    (':ds4', '63', ':Eb4')
    """
    quote = text[0]
    if quote not in ":\"'":
        return str(midi) if "." not in text else f"{midi}.0"
    names = FLAT_NOTE_NAMES if _FLAT_PATTERN.search(source) else SHARP_NOTE_NAMES
    octave, pitch_class = divmod(midi, 12)
    name = names[pitch_class]
    letters = text.strip(":\"'")
    if letters[:1].isupper():
        name = name.capitalize()
    has_octave = any(character.isdigit() for character in letters)
    name += "" if octave == 5 and not has_octave else str(octave - 1)
    return f":{name}" if quote == ":" else f"{quote}{name}{quote}"
