"""Classification of render results: whether a program sounds, and if not, what it lacks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.sonicpi import RenderProblem, RenderResult
from core.sonicpi.newer_sonic_pi_sounds import find_sonic_pi_version_that_added_sound

SOUND, PARTIAL, SILENT, FAILED = OUTCOMES = ("sound", "partial", "silent", "failed")

# Description of each cause, in the order in which tables list them.
DESCRIPTION_BY_CAUSE = {
    "missing_sample": "sample files that are not there",
    "missing_cue": "a cue that nothing sends",
    "missing_file": "other files (load, run_file, require)",
    "missing_function": "functions or variables of another buffer",
    "later_version": "a synth or sample of a later Sonic Pi",
    "unknown_synth": "a synth or FX that is not part of Sonic Pi",
    "external_device": "MIDI, OSC or a microphone",
    "syntax": "invalid Ruby",
    "no_sleep": "a loop without sleep",
    "limit": "a limit of the renderer",
    "forbidden": "something that a program may not do",
    "runtime": "another error of the program",
    "no_sound": "nothing in the program sounds within the clip",
    "unreadable": "not a program",
    "crashed": "the renderer crashed",
}
_ERROR_CAUSE_BY_KIND = {
    "syntax": "syntax",
    "no_sleep": "no_sleep",
    "timeout": "limit",
    "memory": "limit",
    "too_many_synths": "limit",
    "forbidden": "forbidden",
    "runtime": "runtime",
    "crashed": "crashed",
    "unreadable": "unreadable",
    "silent": "no_sound",
}
_WARNING_CAUSE_BY_KIND = {
    "missing_sample": "missing_sample",
    "unknown_synth": "unknown_synth",
    "waiting": "missing_cue",
    "ignored": "external_device",
}
# After the errors that ended a thread, what loses most sound comes first.
_LOSS_CAUSES = ("unknown_synth", "later_version", "missing_sample", "missing_cue")
# Functions without effect whose absence is heard: the others send messages or clocks.
_AUDIBLE_DEVICE_FUNCTIONS = ("midi", "midi_note_on", "live_audio", "sound_in", "sound_in_stereo")


@dataclass(frozen=True)
class MissingName:
    """A thing that a program needs and does not find.

    Attributes
    ----------
    cause : str
        A key of `DESCRIPTION_BY_CAUSE`.
    name : str
        Name of the sample, cue, file, function, synth or device function.
    """

    cause: str
    name: str


@dataclass(frozen=True)
class Classification:
    """Whether a program sounds, and its most important problem.

    Attributes
    ----------
    outcome : {"sound", "partial", "silent", "failed"}
        "partial": the clip has sound, but a thread ended with an error or something was missing.
    cause : str or None
        A key of `DESCRIPTION_BY_CAUSE`; None for "sound".
    line : int or None
        Line of the problem in the program, from 1.
    message : str
        Message of the problem; "" for "sound".
    missing_names : tuple of MissingName
        Everything that was not found, each name once.
    """

    outcome: str
    cause: str | None = None
    line: int | None = None
    message: str = ""
    missing_names: tuple[MissingName, ...] = ()


def classify_render_result(result: RenderResult, *, is_strict: bool = False) -> Classification:
    """Classify the result of rendering one program.

    Parameters
    ----------
    result : RenderResult
        Its error and its warnings are read, and whether it has a clip.
    is_strict : bool
        Whether a program of which a thread ended with an error has failed, although the rest
        sounds.

    Examples
    --------
    >>> error = RenderProblem("runtime", "NameError: …", 3, cause="missing_function", name="kick")
    >>> classify_render_result(RenderResult(None, error)).cause
    'missing_function'
    """
    missing_names = _list_missing_names(result)
    cause_and_problem = _find_main_render_problem(result)
    if cause_and_problem is None:
        return Classification(SOUND, missing_names=missing_names)
    cause, problem = cause_and_problem
    if result.error is None:
        outcome = FAILED if is_strict and problem.is_thread_error else PARTIAL
    else:
        outcome = SILENT if result.error.kind == "silent" else FAILED
    return Classification(outcome, cause, problem.line, problem.message, missing_names)


def find_render_problem_cause(problem: RenderProblem) -> str | None:
    """Return the cause of an error or a warning; None for a warning that explains no silence."""
    cause = (
        problem.cause
        or _ERROR_CAUSE_BY_KIND.get(problem.kind)
        or _WARNING_CAUSE_BY_KIND.get(problem.kind)
    )
    is_sound = cause in ("unknown_synth", "missing_sample")
    return "later_version" if is_sound and _is_newer_sonic_pi_sound(problem) else cause


def _find_main_render_problem(result: RenderResult) -> tuple[str, RenderProblem] | None:
    """Return the problem that lost most sound, with its cause; None for a program that sounds."""
    if result.error is not None and result.error.kind != "silent":
        return find_render_problem_cause(result.error) or "runtime", result.error
    warnings = result.warnings if result.error else _list_warnings_about_lost_sound(result.warnings)
    losses = [
        (cause, warning) for warning in warnings if (cause := find_render_problem_cause(warning))
    ]
    if losses:
        return min(losses, key=_get_precedence_of_sound_loss_cause)
    return ("no_sound", result.error) if result.error else None


def _list_warnings_about_lost_sound(warnings: Sequence[RenderProblem]) -> list[RenderProblem]:
    """Leave out functions without effect that make no sound themselves, such as ``osc``."""
    return [
        warning
        for warning in warnings
        if warning.kind != "ignored" or warning.name in _AUDIBLE_DEVICE_FUNCTIONS
    ]


def _get_precedence_of_sound_loss_cause(loss: tuple[str, RenderProblem]) -> int:
    cause, problem = loss
    if problem.is_thread_error:
        return 0
    return 1 + _LOSS_CAUSES.index(cause) if cause in _LOSS_CAUSES else 1 + len(_LOSS_CAUSES)


def _is_newer_sonic_pi_sound(problem: RenderProblem) -> bool:
    """Return whether Sonic Pi has this sound since a later version than that of the renderer."""
    return (
        problem.name is not None
        and find_sonic_pi_version_that_added_sound(problem.name.lstrip(":")) is not None
    )


def _list_missing_names(result: RenderResult) -> tuple[MissingName, ...]:
    problems = [*([result.error] if result.error else []), *result.warnings]
    names = [
        MissingName(cause, problem.name)
        for problem in problems
        if problem.name and (cause := find_render_problem_cause(problem))
    ]
    return tuple(dict.fromkeys(names))
