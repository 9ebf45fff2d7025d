"""Edits of the options of synths and samples: the envelope, and all others."""

from __future__ import annotations

from core.programs.grammar.seeded_rng import SeededRandom
from core.suggest.code_edit import (
    CodeEdit,
    Replacement,
    format_in_layer_suffix,
    format_number_like_literal,
    replace_literal_value,
)
from core.suggest.program_literals_calls_and_blocks import Literal, OutlinedCall, ProgramOutline
from core.suggest.sensible_option_values import (
    ENVELOPE_OPTIONS,
    find_value_range,
    list_addable_options,
)

SOUND_CALLS = ("play", "synth", "sample", "play_chord", "play_pattern", "play_pattern_timed")
RANDOM_FUNCTIONS = ("rrand", "rrand_i", "rdist", "rand", "rand_i")
ADDED_ENVELOPES = (("release", "0.1"), ("release", "3"), ("attack", "0.5"), ("sustain", "1"))
RELATIVE_DIFFERENCE = 0.02


def list_option_edits(outline: ProgramOutline, rng: SeededRandom) -> list[CodeEdit]:
    """Return edits of the options of sounds and FX, one option each.

    The kind of an edit is "envelope", "fx", "random" for the bounds of random values, or "option".
    """
    edits = []
    for literal in outline.list_literals_with_roles("option"):
        kind = choose_option_edit_kind(literal)
        edits += [
            replace_literal_value(kind, literal, text, describe_option_name(literal))
            for text in list_other_option_values(literal)
        ]
    for call in outline.list_calls_of_functions(*SOUND_CALLS):
        edits += _list_envelope_addition_edits(call) + _list_option_addition_edits(call, rng)
    return edits


def choose_option_edit_kind(literal: Literal) -> str:
    """Return the kind of an edit of an option."""
    if literal.function in RANDOM_FUNCTIONS:
        return "random"
    if literal.function == "with_fx":
        return "fx"
    return "envelope" if literal.option in ENVELOPE_OPTIONS else "option"


def describe_option_name(literal: Literal) -> str:
    """Return what an option is: "cutoff", or "room of reverb" for that of an FX."""
    if literal.function == "with_fx" and literal.sound:
        return f"{literal.option} of {literal.sound}"
    if literal.function in RANDOM_FUNCTIONS:
        return f"{literal.option} in {literal.function}"
    return literal.option


def list_other_option_values(literal: Literal) -> list[str]:
    """Return other sensible values of an option, as Ruby code."""
    value_range = find_value_range(literal)
    if value_range is None:
        return []
    current = float(literal.value)
    texts = []
    for value in value_range.list_values_over_range():
        text = format_number_like_literal(value, literal.text)
        is_same = abs(float(text) - current) <= RELATIVE_DIFFERENCE * max(abs(current), 0.01)
        if not is_same and text not in texts:
            texts.append(text)
    return texts


def _list_envelope_addition_edits(call: OutlinedCall) -> list[CodeEdit]:
    """Return edits that give a sound an attack, sustain or release of its own."""
    if any(name in call.parts.options for name in ENVELOPE_OPTIONS) or not call.parts.arguments:
        return []
    return [
        build_option_insertion_edit("envelope", call, name, value)
        for name, value in ADDED_ENVELOPES
        if call.parts.name != "sample" or name != "sustain"
    ]


def _list_option_addition_edits(call: OutlinedCall, rng: SeededRandom) -> list[CodeEdit]:
    """Return edits that set one more option of a sound."""
    if not call.parts.arguments:
        return []
    options = [
        option
        for option in list_addable_options(call.parts.name, call.sound)
        if option.name not in call.parts.options
    ]
    return [
        build_option_insertion_edit(
            "option", call, option.name, option.write_random_option_value(rng)
        )
        for option in options
    ]


def build_option_insertion_edit(kind: str, call: OutlinedCall, name: str, value: str) -> CodeEdit:
    """Return the edit that appends an option to a call."""
    sound = f" of {call.sound}" if call.sound else ""
    return CodeEdit(
        kind,
        f"{name}{sound} set to {value}{format_in_layer_suffix(call.layer)}",
        (Replacement(call.arguments_end, call.arguments_end, f", {name}: {value}"),),
        f"new option {call.node.start} {name}",
        call.line,
        call.line,
    )
