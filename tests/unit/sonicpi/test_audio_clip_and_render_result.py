"""Errors of threads are warnings of a result, and become its error on request."""

from __future__ import annotations

import signal

import numpy as np
import pytest

from core.sonicpi.audio_clip_and_render_result import (
    Clip,
    RenderProblem,
    RenderResult,
    promote_thread_error_to_program_error,
)
from core.sonicpi.render_worker import build_render_result

CLIPPED = RenderProblem("clipped", "Too loud.")
FIRST = RenderProblem("runtime", "divided by 0", 3, seconds=1.5)
SECOND = RenderProblem("no_sleep", "loop did not sleep", 7, seconds=2.0)
SOUND = Clip(np.full((100, 2), 0.5, np.float32))
SILENCE = Clip(np.zeros((100, 2), np.float32))


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (FIRST, "line 3, at 1.5 s: divided by 0"),
        (RenderProblem("runtime", "boom", seconds=0.0), "at 0 s: boom"),
        (RenderProblem("runtime", "boom", 2, seconds=1 / 3), "line 2, at 0.333 s: boom"),
        (RenderProblem("syntax", "unexpected end", 3), "line 3: unexpected end"),
        (CLIPPED, "Too loud."),
    ],
)
def test_problem_names_its_line_and_time(problem: RenderProblem, text: str):
    assert str(problem) == text


@pytest.mark.parametrize("problem", [FIRST, CLIPPED, RenderProblem("runtime", "x", None, "a", "b")])
def test_problem_is_restored_from_its_row(problem: RenderProblem):
    assert RenderProblem(**problem.to_dict_without_empty_fields()) == problem


def test_thread_errors_are_those_with_a_time():
    result = RenderResult(SOUND, None, (CLIPPED, FIRST, SECOND))
    assert result.has_clip and result.thread_errors == (FIRST, SECOND)


def test_a_strict_result_has_the_first_thread_error_and_no_clip():
    strict = RenderResult(
        SOUND, None, (CLIPPED, FIRST, SECOND), 0.25
    ).fail_render_if_a_thread_failed()
    assert (strict.clip, strict.error) == (None, FIRST)
    assert strict.warnings == (CLIPPED, SECOND) and strict.render_s == 0.25


def test_a_result_without_thread_errors_stays_as_it_is():
    for result in (RenderResult(SOUND, None, (CLIPPED,)), RenderResult(None, FIRST, (SECOND,))):
        assert result.fail_render_if_a_thread_failed() is result


def test_the_error_of_a_silent_program_is_that_of_its_thread():
    result = build_render_result(SILENCE, (SECOND, FIRST), 0.0)
    assert (result.error, result.warnings) == (SECOND, (FIRST,))
    assert build_render_result(SILENCE, (), 0.0).error.kind == "silent"
    assert build_render_result(SOUND, (FIRST,), 0.0).warnings == (FIRST,)


def test_without_thread_errors_a_silent_program_keeps_its_error():
    assert promote_thread_error_to_program_error(CLIPPED, ()) == (CLIPPED, ())
    assert promote_thread_error_to_program_error(None, (CLIPPED,)) == (None, (CLIPPED,))


def test_a_signal_during_encoding_interrupts_it():
    """In a Python callback of libsndfile it would be lost, and the encoder would hang."""
    noise = np.random.default_rng(0).standard_normal((10 * 44_100, 2)).astype(np.float32)
    clip = Clip(0.1 * noise)

    def interrupt(_signal_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    former_handler = signal.signal(signal.SIGVTALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0.01)  # of processor time: encoding takes more
        with pytest.raises(KeyboardInterrupt):
            clip.encode_audio_file(".ogg")
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, former_handler)
