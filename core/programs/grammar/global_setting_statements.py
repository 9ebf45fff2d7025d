"""Global settings at the top of a program: tempo, random seed, transposition, defaults."""

from __future__ import annotations

from core.programs.grammar.composition_state import CompositionState
from core.programs.grammar.statement_tree_nodes import CodeNode


def write_global_settings(state: CompositionState) -> list[CodeNode]:
    """Write the statements at the top of a program that affect all layers."""
    rng, code_style = state.rng, state.code_style
    nodes: list[CodeNode] = []

    def append_call_statement(function: str, *arguments: str, **options: str) -> None:
        nodes.append(code_style.format_call_statement(function, *arguments, **options))

    if state.bpm != 60.0 or rng.sample_boolean(0.06):
        append_call_statement("use_bpm", code_style.format_number(state.bpm))
    if rng.sample_boolean(0.22):
        append_call_statement(
            "use_random_seed", str(rng.sample_integer(0, rng.pick_option((20, 1000, 100000))))
        )
    if rng.sample_boolean(0.06):
        append_call_statement("use_debug", "false")
    if rng.sample_boolean(0.04):
        append_call_statement("use_transpose", str(rng.pick_option((-12, -5, -2, 2, 3, 5, 7))))
    if rng.sample_boolean(0.02):
        append_call_statement("use_octave", rng.pick_option(("-1", "1")))
    if rng.sample_boolean(0.04):
        option_name = rng.pick_option(("rate", "pan"))
        value = code_style.format_number(rng.sample_uniform(0.2, 0.9, 1))
        append_call_statement("use_sample_defaults", **{option_name: value, "lpf": "110"})
    if rng.sample_boolean(0.04):
        release = code_style.format_number(rng.sample_uniform(0.2, 1.2, 1))
        pan = code_style.format_number(rng.sample_uniform(-0.3, 0.3, 1))
        append_call_statement("use_synth_defaults", release=release, pan=pan)
    if rng.sample_boolean(0.03):
        append_call_statement(
            "set_volume!", code_style.format_number(rng.sample_uniform(0.7, 1.0, 1))
        )
    return nodes + _write_statements_without_effect(state)


def _write_statements_without_effect(state: CompositionState) -> list[CodeNode]:
    """Write an unused variable or a message, as programmers leave them in their code."""
    code_style = state.code_style
    nodes: list[CodeNode] = []
    if code_style.rng.sample_boolean(0.05):
        variable = code_style.create_variable_name("unused")
        value = code_style.rng.pick_option(("0", "120", "[60, 62, 64]", ":c4", "0.5"))
        nodes.append(code_style.format_assignment(variable, value))
    if code_style.rng.sample_boolean(0.04):
        function = code_style.rng.pick_option(("puts", "print"))
        message = code_style.rng.pick_option(('"hello"', '"start"', "'go'", '"let\'s go"'))
        nodes.append(code_style.format_call_statement(function, message))
    return nodes
