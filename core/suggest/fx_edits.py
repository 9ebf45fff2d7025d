"""Edits of FX: one added, one removed, one exchanged, or an option added."""

from __future__ import annotations

from core.programs.grammar.seeded_rng import SeededRandom
from core.programs.grammar.synth_fx_and_sample_sets import FX_BY_KIND, FX_OPTIONS
from core.suggest.code_edit import (
    CodeEdit,
    Replacement,
    format_in_layer_suffix,
    get_indentation_before_offset,
    replace_literal_value,
)
from core.suggest.option_edits import build_option_insertion_edit
from core.suggest.program_literals_calls_and_blocks import (
    OutlinedCall,
    ProgramOutline,
    StatementList,
)
from core.suggest.syntax_tree_with_source_positions import (
    SourceNode,
    get_block_body,
    has_block_parameters,
    list_statement_nodes,
    split_call_into_parts,
)

LAYER_FUNCTIONS = ("live_loop", "in_thread", "loop", "times", "with_fx", "with_synth")
SOUND_FUNCTIONS = (
    "play",
    "sample",
    "synth",
    "play_chord",
    "play_pattern",
    "play_pattern_timed",
)
ADDED_FX = sorted({name for names in FX_BY_KIND.values() for name in names} - {"autotuner"})


def list_fx_edits(outline: ProgramOutline, rng: SeededRandom) -> list[CodeEdit]:
    """Return edits that add, remove or exchange an FX, or set one more option of it."""
    edits = []
    for body in outline.bodies:
        for statement in body.statements:
            if _can_wrap_statement_in_fx(statement, body):
                edits += [
                    _build_fx_insertion_edit(outline, statement, body, name, rng)
                    for name in ADDED_FX
                ]
    for call in outline.list_calls_of_functions("with_fx"):
        edits += _build_fx_removal_edit(outline, call)
        edits += [
            build_option_insertion_edit(
                "fx", call, option.name, option.write_random_option_value(rng)
            )
            for option in FX_OPTIONS.get(call.sound, ())
            if option.name not in call.parts.options and call.node.kind == "ITER"
        ]
    for literal in outline.list_literals_with_roles("fx"):
        if literal.text.startswith(":"):
            edits += [
                replace_literal_value("fx", literal, f":{name}", "FX")
                for name in ADDED_FX
                if name != literal.value
            ]
    return edits


def _can_wrap_statement_in_fx(statement: SourceNode, body: StatementList) -> bool:
    """Return whether an FX can stand around a statement: a layer, or a sound at the top."""
    parts = split_call_into_parts(statement)
    if parts is None:
        return False
    is_layer = statement.kind == "ITER" and parts.name in LAYER_FUNCTIONS
    if body.owner is None:
        return is_layer or (statement.kind == "FCALL" and parts.name in SOUND_FUNCTIONS)
    return is_layer and parts.name == "live_loop"


def _build_fx_insertion_edit(
    outline: ProgramOutline,
    statement: SourceNode,
    body: StatementList,
    name: str,
    rng: SeededRandom,
) -> CodeEdit:
    options = rng.pick_options_without_replacement(FX_OPTIONS[name], rng.sample_integer(0, 2))
    texts = [
        f":{name}",
        *(f"{option.name}: {option.write_random_option_value(rng)}" for option in options),
    ]
    head = f"with_fx {', '.join(texts)} do"
    margin = get_indentation_before_offset(outline.source, statement.start)
    if margin is None:
        before, after = f"{head}; ", "; end"
    else:
        before, after = f"{head}\n{margin}", f"\n{margin}end"
    return CodeEdit(
        "fx",
        f"{name} added around {_format_statement_head(outline, statement)}"
        f"{format_in_layer_suffix(body.layer)}",
        (
            Replacement(statement.start, statement.start, before),
            Replacement(statement.end, statement.end, after),
        ),
        f"new fx {statement.start}",
        outline.find_line_of_offset(statement.start),
        outline.find_line_of_offset(statement.end),
    )


def _format_statement_head(outline: ProgramOutline, statement: SourceNode) -> str:
    """Return the call at the start of a statement: "live_loop :bass"."""
    call = statement.child_nodes[0] if statement.kind == "ITER" else statement
    return outline.get_source_of_node(call).split(",")[0].split("\n")[0].strip()[:40]


def _build_fx_removal_edit(outline: ProgramOutline, call: OutlinedCall) -> list[CodeEdit]:
    """Return the edit that leaves the block of an FX without the FX."""
    node, source = call.node, outline.source
    if node.kind != "ITER" or has_block_parameters(node):
        return []
    statements = list_statement_nodes(get_block_body(node))
    if not statements:
        return []
    first, last = statements[0], statements[-1]
    # Comments between the head and the first statement stay.
    head_end = _find_block_start_offset(source, node, first.start)
    tail_start = max(source.rfind("end", last.end, node.end), source.rfind("}", last.end, node.end))
    if head_end is None or tail_start < 0:
        return []
    head = Replacement(node.start, head_end, "")
    tail = Replacement(tail_start, node.end, "")
    if (margin := get_indentation_before_offset(source, node.start)) is not None:
        head = _widen_removal_to_whole_line(source, head, len(margin))
    if get_indentation_before_offset(source, tail_start) is not None:
        tail = _widen_removal_to_whole_line(
            source, tail, tail_start - source.rfind("\n", 0, tail_start) - 1
        )
    name = f"{call.sound} removed" if call.sound else "FX removed"
    layer = call.layer or _format_only_layer_name(outline, statements)
    return [
        CodeEdit(
            "fx",
            f"{name}{format_in_layer_suffix(layer)}",
            (head, tail),
            f"remove fx {node.start}",
            call.line,
            outline.find_line_of_offset(node.end),
        )
    ]


def _format_only_layer_name(outline: ProgramOutline, statements: list[SourceNode]) -> str:
    layers = [node for node in statements if node.kind == "ITER"]
    return _format_statement_head(outline, layers[0]) if len(layers) == 1 else ""


def _find_block_start_offset(source: str, node: SourceNode, first_start: int) -> int | None:
    """Return where the block of a call begins: after ``do`` or ``{``."""
    scope = node.child_nodes[-1]
    for word in ("do", "{"):
        if source.startswith(word, scope.start):
            end = scope.start + len(word)
            return end if end <= first_start else None
    return None


def _widen_removal_to_whole_line(
    source: str, replacement: Replacement, margin_length: int
) -> Replacement:
    """Return a removal with its whole line, if nothing else stands on the line."""
    end = source.find("\n", replacement.end)
    line_end = len(source) if end < 0 else end + 1
    if source[replacement.end : line_end].strip(" \t\r\n;"):
        return replacement
    return Replacement(replacement.start - margin_length, line_end, "")
