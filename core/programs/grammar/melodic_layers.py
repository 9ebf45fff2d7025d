"""Melodic layers: bass, melody and arpeggio, played by synths or pitched samples."""

from __future__ import annotations

from core.programs.grammar import synth_fx_and_sample_sets
from core.programs.grammar.composition_state import CompositionState
from core.programs.grammar.layer_synth_and_notes import SynthVoice
from core.programs.grammar.note_loops import NOTE_LOOP_WEIGHTS, NOTE_LOOP_WRITERS
from core.programs.grammar.program_layer import ProgramLayer
from core.programs.grammar.sound_options import pick_random_amp_option
from core.programs.grammar.statement_tree_nodes import CodeNode

MELODIC_KINDS = ("bass", "melody", "arp")

_OCTAVE_CHOICES = {"bass": (1, 2, 2, 2, 3), "melody": (3, 4, 4, 4, 5), "arp": (3, 4, 4, 5)}
_LEVELS = {"bass": 1.1, "melody": 0.9, "arp": 0.8}
_BASS_SAMPLE_GROUPS = ("bass_hits", "blips", "bass_hits")


def compose_melodic_layer(state: CompositionState, layer_kind: str) -> ProgramLayer:
    """Compose a layer of single notes.

    Parameters
    ----------
    state : CompositionState
        The program under composition.
    layer_kind : {"bass", "melody", "arp"}
        Kind of the layer, which decides octave, tempo and loudness.
    """
    rng = state.rng
    if layer_kind == "bass" and rng.sample_boolean(0.12):
        return _compose_pitched_sample_layer(state, layer_kind)
    weights = NOTE_LOOP_WEIGHTS
    if layer_kind == "arp":
        weights = weights | {"loop": 3, "arp": 9, "slide": 0.5}
    loop_type = rng.pick_option_by_weight(weights)
    if loop_type == "sample":
        return _compose_pitched_sample_layer(state, layer_kind)
    # Both factors are drawn for every kind; drawing only one would change all programs.
    step_factors = {
        "bass": rng.pick_option((1, 2)),
        "melody": rng.pick_option((1, 1.5, 2)),
        "arp": 0.8,
    }
    step_beats = state.sample_step_beats(step_factors[layer_kind], 2.0)
    note_seconds = state.beats_to_seconds(step_beats)
    voice = SynthVoice(state, layer_kind, note_seconds, _LEVELS[layer_kind])
    octave = rng.pick_option(_OCTAVE_CHOICES[layer_kind])
    nodes, min_beats = NOTE_LOOP_WRITERS[loop_type](state, voice, octave, step_beats)
    loop_name = state.code_style.create_loop_name(layer_kind)
    return ProgramLayer(
        layer_kind, loop_name, voice.add_synth_setup_to_notes(nodes), min_beats, [voice.synth_name]
    )


def _compose_pitched_sample_layer(state: CompositionState, layer_kind: str) -> ProgramLayer:
    """Compose a layer of one sample, played at several pitches."""
    rng, code_style = state.rng, state.code_style
    groups = _BASS_SAMPLE_GROUPS if layer_kind == "bass" else ("blips", "textures")
    group = rng.pick_option(groups)
    sample_name = rng.pick_option(state.sounds.sample_groups[group])
    amp = synth_fx_and_sample_sets.compute_sample_amp(
        sample_name, group, state.sample_layer_loudness(0.9)
    )
    semitones = rng.pick_options_with_replacement(
        (0, 0, 2, 3, 5, 7, 10, 12, -5, -2), rng.sample_integer(2, 5)
    )
    ring = code_style.format_ruby_list([str(n) for n in semitones], as_ring=True)
    step_beats = state.sample_step_beats(2, 1.0)
    option_name = rng.pick_option(("rpitch", "rpitch", "pitch"))
    pitch = {
        option_name: state.maybe_extract_variable("notes", ring)
        + rng.pick_option((".tick", ".choose"))
    }
    if rng.sample_boolean(0.25):
        pitch = {"rate": code_style.format_call_expression("pitch_to_ratio", f"{ring}.tick")}
    cut: dict[str, str] = {}
    if rng.sample_boolean(0.3):
        cut = {"sustain": code_style.format_beats(step_beats), "release": "0.1"}
    options = {**pitch, **pick_random_amp_option(state, amp), **cut}
    body: list[CodeNode] = [
        code_style.format_call_statement("sample", f":{sample_name}", **options),
        code_style.format_rest(step_beats),
    ]
    loop_name = code_style.create_loop_name(layer_kind)
    return ProgramLayer(layer_kind, loop_name, body, step_beats, [sample_name])
