"""A corpus stores nothing of a worker that does not belong to its task or is damaged."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from core.corpus.encoded_render import encode_render
from core.encoders import find_encoder_spec
from core.pipeline.executors.executor_interface import ClipSettings
from core.pipeline.executors.ray_result_validation import (
    parse_embedded_batch,
    parse_program_result,
    parse_program_task_result,
    parse_render_result,
    read_flac_shape,
)
from core.pipeline.executors.ray_task_runner import InvalidResultError
from core.sonicpi import Clip, RenderProblem, RenderResult

SECONDS = 0.5
FRAME_COUNT = 22_050
SETTINGS = ClipSettings(SECONDS, audio_encoders=("log-mel",))
KEY = "key"
VECTOR = np.ones(find_encoder_spec("log-mel").dim, np.float32)


def make_value(frame_count: int = FRAME_COUNT, audio_format: str = "flac") -> dict:
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (frame_count, 2)).astype(np.float32)
    render, _ = encode_render(RenderResult(Clip(noise)), audio_format)
    return {"key": "key", "render": render, "embeddings": {"log-mel": VECTOR}}


@pytest.fixture(scope="module")
def value() -> dict:
    return make_value()


def test_a_valid_result_is_accepted(value):
    result = parse_program_result(KEY, value, SETTINGS)
    assert result.render is value["render"] and result.embeddings == value["embeddings"]
    failed = replace(value["render"], error=RenderProblem("runtime", "no"), content=b"")
    parsed = parse_program_result(KEY, value | {"render": failed, "embeddings": {}}, SETTINGS)
    assert parsed.render.error is failed.error
    message = value | {"embeddings": {"log-mel": "no finite vector"}}
    assert parse_program_result(KEY, message, SETTINGS).embeddings["log-mel"] == "no finite vector"


@pytest.mark.parametrize(
    "change",
    [
        {"key": "another"},
        {"render": None},
        {"embeddings": {}},
        {"embeddings": {"log-mel": VECTOR, "musicnn": VECTOR}},
        {"embeddings": {"log-mel": VECTOR[1:]}},
        {"embeddings": {"log-mel": VECTOR * np.nan}},
        {"embeddings": {"log-mel": VECTOR.astype(np.float64)}},
        {"embeddings": {"log-mel": None}},
        {"embeddings": None},
    ],
)
def test_another_result_or_a_damaged_embedding_is_rejected(value, change):
    with pytest.raises(InvalidResultError):
        parse_program_result(KEY, value | change, SETTINGS)


@pytest.mark.parametrize(
    "change",
    [
        {"content": b""},
        {"content": b"no sound"},
        {"content": None},
        {"peak": None},
        {"peak": float("nan")},
        {"rms": 0.0},
        {"error": "a text"},
        {"warnings": ("a text",)},
    ],
)
def test_a_damaged_clip_is_rejected(value, change):
    damaged = value | {"render": replace(value["render"], **change)}
    with pytest.raises(InvalidResultError):
        parse_program_result(KEY, damaged, SETTINGS)


def test_a_clip_of_another_length_or_format_is_rejected():
    for damaged in (make_value(FRAME_COUNT - 1), make_value(audio_format="ogg")):
        with pytest.raises(InvalidResultError, match="length or format"):
            parse_program_result(KEY, damaged, SETTINGS)
    for garbage in (None, [], "text", {}):
        with pytest.raises(InvalidResultError, match="another task"):
            parse_program_result(KEY, garbage, SETTINGS)


def test_the_shape_of_a_flac_file_is_read_as_by_a_general_reader():
    for frame_count, channels, rate in ((1, 1, 8_000), (22_050, 2, 44_100), (5_000, 6, 192_000)):
        file = io.BytesIO()
        soundfile.write(file, np.zeros((frame_count, channels)), rate, format="FLAC")
        assert read_flac_shape(file.getvalue()) == (frame_count, rate, channels)
        assert read_flac_shape(file.getvalue()[:41]) is None
    assert read_flac_shape(b"OggS" + file.getvalue()[4:]) is None
    ogg = ClipSettings(SECONDS, audio_format="ogg", audio_encoders=("log-mel",))
    assert parse_program_result(KEY, make_value(audio_format="ogg"), ogg).render.error is None


def test_rendered_samples_are_checked(value):
    render = replace(value["render"], content=b"")
    samples = np.zeros((FRAME_COUNT, 2), np.float32).tobytes()
    good = {"key": "key", "render": render, "samples": samples}
    assert len(parse_render_result(KEY, good, SETTINGS).clip.samples) == FRAME_COUNT
    not_finite = np.full((FRAME_COUNT, 2), np.inf, np.float32).tobytes()
    for bad in (samples[:-8], not_finite, None):
        with pytest.raises(InvalidResultError):
            parse_render_result(KEY, good | {"samples": bad}, SETTINGS)


def test_embedded_batches_are_checked():
    good = {"key": "key", "items": [VECTOR, "damaged"]}
    assert parse_embedded_batch(KEY, good, "log-mel", 2) == good["items"]
    for items in ([VECTOR], None, [VECTOR, ""], [VECTOR, VECTOR[:-1]]):
        with pytest.raises(InvalidResultError):
            parse_embedded_batch(KEY, good | {"items": items}, "log-mel", 2)


def test_the_results_of_a_task_are_checked_one_by_one(value):
    programs = [("first", "play 60"), ("second", "play 61")]
    results = [value | {"key": key} for key, _ in programs]
    good = {"key": KEY, "results": results, "seconds": 0.5}
    seconds, parsed = parse_program_task_result(KEY, good, programs, SETTINGS)
    assert seconds == 0.5 and [result.render for result in parsed] == [value["render"]] * 2
    for change in (
        {"results": results[:1]},
        {"results": results[::-1]},
        {"results": None},
        {"seconds": None},
        {"seconds": -1.0},
        {"seconds": float("nan")},
        {"key": "another"},
    ):
        with pytest.raises(InvalidResultError):
            parse_program_task_result(KEY, good | change, programs, SETTINGS)
    failed = replace(value["render"], error=RenderProblem("runtime", "no"))
    with pytest.raises(InvalidResultError, match="failed"):
        parse_program_result(KEY, value | {"render": failed, "embeddings": {}}, SETTINGS)
