"""Checks of what a worker of a cluster returned, before a corpus stores it."""

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np
import soundfile

from core.corpus.encoded_render import EncodedRender
from core.encoders import find_encoder_spec
from core.errors import EarshotError
from core.pipeline.executors.executor_interface import ClipSettings, EmbeddedItem, ProgramResult
from core.pipeline.executors.ray_task_runner import InvalidResultError
from core.pipeline.executors.ray_task_sizing import ProgramWithKey
from core.pipeline.sweep_run_training import SweepRun, is_sweep_run_record
from core.sonicpi import Clip, RenderProblem, RenderResult
from core.sonicpi.audio_clip_and_render_result import SAMPLE_RATE

CHANNELS = 2
SAMPLE_BYTES = 4
MAX_LEVEL = 2.0  # Ogg Vorbis returns samples somewhat above 1 for loud clips.


def parse_program_task_result(
    key: str, value: Any, programs: Sequence[ProgramWithKey], settings: ClipSettings
) -> tuple[float, list[ProgramResult]]:
    """Return the result of a worker's `render_programs_and_embed_clips` if it is of this task.

    Parameters
    ----------
    key : str
        Of the task.
    value : object
        What the worker returned.
    programs : sequence of (str, str)
        Render id and source of each program of the task.
    settings : ClipSettings

    Returns
    -------
    float
        Time of the worker, in seconds.
    list of ProgramResult
        One per program.

    Raises
    ------
    InvalidResultError
        If it belongs to other programs, or the result of one is not valid.
    """
    _check_returned_program_key(key, value)
    seconds, results = value.get("seconds"), value.get("results")
    if not isinstance(results, list) or len(results) != len(programs):
        raise InvalidResultError("The worker returned the results of other programs.")
    if not isinstance(seconds, float) or not 0 <= seconds < math.inf:
        raise InvalidResultError("The worker returned no time.")
    parsed = [
        parse_program_result(render_id, result, settings)
        for (render_id, _), result in zip(programs, results)
    ]
    return seconds, parsed


def parse_program_result(key: str, value: Any, settings: ClipSettings) -> ProgramResult:
    """Return the result of a worker's `render_encode_and_embed_program` if it is of this task.

    Raises
    ------
    InvalidResultError
        If it belongs to another program, its clip is not the file that its hash and length
        announce, or an embedding is missing or has another shape.
    """
    render = _parse_render(key, value)
    embeddings = value.get("embeddings")
    expected = settings.audio_encoders if render.error is None else ()
    if not isinstance(embeddings, dict) or set(embeddings) != set(expected):
        raise InvalidResultError("The worker returned embeddings by other encoders.")
    if render.error is None:
        _check_clip_file(render, settings)
    for encoder_id, item in embeddings.items():
        check_embedded_items(encoder_id, [item], 1)
    return ProgramResult(render, embeddings)


def parse_render_result(key: str, value: Any, settings: ClipSettings) -> RenderResult:
    """Return the result of `ProgramWorker.render` if it is one of this task.

    Raises
    ------
    InvalidResultError
        If it belongs to another program, or its clip has another length.
    """
    render, samples = _parse_render(key, value), value.get("samples")
    if render.error is not None:
        return RenderResult(None, render.error, render.warnings, render.render_s)
    frame_count = round(settings.seconds * SAMPLE_RATE)
    if not isinstance(samples, bytes) or len(samples) != frame_count * CHANNELS * SAMPLE_BYTES:
        raise InvalidResultError("The worker returned a clip of another length.")
    array = np.frombuffer(samples, np.float32).reshape(-1, CHANNELS)
    if not np.isfinite(array).all():
        raise InvalidResultError("The worker returned a clip with samples that are not finite.")
    return RenderResult(Clip(array), None, render.warnings, render.render_s)


def parse_embedded_batch(
    key: str, value: Any, encoder_id: str, item_count: int
) -> list[EmbeddedItem]:
    """Return the result of `ProgramWorker.embed` if it is one of this task.

    Raises
    ------
    InvalidResultError
        If it belongs to another batch, or an embedding is missing or has another shape.
    """
    _check_returned_program_key(key, value)
    items = value.get("items")
    if not isinstance(items, list):
        raise InvalidResultError("The worker returned no list of embeddings.")
    check_embedded_items(encoder_id, items, item_count)
    return items


