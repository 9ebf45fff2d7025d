"""Edits of settings of the whole program: the tempo, and its random numbers."""

from __future__ import annotations

import re

from core.programs.grammar.seeded_rng import SeededRandom
from core.suggest.code_edit import CodeEdit, Replacement, edit_literal, format_layer
from core.suggest.program_outline import ProgramOutline
from core.suggest.source_tree import list_statements, split_call

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
    literals = outline.list_literals("tempo")
    edits = []
    for literal in literals:
        if not isinstance(literal.value, (int, float)) or literal.value <= 0:
            continue
        for bpm in _list_tempi(literal.value):
            edits.append(edit_literal("tempo", literal, str(bpm), "tempo"))
    if not literals and not outline.list_calls("use_bpm", "use_bpm_mul", "use_sample_bpm"):
        edits += [
            _insert_setting(outline, "tempo", f"use_bpm {bpm}", f"tempo {DEFAULT_BPM} → {bpm}")
            for bpm in _list_tempi(DEFAULT_BPM)
        ]
    return edits


def _list_tempi(bpm: float) -> list[int]:
    tempi = [round(bpm * factor) for factor in TEMPO_FACTORS]
    return [tempo for tempo in tempi if MIN_BPM <= tempo <= MAX_BPM and tempo != bpm]


def list_random_edits(outline: ProgramOutline, rng: SeededRandom) -> list[CodeEdit]:
    """Return edits of seeds, odds, and of how members are chosen from lists."""
    edits = []
    seeds = outline.list_literals("seed")
    for literal in seeds:
        edits += [
            edit_literal("random", literal, str(seed), "random seed")
            for seed in _draw_seeds(rng)
            if seed != literal.value
        ]
    if not seeds and RANDOM_PATTERN.search(outline.source):
        edits += [
            _insert_setting(
                outline, "random", f"use_random_seed {seed}", f"random seed set to {seed}"
            )
            for seed in _draw_seeds(rng)
        ]
    for literal in outline.list_literals("odds"):
        edits += [
            edit_literal("random", literal, str(odds), "one_in")
            for odds in range(1, MAX_ODDS + 1)
            if odds != literal.value
        ]
    return edits + _list_method_edits(outline)


def _draw_seeds(rng: SeededRandom) -> list[int]:
    return [rng.sample_integer(1, MAX_SEED) for _ in range(SEED_COUNT)]


def _list_method_edits(outline: ProgramOutline) -> list[CodeEdit]:
    """Return edits that step through a list instead of choosing from it, and the reverse."""
    edits = []
    source = outline.source
    for body in outline.bodies:
        for statement in body.statements:
            if statement.kind == "ITER":
                continue
            for node in statement.iterate_descendants():
                parts = split_call(node)
                if node.kind != "CALL" or parts is None or parts.arguments or parts.options:
                    continue
                suffix = f".{parts.name}"
                if parts.name not in METHOD_CHANGES or not source[: node.end].endswith(suffix):
                    continue
                start = node.end - len(parts.name)
                line = outline.find_line(start)
                edits += [
                    CodeEdit(
                        "random",
                        f".{parts.name} → .{other}{format_layer(body.layer)}",
                        (Replacement(start, node.end, other),),
                        f"method {start}",
                        line,
                        line,
                    )
                    for other in METHOD_CHANGES[parts.name]
                ]
    return edits


def _insert_setting(outline: ProgramOutline, kind: str, code: str, words: str) -> CodeEdit:
    """Return the edit that puts a setting before the first statement of the program."""
    statements = list_statements(outline.tree)
    start = statements[0].start if statements else 0
    line = outline.find_line(start)
    return CodeEdit(
        kind, words, (Replacement(start, start, f"{code}\n"),), f"new {kind} setting", line, line
    )
