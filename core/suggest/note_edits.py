"""Edits of notes, within the key, scale or chord that a program uses."""

from __future__ import annotations

from core.sonicpi.interpreter.scale_chord_and_range_rings import build_chord_notes
from core.sonicpi.interpreter.values import Symbol
from core.suggest.code_edit import CodeEdit, replace_literal_value
from core.suggest.musical_key import (
    MusicalKey,
    convert_to_midi_note,
    find_musical_key,
    format_note_like,
    list_chord_notes,
)
from core.suggest.program_literals_calls_and_blocks import Literal, OutlinedCall, ProgramOutline

MAX_NOTE_DISTANCE = 9
OCTAVE_SHIFTS = (-12, 12, -24, 24)
MIN_NOTE, MAX_NOTE = 24, 108
CHORD_NAMES = "major minor m7 major7 dom7 sus2 sus4 m9 maj9 add9 minor7 dim augmented 5".split()
DEGREE_NAMES = ("i", "ii", "iii", "iv", "v", "vi", "vii")
PITCH_OPTIONS = ("rpitch", "pitch")


def list_note_edits(outline: ProgramOutline) -> list[CodeEdit]:
    """Return edits that replace notes, chords, transpositions and octaves."""
    key = find_musical_key(outline)
    edits = []
    for literal in outline.list_literals_with_roles("note"):
        edits += _list_note_replacement_edits(outline, literal, key)
    for literal in outline.list_literals_with_roles("tonic"):
        if literal.function in ("scale", "chord_degree"):
            edits += _list_octave_shift_edits(outline, literal)
    for call in outline.list_calls_of_functions("chord"):
        edits += _list_chord_replacement_edits(outline, call, key)
    for literal in outline.list_literals_with_roles("interval"):
        edits += _list_octave_transposition_edits(literal)
    for literal in outline.list_literals_with_roles("octave"):
        edits += [
            replace_literal_value("note", literal, str(value))
            for value in (-2, -1, 0, 1, 2)
            if value != literal.value
        ]
    for literal in outline.list_literals_with_roles("degree"):
        edits += _list_degree_replacement_edits(literal)
    return edits


def _list_note_replacement_edits(
    outline: ProgramOutline, literal: Literal, key: MusicalKey
) -> list[CodeEdit]:
    midi = convert_to_midi_note(literal.value)
    # Small numbers are intervals or indices: `play 0`, `note: [0, 7]`.
    if midi is None or not MIN_NOTE <= midi <= MAX_NOTE + 12:
        return []
    notes = key.list_notes_near_in_key(midi, MAX_NOTE_DISTANCE)
    notes += [round(midi) + shift for shift in OCTAVE_SHIFTS]
    return [
        replace_literal_value(
            "note", literal, format_note_like(note, literal.text, outline.source), "note"
        )
        for note in notes
        if MIN_NOTE <= note <= MAX_NOTE
    ]


def _list_octave_shift_edits(outline: ProgramOutline, literal: Literal) -> list[CodeEdit]:
    midi = convert_to_midi_note(literal.value)
    if midi is None:
        return []
    return [
        replace_literal_value(
            "note", literal, format_note_like(note, literal.text, outline.source), "tonic"
        )
        for note in (round(midi) + shift for shift in OCTAVE_SHIFTS)
        if MIN_NOTE <= note <= MAX_NOTE
    ]


def _list_chord_replacement_edits(
    outline: ProgramOutline, call: OutlinedCall, key: MusicalKey
) -> list[CodeEdit]:
    """Return other tonics and names whose chords stay in the key."""
    notes = list_chord_notes(call)
    literals = {
        literal.start: literal
        for literal in outline.list_literals_with_roles("tonic", "chord name")
    }
    arguments = [literals.get(argument.start) for argument in call.parts.arguments[:2]]
    if not notes or arguments[0] is None:
        return []
    tonic_literal, name_literal = arguments[0], arguments[1] if len(arguments) > 1 else None
    tonic, name = notes[0], name_literal.value if name_literal else "major"
    edits = []
    for note in (*key.list_notes_near_in_key(tonic, 7), tonic - 12, tonic + 12):
        if _is_chord_in_key(note, str(name), key) or note % 12 == tonic % 12:
            text = format_note_like(note, tonic_literal.text, outline.source)
            edits.append(replace_literal_value("note", tonic_literal, text, "chord"))
    if name_literal is not None:
        quote = name_literal.text[0]
        for other in CHORD_NAMES:
            if other != name and _is_chord_in_key(tonic, other, key):
                text = f":{other}" if quote == ":" and not other[0].isdigit() else f"'{other}'"
                edits.append(replace_literal_value("note", name_literal, text, "chord"))
    return edits


def _is_chord_in_key(tonic: int, name: str, key: MusicalKey) -> bool:
    try:
        notes = build_chord_notes(tonic, Symbol(name))
    except (TypeError, ValueError):
        return False
    return bool(notes) and all(round(float(note)) % 12 in key.pitch_classes for note in notes)


def _list_octave_transposition_edits(literal: Literal) -> list[CodeEdit]:
    """Return octaves above and below a transposition: its notes stay in the key."""
    if not isinstance(literal.value, int) or abs(literal.value) > 48:
        return []
    return [
        replace_literal_value("note", literal, str(literal.value + shift), "interval")
        for shift in OCTAVE_SHIFTS
        # An operator stands before the number: its sign would have to change with it.
        if literal.value * (literal.value + shift) >= 0
    ]


def _list_degree_replacement_edits(literal: Literal) -> list[CodeEdit]:
    if isinstance(literal.value, int):
        others = [str(value) for value in range(1, 8) if value != literal.value]
    elif str(literal.value) in DEGREE_NAMES:
        others = [f":{name}" for name in DEGREE_NAMES if name != literal.value]
    else:
        return []
    return [replace_literal_value("note", literal, text) for text in others]
