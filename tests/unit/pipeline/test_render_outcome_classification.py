"""Render results are classified by their fields: outcome, cause, line and missing names."""

from __future__ import annotations

import numpy as np
import pytest

from core.pipeline.render_outcome_classification import (
    DESCRIPTION_BY_CAUSE,
    MissingName,
    classify_render_result,
)
from core.sonicpi import Clip, RenderProblem, RenderResult

CLIP = Clip(np.full((10, 2), 0.5, np.float32))
MISSING_SAMPLE = RenderProblem("missing_sample", "There is no sample :kick", 4, name=":kick")
WAITING = RenderProblem("waiting", "sync :go waits", 2, name="go")
DEAD_THREAD = RenderProblem("runtime", "NameError: …", 9, "missing_function", "drums", 1.5)
SILENT = RenderProblem("silent", "The program is silent.")


def test_a_clip_without_warnings_sounds() -> None:
    classification = classify_render_result(RenderResult(CLIP))
    assert (classification.outcome, classification.cause) == ("sound", None)


@pytest.mark.parametrize(
    ("warning", "outcome", "cause"),
    [
        (MISSING_SAMPLE, "partial", "missing_sample"),
        (WAITING, "partial", "missing_cue"),
        (DEAD_THREAD, "partial", "missing_function"),
        (RenderProblem("unknown_synth", "…", 1, name="winwood_lead"), "partial", "later_version"),
        (RenderProblem("missing_sample", "…", 1, name=":hat_len"), "partial", "later_version"),
        (RenderProblem("unknown_synth", "…", 1, name="my_own"), "partial", "unknown_synth"),
        (RenderProblem("ignored", "…", 1, name="midi_note_on"), "partial", "external_device"),
        (RenderProblem("ignored", "…", 1, name="osc"), "sound", None),
        (RenderProblem("clipped", "…"), "sound", None),
        (RenderProblem("out_of_range", "…", 1), "sound", None),
        (RenderProblem("no_sleep", "…", 1, seconds=2.0), "partial", "no_sleep"),
    ],
)
def test_a_clip_with_a_loss_sounds_in_part(
    warning: RenderProblem, outcome: str, cause: str | None
) -> None:
    classification = classify_render_result(RenderResult(CLIP, warnings=(warning,)))
    assert (classification.outcome, classification.cause) == (outcome, cause)


@pytest.mark.parametrize(
    ("kind", "cause"),
    [
        ("syntax", "syntax"),
        ("no_sleep", "no_sleep"),
        ("timeout", "limit"),
        ("memory", "limit"),
        ("too_many_synths", "limit"),
        ("forbidden", "forbidden"),
        ("runtime", "runtime"),
        ("crashed", "crashed"),
        ("a_kind_of_tomorrow", "runtime"),
    ],
)
def test_an_error_has_the_cause_of_its_kind(kind: str, cause: str) -> None:
    classification = classify_render_result(RenderResult(None, RenderProblem(kind, "…", 7)))
    assert (classification.outcome, classification.cause) == ("failed", cause)
    assert classification.line == 7 and cause in DESCRIPTION_BY_CAUSE


def test_the_cause_of_an_error_outweighs_its_kind() -> None:
    error = RenderProblem("runtime", "LoadError: …", 1, cause="missing_file", name="midilib")
    classification = classify_render_result(RenderResult(None, error, (MISSING_SAMPLE,)))
    assert classification.cause == "missing_file"
    assert classification.missing_names == (
        MissingName("missing_file", "midilib"),
        MissingName("missing_sample", ":kick"),
    )


@pytest.mark.parametrize(
    ("warnings", "cause", "line"),
    [
        ((), "no_sound", None),
        ((WAITING,), "missing_cue", 2),
        ((WAITING, MISSING_SAMPLE), "missing_sample", 4),
        ((WAITING, MISSING_SAMPLE, DEAD_THREAD), "missing_function", 9),
        ((RenderProblem("ignored", "…", 5, name="osc"),), "external_device", 5),
    ],
)
def test_silence_is_explained_by_the_gravest_warning(
    warnings: tuple[RenderProblem, ...], cause: str, line: int | None
) -> None:
    classification = classify_render_result(RenderResult(None, SILENT, warnings))
    assert (classification.outcome, classification.cause) == ("silent", cause)
    assert classification.line == line


def test_only_errors_of_threads_are_fatal_under_strict() -> None:
    with_error = RenderResult(CLIP, warnings=(MISSING_SAMPLE, DEAD_THREAD))
    assert classify_render_result(with_error).outcome == "partial"
    assert classify_render_result(with_error, is_strict=True).outcome == "failed"
    without_error = RenderResult(CLIP, warnings=(MISSING_SAMPLE,))
    assert classify_render_result(without_error, is_strict=True).outcome == "partial"


def test_each_missing_name_is_listed_once() -> None:
    elsewhere = RenderProblem("missing_sample", "There is no sample :kick", 8, name=":kick")
    classification = classify_render_result(
        RenderResult(CLIP, warnings=(MISSING_SAMPLE, elsewhere))
    )
    assert classification.missing_names == (MissingName("missing_sample", ":kick"),)
