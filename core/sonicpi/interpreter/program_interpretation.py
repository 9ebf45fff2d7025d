"""Reading of a program: its sounds, and whether anything in it would sound."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import lru_cache

from core.sonicpi.interpreter.control_flow_signals import ProgramProblem
from core.sonicpi.interpreter.program_interpreter import ProgramInterpreter
from core.sonicpi.interpreter.ruby_parser_process import (
    ParsedProgram,
    parse_program_and_error,
    parse_program_with_lines,
)
from core.sonicpi.main_mixer import is_mixer_silent
from core.sonicpi.newer_sonic_pi_sounds import load_newer_sample_seconds
from core.sonicpi.score_events import MAX_SCORE_SECONDS, ScoreEvent
from core.sonicpi.sonic_pi_inventory import get_default_synth_options, load_sonic_pi_inventory
from core.sonicpi.sound_options_and_control_changes import (
    OptionChange,
    list_control_changes_of_sound,
)

STATUS_SOUND, STATUS_NO_SOUND, STATUS_SYNTAX, STATUS_UNKNOWN = (
    "sound",
    "no_sound",
    "syntax",
    "unknown",
)
# Functions after which an amplitude of 0, or a random choice, is not the last word.
AMPLITUDE_CHANGES = ("control",)
RANDOM_FUNCTIONS = ("rand", "rand_i", "rrand", "rrand_i", "one_in", "dice", "choose", "pick")
# A prediction reads its snippet more than once.
CACHE_SIZE = 16
SOUND_CACHE_SIZE = 4096
NO_SOUND_MESSAGE = "Nothing in this code would sound"
PARTIAL_READING_NOTE = "; predicted from the part before it"
SYNTAX_ERROR = "syntax error"
MARKDOWN_FENCE = re.compile(r"^\s*(```|~~~)", re.MULTILINE)
MARKDOWN_HINT = " (lines of Markdown such as ``` are no code)"
CONSEQUENCES = {
    "ends_thread": "Sonic Pi ends this thread there",
    "silent": "nothing sounds there",
    "assumed": "Sonic Pi would stop there; predicted as if it had a value",
}
MAX_SHARE_AFTER_UNDEFINED_FUNCTION = 0.5
"""Understood share of a program that ends with an error before anything sounds."""


@dataclass(frozen=True)
class ProgramReading:
    """What the static interpreter found in a program.

    Attributes
    ----------
    events : list of ScoreEvent
        Its sounds in the first 18 s; with a syntax error, those of the part before it.
    status : {"sound", "no_sound", "syntax", "unknown"}
        ``no_sound`` and ``syntax`` are certain: nothing would sound, or nothing before the syntax
        error. ``unknown`` has no sounds, but code that was not followed and might sound.
    line : int or None
        Line of the syntax error, or of the first error that ends a thread, from 1.
    message : str
        What to tell the user: why nothing sounds, or which part was read. "" for a program that
        was read as a whole.
    understood_share : float
        How much of the program was understood, in [0, 1]: the share of its calls that are of known
        functions, or the share of its sounds that are of known synths and samples if that is less;
        with a syntax error, times the share of lines before it. At most a half of a program that
        calls an undefined function before anything sounds.
    mixer_changes : tuple of OptionChange
        Changes of the main mixer, by time.
    """

    events: list[ScoreEvent]
    status: str
    line: int | None = None
    message: str = ""
    understood_share: float = 1.0
    mixer_changes: tuple[OptionChange, ...] = ()

    @property
    def is_silent(self) -> bool:
        """Whether it is certain that nothing would sound."""
        return self.status in (STATUS_NO_SOUND, STATUS_SYNTAX)

    @property
    def has_syntax_error(self) -> bool:
        """Whether the program does not parse to its end, so that Sonic Pi runs none of it."""
        starts = f"line {self.line}: {SYNTAX_ERROR}"
        return self.status == STATUS_SYNTAX or self.message.startswith(starts)


_known_readings: ContextVar[Mapping[str, ProgramReading] | None] = ContextVar(
    "known_readings", default=None
)


def interpret_program(source: str) -> ProgramReading:
    """Read a program without running it.

    Parameters
    ----------
    source : str
        The program.

    Returns
    -------
    ProgramReading
        Shared by all callers with the same source: not to be changed.

    Raises
    ------
    EarshotError
        As `parse_program_and_error`.

    Examples
    --------
    >>> from core.sonicpi.interpreter import interpret_program
    >>> interpret_program("play 60").status
    'sound'
    >>> interpret_program("puts 1").message
    'Nothing in this code would sound.'
    """
    reading = (_known_readings.get() or {}).get(source)
    return interpret_uncached_program(source) if reading is None else reading


@contextmanager
def reuse_program_readings(readings: Mapping[str, ProgramReading]) -> Iterator[None]:
    """Let `interpret_program` return these readings by source, instead of interpreting again."""
    token = _known_readings.set({**(_known_readings.get() or {}), **readings})
    try:
        yield
    finally:
        _known_readings.reset(token)


@lru_cache(maxsize=CACHE_SIZE)
def interpret_uncached_program(source: str) -> ProgramReading:
    """Read a program as `interpret_program` does, whatever `reuse_program_readings` has for it."""
    parsed = parse_program_and_error(source)
    interpreter = ProgramInterpreter(parsed.tree)
    if interpreter.problems:
        # Few programs have any, and the others need no lines.
        interpreter = ProgramInterpreter(parse_program_with_lines(source))
    return build_program_reading(source, parsed, interpreter)


def build_program_reading(
    source: str, parsed: ParsedProgram, interpreter: ProgramInterpreter
) -> ProgramReading:
    """Return the reading of a program that has been interpreted."""
    mixer_changes = list_control_changes_of_sound(interpreter.mixer_options)
    reading = _build_reading_without_mixer(source, parsed, interpreter, mixer_changes)
    return replace(reading, mixer_changes=mixer_changes) if mixer_changes else reading


def _build_reading_without_mixer(
    source: str,
    parsed: ParsedProgram,
    interpreter: ProgramInterpreter,
    mixer_changes: tuple[OptionChange, ...],
) -> ProgramReading:
    events = interpreter.events
    is_audible = any(map(_is_event_audible, events)) or (
        bool(events) and any(name in interpreter.call_counts for name in AMPLITUDE_CHANGES)
    )
    is_audible = is_audible and not is_mixer_silent(mixer_changes)
    understood_share = _compute_understood_share(interpreter)
    if parsed.error_line is not None:
        line_count = source.count("\n") + 1
        understood_share *= min(1.0, (parsed.error_line - 1) / line_count)
        hint = MARKDOWN_HINT if MARKDOWN_FENCE.search(source) else ""
        return _build_syntax_error_reading(
            events, is_audible, parsed.error_line, parsed.error_message + hint, understood_share
        )
    if parsed.tree is None and source.strip():
        message = "The code could not be read."
        return ProgramReading(events, STATUS_UNKNOWN, None, message)
    problem = min(interpreter.problems, key=_rank_problem, default=None)
    line = problem.line if problem else None
    if is_audible:
        message = _describe_problem(problem) if problem else ""
        return ProgramReading(events, STATUS_SOUND, line, message, understood_share)
    if reason := _find_reason_to_doubt_silence(interpreter):
        message = f"No sound was found, but this code has {reason}, which cannot be followed."
        return ProgramReading(events, STATUS_UNKNOWN, line, message, understood_share)
    message = _explain_program_silence(interpreter)
    if problem:
        message = f"{NO_SOUND_MESSAGE}: {_locate_problem(problem)}."
    return ProgramReading(events, STATUS_NO_SOUND, line, message)


def _rank_problem(problem: ProgramProblem) -> tuple[bool, float]:
    """Return the sort key by which the problem with the largest consequence comes first."""
    return problem.consequence != "ends_thread", problem.seconds


def _locate_problem(problem: ProgramProblem) -> str:
    place = "" if problem.line is None else f"line {problem.line}: "
    return place + problem.message


def _describe_problem(problem: ProgramProblem) -> str:
    return f"{_locate_problem(problem)}; {CONSEQUENCES[problem.consequence]}."


def _compute_understood_share(interpreter: ProgramInterpreter) -> float:
    call_count = sum(interpreter.call_counts.values())
    shares = [1 - min(interpreter.unknown_count, call_count) / max(call_count, 1)]
    weights = [event.weight for event in interpreter.events]
    total_weight = sum(weights)
    if total_weight > 0:
        sounds = {(event.kind, event.name) for event in interpreter.events}
        unknown_sounds = {sound for sound in sounds if not _is_sound_known(*sound)}
        if unknown_sounds:
            weights = [
                event.weight
                for event in interpreter.events
                if (event.kind, event.name) not in unknown_sounds
            ]
        shares.append(sum(weights) / total_weight)
    if interpreter.starts_with_undefined_function:
        shares.append(MAX_SHARE_AFTER_UNDEFINED_FUNCTION)
    return min(shares)


# A program repeats a few sounds.
@lru_cache(maxsize=SOUND_CACHE_SIZE)
def _is_sound_known(kind: str, name: str) -> bool:
    """Return whether any version of Sonic Pi has the synth or sample."""
    if kind == "synth":
        return bool(get_default_synth_options(name))
    return name in load_sonic_pi_inventory()["samples"] or name in load_newer_sample_seconds()


def _is_event_audible(event: ScoreEvent) -> bool:
    """Return whether neither the sound nor an FX around it has the amplitude 0."""
    is_in_clip = event.time < MAX_SCORE_SECONDS
    return is_in_clip and all(
        options.get("amp", 1.0) > 0 for options in (event.options, *(fx[1] for fx in event.fx))
    )


def _build_syntax_error_reading(
    events: list[ScoreEvent], is_audible: bool, line: int, error: str, understood_share: float
) -> ProgramReading:
    error = error if error.startswith(SYNTAX_ERROR) else f"{SYNTAX_ERROR}, {error}"
    if is_audible:
        message = f"line {line}: {error}{PARTIAL_READING_NOTE}."
        return ProgramReading(events, STATUS_SOUND, line, message, understood_share)
    message = f"{NO_SOUND_MESSAGE}: line {line}: {error}."
    return ProgramReading(events, STATUS_SYNTAX, line, message)


def _find_reason_to_doubt_silence(interpreter: ProgramInterpreter) -> str:
    """Return what might sound although no sound was found; "" if nothing might."""
    if interpreter.unfollowed_code:
        return interpreter.unfollowed_code[0]
    if any(name in interpreter.call_counts for name in RANDOM_FUNCTIONS):
        return "random choices"
    return ""


def _explain_program_silence(interpreter: ProgramInterpreter) -> str:
    """Return the message for a program of which it is certain that nothing sounds."""
    if interpreter.has_endless_loop:
        return f"{NO_SOUND_MESSAGE}: a loop never ends and has no sleep."
    if interpreter.events:
        return f"{NO_SOUND_MESSAGE}: every amplitude is 0."
    if interpreter.missing_cues:
        cue = sorted(interpreter.missing_cues)[0]
        return f"{NO_SOUND_MESSAGE}: it waits for the cue {cue}, which nothing sends."
    if interpreter.has_passed_end:
        return f"{NO_SOUND_MESSAGE} in the first {MAX_SCORE_SECONDS:.0f} seconds."
    return f"{NO_SOUND_MESSAGE}."
