"""Edits of the rhythm that keep the length of the bar: of each block's pauses together."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from core.suggest.code_edit import (
    CodeEdit,
    Replacement,
    format_in_layer_suffix,
    get_indentation_before_offset,
    is_node_alone_on_line,
    replace_literal_value,
)
from core.suggest.program_literals_calls_and_blocks import Literal, ProgramOutline, StatementList
from core.suggest.syntax_tree_with_source_positions import SourceNode, split_call_into_parts

SOUND_FUNCTIONS = ("play", "sample", "synth", "play_chord")
MIN_PAUSE_BEATS = 0.0625
MAX_PAIRS = 24
MAX_PULSE_STEPS = 32


def list_rhythm_edits(outline: ProgramOutline) -> list[CodeEdit]:
    """Return edits of pauses, repeats and patterns after which each bar is as long as before."""
    sleep_by_start = {
        literal.start: literal for literal in outline.list_literals_with_roles("sleep")
    }
    edits: list[CodeEdit] = []
    for body in outline.bodies:
        edits += _list_pause_balance_edits(body, sleep_by_start)
        edits += _list_pause_splitting_edits(outline, body, sleep_by_start)
        edits += _list_pause_merging_edits(outline, body, sleep_by_start)
        edits += _list_sound_and_pause_swap_edits(outline, body, sleep_by_start)
        edits += _list_repeat_count_edits(outline, body, sleep_by_start)
    edits += _list_pulse_count_edits(outline)
    edits += _list_duration_swap_edits(outline)
    return edits


def _find_sleep_number_of_statement(
    statement: SourceNode, sleep_by_start: dict[int, Literal]
) -> tuple[Literal, float] | None:
    """Return the number of a statement such as ``sleep 0.5``, with its value."""
    parts = split_call_into_parts(statement)
    if parts is None or parts.name not in ("sleep", "wait") or len(parts.arguments) != 1:
        return None
    literal = sleep_by_start.get(parts.arguments[0].start)
    if literal is None or literal.end != parts.arguments[0].end:
        return None
    return (literal, float(literal.value)) if float(literal.value) > 0 else None


def _is_sound_statement(statement: SourceNode) -> bool:
    parts = split_call_into_parts(statement)
    return statement.kind == "FCALL" and parts is not None and parts.name in SOUND_FUNCTIONS


def _list_pause_balance_edits(
    body: StatementList, sleep_by_start: dict[int, Literal]
) -> list[CodeEdit]:
    pauses = [
        _find_sleep_number_of_statement(statement, sleep_by_start) for statement in body.statements
    ]
    edits = []
    pairs = list(combinations([pause for pause in pauses if pause], 2))
    for (first, first_beats), (second, second_beats) in pairs[:MAX_PAIRS]:
        shift = min(first_beats, second_beats) / 2
        for change in (shift, -shift):
            edits.append(
                _build_pause_replacement_edit(
                    body, (first, first_beats + change), (second, second_beats - change)
                )
            )
        if first_beats != second_beats:
            edits.append(
                _build_pause_replacement_edit(body, (first, second_beats), (second, first_beats))
            )
    return [edit for edit in edits if edit is not None]


def _build_pause_replacement_edit(
    body: StatementList, *changes: tuple[Literal, float]
) -> CodeEdit | None:
    """Return the edit that gives pauses new lengths; None when one would be too short."""
    if any(beats < MIN_PAUSE_BEATS for _, beats in changes):
        return None
    literals = [literal for literal, _ in changes]
    before = ", ".join(literal.text for literal in literals)
    after = ", ".join(format_beats(beats) for _, beats in changes)
    return CodeEdit(
        "rhythm",
        f"sleep {before} → {after}{format_in_layer_suffix(body.layer)}",
        tuple(
            Replacement(literal.start, literal.end, format_beats(beats))
            for literal, beats in changes
        ),
        f"pauses {literals[0].start} {literals[-1].start}",
        min(literal.line for literal in literals),
        max(literal.line for literal in literals),
    )


def format_beats(beats: float) -> str:
    """Return a length in beats as Ruby code."""
    return f"{round(beats, 5):g}"


def _list_pause_splitting_edits(
    outline: ProgramOutline, body: StatementList, sleep_by_start: dict[int, Literal]
) -> list[CodeEdit]:
    """Return edits that play a sound again in the middle of the pause after it."""
    edits = []
    for sound, pause in zip(body.statements, body.statements[1:]):
        literal_and_beats = _find_sleep_number_of_statement(pause, sleep_by_start)
        if (
            literal_and_beats is None
            or not _is_sound_statement(sound)
            or literal_and_beats[1] / 2 < MIN_PAUSE_BEATS
        ):
            continue
        literal, beats = literal_and_beats
        code = outline.get_source_of_node(sound)
        if "\n" in code:
            continue
        margin = get_indentation_before_offset(outline.source, pause.start)
        separator = "; " if margin is None else f"\n{margin}"
        word = outline.source[pause.start : literal.start]
        tail = outline.source[literal.end : pause.end]
        for count in (2, 4):
            step = beats / count
            if step < MIN_PAUSE_BEATS or round(step, 5) != step:
                continue
            half = f"{word}{format_beats(step)}{tail}"
            repeated = separator.join([half, *[code, half] * (count - 1)])
            edits.append(
                CodeEdit(
                    "rhythm",
                    f"{_shorten_statement_code(code)} {count} times in {literal.text} beats"
                    f"{format_in_layer_suffix(body.layer)}",
                    (Replacement(pause.start, pause.end, repeated),),
                    f"split {pause.start}",
                    outline.find_line_of_offset(sound.start),
                    literal.line,
                )
            )
    return edits


def _shorten_statement_code(code: str) -> str:
    """Return the first words of a statement, without its options."""
    return code.split(",")[0].strip()[:40]


def _list_pause_merging_edits(
    outline: ProgramOutline, body: StatementList, sleep_by_start: dict[int, Literal]
) -> list[CodeEdit]:
    """Return edits that leave one sound out and wait as long."""
    edits = []
    for first, sound, second in zip(body.statements, body.statements[1:], body.statements[2:]):
        first_pause, second_pause = (
            _find_sleep_number_of_statement(node, sleep_by_start) for node in (first, second)
        )
        if first_pause is None or second_pause is None or not _is_sound_statement(sound):
            continue
        if not (is_node_alone_on_line(outline, sound) and is_node_alone_on_line(outline, second)):
            continue
        literal, beats = first_pause
        total = format_beats(beats + second_pause[1])
        sound_start = outline.source.rfind("\n", 0, sound.start)
        end = _find_line_end_offset(outline.source, second.end)
        if "#" in outline.source[sound.start : end]:
            continue  # A comment stays, and so does what it describes.
        edits.append(
            CodeEdit(
                "rhythm",
                f"without {_shorten_statement_code(outline.get_source_of_node(sound))}"
                f"{format_in_layer_suffix(body.layer)}",
                (
                    Replacement(literal.start, literal.end, total),
                    Replacement(sound_start, end, ""),
                ),
                f"merge {sound.start}",
                literal.line,
                second_pause[0].line,
            )
        )
    return edits


def _find_line_end_offset(source: str, offset: int) -> int:
    end = source.find("\n", offset)
    return end if end >= 0 else len(source)


def _list_sound_and_pause_swap_edits(
    outline: ProgramOutline, body: StatementList, sleep_by_start: dict[int, Literal]
) -> list[CodeEdit]:
    """Return edits that play a sound after the pause that follows it: off the beat."""
    edits = []
    for sound, pause in zip(body.statements, body.statements[1:]):
        if (
            not _is_sound_statement(sound)
            or _find_sleep_number_of_statement(pause, sleep_by_start) is None
        ):
            continue
        sound_code, pause_code = (
            outline.get_source_of_node(sound),
            outline.get_source_of_node(pause),
        )
        edits.append(
            CodeEdit(
                "rhythm",
                f"{_shorten_statement_code(sound_code)} after {pause_code}"
                f"{format_in_layer_suffix(body.layer)}",
                (
                    Replacement(sound.start, sound.end, pause_code),
                    Replacement(pause.start, pause.end, sound_code),
                ),
                f"swap {sound.start}",
                outline.find_line_of_offset(sound.start),
                outline.find_line_of_offset(pause.start),
            )
        )
    return edits


def _list_repeat_count_edits(
    outline: ProgramOutline, body: StatementList, sleep_by_start: dict[int, Literal]
) -> list[CodeEdit]:
    """Return edits that repeat a block twice as often in half the time, or the reverse."""
    owner = split_call_into_parts(body.owner) if body.owner is not None else None
    if owner is None or owner.name != "times" or owner.receiver is None:
        return []
    if owner.receiver.kind != "INTEGER" or _has_nested_pauses(body):
        return []
    count = int(owner.receiver.children[0])
    pauses = [
        _find_sleep_number_of_statement(statement, sleep_by_start) for statement in body.statements
    ]
    computed_pauses = [pause for pause in pauses if pause is not None]
    if not computed_pauses or count < 1:
        return []
    edits = []
    for new_count, factor in ((2 * count, 0.5), (count / 2, 2.0)):
        if new_count != int(new_count) or any(
            beats * factor < MIN_PAUSE_BEATS for _, beats in computed_pauses
        ):
            continue
        replacements = [Replacement(owner.receiver.start, owner.receiver.end, f"{new_count:g}")]
        replacements += [
            Replacement(literal.start, literal.end, format_beats(beats * factor))
            for literal, beats in computed_pauses
        ]
        edits.append(
            CodeEdit(
                "rhythm",
                f"{count}.times → {new_count:g}.times, sleep × {factor:g}"
                f"{format_in_layer_suffix(body.layer)}",
                tuple(replacements),
                f"repeats {owner.receiver.start}",
                outline.find_line_of_offset(owner.receiver.start),
                computed_pauses[-1][0].line,
            )
        )
    return edits


def _has_nested_pauses(body: StatementList) -> bool:
    """Return whether a block pauses elsewhere than in its own statements."""
    pauses = ("sleep", "wait", "sync", "play_pattern", "play_pattern_timed")
    pauses_of_block = sum(_is_call_of(statement, pauses[:2]) for statement in body.statements)
    all_pauses = sum(
        _is_call_of(node, pauses)
        for statement in body.statements
        for node in statement.iterate_descendants()
    )
    return all_pauses != pauses_of_block


def _is_call_of(node: SourceNode, names: Sequence[str]) -> bool:
    return node.kind in ("FCALL", "VCALL") and node.children[0] in names


def _list_pulse_count_edits(outline: ProgramOutline) -> list[CodeEdit]:
    """Return other numbers of pulses for `spread`, over the same number of steps."""
    edits = []
    for call in outline.list_calls_of_functions("spread"):
        arguments = call.parts.arguments
        if len(arguments) < 2 or any(node.kind != "INTEGER" for node in arguments[:2]):
            continue
        steps = int(arguments[1].children[0])
        literal = next(item for item in outline.literals if item.start == arguments[0].start)
        edits += [
            replace_literal_value("rhythm", literal, str(pulses), f"pulses in {steps} steps")
            for pulses in range(1, min(steps, MAX_PULSE_STEPS) + 1)
            if pulses != literal.value
        ]
    return edits


def _list_duration_swap_edits(outline: ProgramOutline) -> list[CodeEdit]:
    """Return edits that exchange two durations of `play_pattern_timed`."""
    edits = []
    literals = outline.list_literals_with_roles("duration")
    for first, second in list(combinations(literals, 2))[:MAX_PAIRS]:
        if first.layer == second.layer and first.value != second.value:
            edits.append(
                CodeEdit(
                    "rhythm",
                    f"durations {first.text} and {second.text} exchanged"
                    f"{format_in_layer_suffix(first.layer)}",
                    (
                        Replacement(first.start, first.end, second.text),
                        Replacement(second.start, second.end, first.text),
                    ),
                    f"durations {first.start} {second.start}",
                    first.line,
                    second.line,
                )
            )
    return edits