def parse_sweep_run(key: str, value: Any, run: SweepRun) -> dict[str, Any]:
    """Return the record of `ProgramWorker.train_sweep_run` if it is one of this run.

    Raises
    ------
    InvalidResultError
        If it belongs to another run, or has other fields.
    EarshotError
        If the training failed, as it would on this machine.
    """
    _check_returned_program_key(key, value)
    error = value.get("error")
    if isinstance(error, tuple) and len(error) == 3:
        message, where, remedy = error
        raise EarshotError(str(message), where=where, remedy=remedy)
    record = value.get("record")
    if not is_sweep_run_record(record, run):
        raise InvalidResultError("The worker returned no result of this training.")
    return dict(record)


def check_embedded_items(encoder_id: str, items: Sequence[Any], expected_count: int) -> None:
    """Raise an InvalidResultError unless each item is a vector of the encoder or a message."""
    dim = find_encoder_spec(encoder_id).dim
    if len(items) != expected_count:
        raise InvalidResultError(f"The worker returned {len(items)} embeddings.")
    for item in items:
        if isinstance(item, str) and item:
            continue
        is_vector = isinstance(item, np.ndarray) and item.shape == (dim,)
        if not is_vector or item.dtype != np.float32 or not np.isfinite(item).all():
            raise InvalidResultError(f"The worker returned no vector of {encoder_id}.")


def _check_returned_program_key(key: str, value: Any) -> None:
    if not isinstance(value, dict) or value.get("key") != key:
        raise InvalidResultError("The worker returned the result of another task.")


def _parse_render(key: str, value: Any) -> EncodedRender:
    _check_returned_program_key(key, value)
    render = value.get("render")
    if not isinstance(render, EncodedRender):
        raise InvalidResultError("The worker returned no render result.")
    if not isinstance(render.error, RenderProblem | None):
        raise InvalidResultError("The worker returned no error of a program.")
    if not isinstance(render.content, bytes) or (render.content and render.error is not None):
        raise InvalidResultError("The worker returned a clip for a program that failed.")
    if not all(isinstance(warning, RenderProblem) for warning in render.warnings):
        raise InvalidResultError("The worker returned no warnings of a program.")
    return render


def _check_clip_file(render: EncodedRender, settings: ClipSettings) -> None:
    if hashlib.sha256(render.content).hexdigest() != render.sha256:
        raise InvalidResultError("The worker returned a clip that does not match its hash.")
    read_shape = read_flac_shape if settings.audio_format == "flac" else _read_ogg_shape
    expected = (round(settings.seconds * SAMPLE_RATE), SAMPLE_RATE, CHANNELS)
    if read_shape(render.content) != expected:
        raise InvalidResultError("The worker returned a clip of another length or format.")
    levels = (render.peak, render.rms)
    if not all(isinstance(level, Real) and 0 < level <= MAX_LEVEL for level in levels):
        raise InvalidResultError("The worker returned a clip without a level.")


def read_flac_shape(content: bytes) -> tuple[int, int, int] | None:
    """Return (frames, sample rate, channels) of a FLAC file; None if it is none.

    It reads the block STREAMINFO (RFC 9639, section 8.2), which is always the first. A general
    reader of sound files takes longer than all other checks of a result together.
    """
    if len(content) < 42 or content[:4] != b"fLaC" or content[4] & 0x7F != 0:
        return None
    packed = int.from_bytes(content[18:26])
    frames, channels = packed & (1 << 36) - 1, (packed >> 41 & 7) + 1
    return frames, packed >> 44, channels


def _read_ogg_shape(content: bytes) -> tuple[int, int, int] | None:
    try:
        info = soundfile.info(io.BytesIO(content))
    except soundfile.LibsndfileError:
        return None
    return (info.frames, info.samplerate, info.channels) if info.format == "OGG" else None
