"""Roles of literals: what a number, symbol or string sets where it stands."""

from __future__ import annotations

import re
from collections.abc import Mapping

from core.sonicpi.newer_sonic_pi_sounds import load_newer_sample_seconds
from core.sonicpi.sonic_pi_inventory import get_default_synth_options, load_sonic_pi_inventory
from core.suggest.syntax_tree_with_source_positions import CallParts, SourceNode

NOTE_NAME_PATTERN = re.compile(r"[a-gA-G](?:s|b|f|S|B|F)?-?\d+")
PLAY_FUNCTIONS = ("play", "play_chord", "play_pattern", "play_pattern_timed", "synth", "sample")
DEFAULT_SETTERS = tuple(
    f"{verb}_{kind}{suffix}"
    for verb in ("use", "with", "use_merged", "with_merged")
    for kind in ("synth", "sample")
    for suffix in ("_defaults",)
)
# Role of the positional arguments of a function, by position; the last one repeats.
ARGUMENT_ROLES: Mapping[str, tuple[str, ...]] = {
    "play": ("note",),
    "play_chord": ("note",),
    "play_pattern": ("note",),
    "play_pattern_timed": ("note", "duration"),
    "synth": ("synth",),
    "use_synth": ("synth",),
    "with_synth": ("synth",),
    "sample": ("sample", "other"),
    "with_fx": ("fx",),
    "sleep": ("sleep",),
    "wait": ("sleep",),
    "use_bpm": ("tempo",),
    "with_bpm": ("tempo",),
    "use_random_seed": ("seed",),
    "with_random_seed": ("seed",),
    "scale": ("tonic", "scale name"),
    "chord": ("tonic", "chord name"),
    "chord_degree": ("degree", "tonic", "scale name", "other"),
    "use_transpose": ("interval",),
    "with_transpose": ("interval",),
    "use_octave": ("octave",),
    "with_octave": ("octave",),
    "one_in": ("odds",),
    "spread": ("pulses", "steps"),
}
# Functions whose value takes the role of the place that they stand in.
VALUE_FUNCTIONS = frozenset(
    "rrand rrand_i rand rand_i rdist choose ring knit line range ramp dice look tick note "
    "chord_invert octs stretch".split()
)
VALUE_OPERATORS = frozenset(("+", "-", "*", "/"))
LAYER_FUNCTIONS = ("live_loop", "define", "in_thread", "loop", "with_fx")


def classify_option_as_note_or_other(name: str, function: str) -> str:
    """Return the role of the value of an option: "note", "option" or "other"."""
    if name == "note" and function in ("synth", "play"):
        return "note"
    if name in ("steps", "num_octaves", "invert", "num", "sync", "name", "delay"):
        return "other"
    is_sound_option = function in (*PLAY_FUNCTIONS, "with_fx", "control", *DEFAULT_SETTERS)
    return "option" if is_sound_option else "other"


def format_layer_name(parts: CallParts, outer_layer: str) -> str:
    """Return the name of the layer that a call with a block opens, or the one around it."""
    if parts.name in ("live_loop", "define") and parts.arguments:
        name = get_literal_text(parts.arguments[0])
        return f"{parts.name} :{name}" if name else parts.name
    if parts.name in LAYER_FUNCTIONS and not outer_layer:
        first = get_literal_text(parts.arguments[0]) if parts.arguments else ""
        return f"{parts.name} :{first}" if first else parts.name
    return outer_layer


def get_literal_text(node: SourceNode) -> str:
    """Return the text of a symbol or string; "" for other nodes."""
    return str(node.children[0]) if node.kind in ("SYMBOL", "STR") else ""


def guess_role_of_name_literal(name: str, role: str) -> str:
    """Return the role of a symbol or string that stands where its role is not known."""
    if NOTE_NAME_PATTERN.fullmatch(name) or (
        role == "note" and re.fullmatch(r"[a-gA-G](?:s|b|f)?", name)
    ):
        return "note"
    if role == "other":
        if name in load_sonic_pi_inventory()["samples"] or name in load_newer_sample_seconds():
            return "sample"
        # A name such as :fm may be that of a cue, but seldom is.
        if get_default_synth_options(name) and "_" in name:
            return "synth"
    return "other"
