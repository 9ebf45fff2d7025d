"""Edits of settings of the whole program: the tempo, and its random numbers."""

from __future__ import annotations

import re

from core.programs.grammar.seeded_rng import SeededRandom
from core.suggest.code_edit import (
    CodeEdit,
    Replacement,
    format_in_layer_suffix,
    replace_literal_value,
)
from core.suggest.program_literals_calls_and_blocks import ProgramOutline
from core.suggest.syntax_tree_with_source_positions import (
    list_statement_nodes,
    split_call_into_parts,
)

DEFAULT_BPM = 60
TEMPO_FACTORS = (0.5, 0.66, 0.75, 0.85, 0.92, 1.08, 1.15, 1.25, 1.33, 1.5, 2.0)
MIN_BPM, MAX_BPM = 20, 400
SEED_COUNT = 12
MAX_SEED = 999
MAX_ODDS = 8
RANDOM_PATTERN = re.compile(
    r"\b(?:rand|rand_i|rrand|rrand_i|rdist|dice|one_in|choose|shuffle|pick)\b"
)
RANDOM_METHODS = ("choose", "shuffle", "pick")
METHOD_CHANGES = {
    "choose": ("tick", "shuffle.tick"),
    "tick": ("choose", "reverse.tick", "shuffle.tick", "mirror.tick"),
    "look": ("choose",),
}


def list_tempo_edits(outline: ProgramOutline) -> list[CodeEdit]:
    """Return edits that play faster or slower."""
    literals = outline.list_literals_with_roles("tempo")
    edits = []
    for literal in literals:
        if not isinstance(literal.value, (int, float)) or literal.value <= 0:
            continue
        for bpm in _list_other_tempos(literal.value):
            edits.append(replace_literal_value("tempo", literal, str(bpm), "tempo"))
    if not literals and not outline.list_calls_of_functions(
        "use_bpm", "use_bpm_mul", "use_sample_bpm"
    ):
        edits += [
            _build_setting_insertion_edit(
                outline, "tempo", f"use_bpm {bpm}", f"tempo {DEFAULT_BPM} → {bpm}"
            )
            for bpm in _list_other_tempos(DEFAULT_BPM)
        ]
    return edits


def _list_other_tempos(bpm: float) -> list[int]:
    tempi = [round(bpm * factor) for factor in TEMPO_FACTORS]
    return [tempo for tempo in tempi if MIN_BPM <= tempo <= MAX_BPM and tempo != bpm]


def list_random_edits(outline: ProgramOutline, rng: SeededRandom) -> list[CodeEdit]:
    """Return edits of seeds, odds, and of how members are chosen from lists."""
    edits = []
    seeds = outline.list_literals_with_roles("seed")
    for literal in seeds:
        edits += [
            replace_literal_value("random", literal, str(seed), "random seed")
            for seed in _draw_other_random_seeds(rng)
            if seed != literal.value
        ]
    if not seeds and RANDOM_PATTERN.search(outline.source):
        edits += [
            _build_setting_insertion_edit(
                outline, "random", f"use_random_seed {seed}", f"random seed set to {seed}"
            )
            for seed in _draw_other_random_seeds(rng)
        ]
    for literal in outline.list_literals_with_roles("odds"):
        edits += [
            replace_literal_value("random", literal, str(odds), "one_in")
            for odds in range(1, MAX_ODDS + 1)
            if odds != literal.value
        ]
    return edits + _list_edits_of_list_choice_methods(outline)


def _draw_other_random_seeds(rng: SeededRandom) -> list[int]:
    return [rng.sample_integer(1, MAX_SEED) for _ in range(SEED_COUNT)]


def _list_edits_of_list_choice_methods(outline: ProgramOutline) -> list[CodeEdit]:
    """Return edits that step through a list instead of choosing from it, and the reverse."""
    edits = []
    source = outline.source
    for body in outline.bodies:
        for statement in body.statements:
            if statement.kind == "ITER":
                continue
            for node in statement.iterate_descendants():
                parts = split_call_into_parts(node)
                if node.kind != "CALL" or parts is None or parts.arguments or parts.options:
                    continue
                suffix = f".{parts.name}"
                if parts.name not in METHOD_CHANGES or not source[: node.end].endswith(suffix):
                    continue
                start = node.end - len(parts.name)
                line = outline.find_line_of_offset(start)
                edits += [
                    CodeEdit(
                        "random",
                        f".{parts.name} → .{other}{format_in_layer_suffix(body.layer)}",
                        (Replacement(start, node.end, other),),
                        f"method {start}",
                        line,
                        line,
                    )
                    for other in METHOD_CHANGES[parts.name]
                ]
    return edits


def _build_setting_insertion_edit(
    outline: ProgramOutline, kind: str, code: str, words: str
) -> CodeEdit:
    """Return the edit that puts a setting before the first statement of the program."""
    statements = list_statement_nodes(outline.tree)
    start = statements[0].start if statements else 0
    line = outline.find_line_of_offset(start)
    return CodeEdit(
        kind, words, (Replacement(start, start, f"{code}\n"),), f"new {kind} setting", line, line
    )
