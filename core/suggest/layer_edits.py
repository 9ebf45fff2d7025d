"""Edits of whole layers: one more, composed by the grammar, or one fewer."""

from __future__ import annotations

import re

from core.programs.grammar.code_style import CodeStyle
from core.programs.grammar.layer_arrangement import compose_layer, create_composition_state
from core.programs.grammar.music_styles import MUSIC_STYLES
from core.programs.grammar.seeded_rng import SeededRandom
from core.programs.grammar.statement_tree_nodes import Block
from core.programs.grammar.synth_fx_and_sample_sets import get_sound_set_by_name
from core.programs.template_vocabulary import SCALE_STEPS
from core.suggest.code_edit import CodeEdit, Replacement
from core.suggest.musical_key import MusicalKey, find_musical_key
from core.suggest.program_literals_calls_and_blocks import ProgramOutline
from core.suggest.syntax_tree_with_source_positions import (
    SourceNode,
    list_statement_nodes,
    split_call_into_parts,
)
from core.suggest.tempo_and_random_edits import DEFAULT_BPM

LAYER_FUNCTIONS = ("live_loop", "in_thread")
BLOCKING_FUNCTIONS = ("loop", "sleep", "wait", "sync", "play_pattern", "play_pattern_timed")
MAX_ATTEMPTS = 4


def list_layer_edits(
    outline: ProgramOutline, rng: SeededRandom, sound_set: str, new_layer_count: int
) -> list[CodeEdit]:
    """Return edits that remove a layer, and edits that add a new one.

    Parameters
    ----------
    outline : ProgramOutline
    rng : SeededRandom
    sound_set : {"3.2", "5"}
        Version of Sonic Pi whose sounds new layers use.
    new_layer_count : int
        Number of different new layers.
    """
    edits = _list_layer_removal_edits(outline)
    key = find_musical_key(outline)
    for number in range(new_layer_count):
        edit = _build_layer_insertion_edit(outline, key, rng, sound_set, number)
        if edit is not None:
            edits.append(edit)
    return edits


def _list_layer_nodes(outline: ProgramOutline) -> list[SourceNode]:
    return [
        statement
        for body in outline.bodies
        for statement in body.statements
        if statement.kind == "ITER"
        and (parts := split_call_into_parts(statement)) is not None
        and parts.name in LAYER_FUNCTIONS
    ]


def _get_layer_name(layer: SourceNode) -> str:
    parts = split_call_into_parts(layer)
    if parts is None or not parts.arguments or parts.arguments[0].kind not in ("SYMBOL", "STR"):
        return ""
    return str(parts.arguments[0].children[0])


def _list_layer_removal_edits(outline: ProgramOutline) -> list[CodeEdit]:
    layers = _list_layer_nodes(outline)
    if len(layers) < 2:
        return []
    edits = []
    for layer in layers:
        name = _get_layer_name(layer)
        rest = outline.source[: layer.start] + outline.source[layer.end :]
        # Other layers may wait for this one.
        if name and re.search(rf"sync.*:{re.escape(name)}\b", rest):
            continue
        call = layer.child_nodes[0]
        words = outline.get_source_of_node(call).split(",")[0].strip()
        edits.append(
            CodeEdit(
                "layer",
                f"without {words}",
                (_build_statement_removal(outline.source, layer),),
                f"remove layer {layer.start}",
                outline.find_line_of_offset(layer.start),
                outline.find_line_of_offset(layer.end),
            )
        )
    return edits


def _build_statement_removal(source: str, node: SourceNode) -> Replacement:
    """Return the removal of a statement with its lines, where nothing else stands on them."""
    line_start = source.rfind("\n", 0, node.start) + 1
    newline = source.find("\n", node.end)
    line_end = len(source) if newline < 0 else newline + 1
    before, after = source[line_start : node.start], source[node.end : line_end]
    if before.strip() or after.strip():
        return Replacement(node.start, node.end, "")
    return Replacement(line_start, line_end, "")


def _build_layer_insertion_edit(
    outline: ProgramOutline, key: MusicalKey, rng: SeededRandom, sound_set: str, number: int
) -> CodeEdit | None:
    """Return the edit that adds a layer in the program's key and tempo."""
    for _ in range(MAX_ATTEMPTS):
        style = rng.pick_option(list(MUSIC_STYLES.values()))
        code_style = CodeStyle(rng)
        code_style.hoist_probability = 0.0
        layer_count = max(1, len(_list_layer_nodes(outline))) + 1
        state = create_composition_state(
            style, rng, code_style, layer_count, get_sound_set_by_name(sound_set)
        )
        state.bpm = _get_program_tempo(outline)
        state.tonic = key.tonic
        state.scale = key.scale if key.scale in SCALE_STEPS else state.scale
        layer = compose_layer(
            state, rng.pick_option_by_weight(style.layer_weights), always_sounds=True
        )
        # A layer with variables or functions of its own would need names that are free here.
        if not state.top_nodes and not state.function_nodes:
            break
    else:
        return None
    name = _choose_unused_layer_name(outline.source, layer.loop_name)
    block = Block(f"live_loop :{name}", layer.body)
    code = "\n".join(code_style.format_statements([block]))
    return CodeEdit(
        "layer",
        f"new layer {name}: {layer.kind.replace('_', ' ')} with {layer.sound_names[0]}",
        (_build_layer_insertion(outline, code),),
        f"new layer {number}",
        len(outline.source.splitlines()) + 1,
        len(outline.source.splitlines()) + 1,
    )


def _get_program_tempo(outline: ProgramOutline) -> float:
    tempi = [
        literal.value for literal in outline.list_literals_with_roles("tempo") if not literal.layer
    ]
    numbers = [float(tempo) for tempo in tempi if isinstance(tempo, (int, float)) and tempo > 0]
    return numbers[0] if numbers else float(DEFAULT_BPM)


def _choose_unused_layer_name(source: str, name: str) -> str:
    free, number = name, 2
    while re.search(rf"\b{re.escape(free)}\b", source):
        free, number = f"{name}_{number}", number + 1
    return free


def _build_layer_insertion(outline: ProgramOutline, code: str) -> Replacement:
    """Return the insertion at the end, or before a statement after which nothing would start."""
    source = outline.source
    for statement in list_statement_nodes(outline.tree):
        if _does_statement_take_time(statement):
            return Replacement(statement.start, statement.start, f"{code}\n\n")
    separator = "\n" if source.endswith("\n") else "\n\n"
    return Replacement(len(source), len(source), f"{separator}{code}\n")


def _does_statement_take_time(statement: SourceNode) -> bool:
    """Return whether a statement of the main thread takes time."""
    parts = split_call_into_parts(statement)
    if statement.kind == "ITER" and parts is not None and parts.name in LAYER_FUNCTIONS:
        return False
    if statement.kind == "ITER" and parts is not None and parts.name == "define":
        return False
    for node in statement.iterate_descendants():
        inner = split_call_into_parts(node)
        if inner is not None and node.kind == "ITER" and inner.name in LAYER_FUNCTIONS:
            return False
        if inner is not None and inner.name in BLOCKING_FUNCTIONS:
            return True
    return False
