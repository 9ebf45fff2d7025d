"""Drum layers of synths that sound as drums, which Sonic Pi has since version 4.5."""

from __future__ import annotations

from core.programs.grammar import synth_fx_and_sample_sets
from core.programs.grammar.composition_state import CompositionState
from core.programs.grammar.drum_layers import write_rhythm_ring
from core.programs.grammar.program_layer import ProgramLayer
from core.programs.grammar.sound_options import (
    pick_random_amp_option,
    pick_random_pan_option,
    pick_random_synth_options,
)
from core.programs.grammar.statement_tree_nodes import CodeNode, Conditional

_MAX_DRUM_COUNT = 3


def compose_drum_synth_layer(state: CompositionState) -> ProgramLayer:
    """Compose a layer of one to three drum synths.

    Parameters
    ----------
    state : CompositionState
        The program under composition; its sound set has drum synths.
    """
    rng, code_style = state.rng, state.code_style
    roles = rng.pick_options_without_replacement(
        list(state.sounds.drum_synths), rng.sample_integer(1, _MAX_DRUM_COUNT)
    )
    names = [rng.pick_option(state.sounds.drum_synths[role]) for role in roles]
    hits = [_write_drum_synth_hit(state, name) for name in names]
    loop_name = code_style.create_loop_name("kit")
    if rng.sample_boolean(0.5):
        step_beats = state.sample_step_beats(rng.pick_option((1, 2)), 1.5)
        body: list[CodeNode] = []
        for hit in hits:
            body += [hit, code_style.format_rest(step_beats)]
        return ProgramLayer("kit", loop_name, body, step_beats * len(hits), names)
    step_beats = state.sample_step_beats(1, 0.6)
    body = ["tick"]
    for hit in hits:
        condition = f"{write_rhythm_ring(state)}.look"
        if rng.sample_boolean(0.75):
            body.append(f"{hit} if {condition}")
        else:
            body.append(Conditional(condition, [hit]))
    body.append(code_style.format_rest(step_beats))
    return ProgramLayer("kit", loop_name, body, step_beats, names)


def _write_drum_synth_hit(state: CompositionState, synth_name: str) -> str:
    amp = synth_fx_and_sample_sets.compute_synth_amp(synth_name, state.sample_layer_loudness(0.9))
    return state.code_style.format_call_statement(
        "synth",
        f":{synth_name}",
        **pick_random_amp_option(state, amp),
        **pick_random_synth_options(state, synth_name),
        **pick_random_pan_option(state, 0.1),
    )
