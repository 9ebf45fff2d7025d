"""Clips of a study: rendering and embedding its own programs, and joining clips for playback."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from core import encoders, workspace
from core.corpus import Corpus, does_clip_exist, fetch_clip_files, get_local_clip_file
from core.file_locks_and_atomic_writes import atomic_write
from core.pipeline.executors import Executor
from core.pipeline.executors.executor_of_enclosing_block import get_default_executor
from core.pipeline.executors.local_executor import choose_clip_batch_size
from core.progress_callback import Progress
from core.sonicpi import Clip, compute_render_id

RENDERING_STEP = "Rendering the study's programs"
EMBEDDING_STEP = "Embedding the study's clips"
SILENCE_PEAK = 2.0**-16  # half a step of 16-bit audio
CLIP_GAP_SECONDS = 1 / 3


def render_study_clips(
    corpus: Corpus,
    sources: Sequence[str],
    seconds: float,
    progress: Progress,
    executor: Executor | None = None,
) -> tuple[list[Path | None], dict[int, str]]:
    """Render programs that are not part of the corpus, unless their clips exist already.

    Parameters
    ----------
    corpus : Corpus
        The clips are stored in its folder of studies.
    sources : sequence of str
    seconds : float
        Length of each clip.
    progress : Progress
    executor : Executor, optional
        Default: that of the study's run.

    Returns
    -------
    list of Path or None
        One per program; None where rendering failed or the clip is silent.
    dict of int to str
        The reason of each failure, by index of the program.
    """
    audio_folder = corpus.path / "studies" / "audio"
    sonic_pi = corpus.settings["sonic_pi"]
    render_ids = [compute_render_id(source, seconds, sonic_pi=sonic_pi) for source in sources]
    paths = [audio_folder / render_id[:2] / f"{render_id}.flac" for render_id in render_ids]
    missing = [index for index, path in enumerate(paths) if not path.is_file()]
    failures: dict[int, str] = {}
    progress(RENDERING_STEP, 0, len(missing))
    if missing:
        executor = executor or get_default_executor()
        missing_sources = (sources[index] for index in missing)
        with executor.render_programs(missing_sources, seconds, sonic_pi) as results:
            for done, (position, rendering) in enumerate(results, 1):
                index = missing[position]
                if rendering.clip is not None and rendering.clip.peak > SILENCE_PEAK:
                    rendering.clip.save(paths[index])
                else:
                    failures[index] = str(rendering.error or "It is silent.")
                progress(RENDERING_STEP, done, len(missing), failures.get(index, ""))
    return [None if index in failures else path for index, path in enumerate(paths)], failures


def embed_program_sources(
    encoder_id: str, sources: Sequence[str], progress: Progress
) -> np.ndarray:
    """Embed programs: float32 [n, d]."""
    return encoders.get_encoder(encoder_id).embed(list(sources), progress)


def embed_clip_files(encoder_id: str, clip_paths: Sequence[Path], progress: Progress) -> np.ndarray:
    """Embed clips from their files: float32 [n, d]."""
    encoder = encoders.get_encoder(encoder_id)
    block_size = choose_clip_batch_size()
    parts = []
    for start in range(0, len(clip_paths), block_size):
        block = clip_paths[start : start + block_size]
        fetch_clip_files(block)
        parts.append(encoder.embed([Clip.load(path) for path in block]))
        progress(EMBEDDING_STEP, start + len(block), len(clip_paths))
    return np.concatenate(parts)


def embed_study_clips(
    encoder_id: str, clip_paths: Sequence[Path], progress: Progress
) -> np.ndarray:
    """Embed clips of `render_study_clips`, and keep each vector beside its clip.

    A study that is run again, or after an interruption, embeds only what is new.

    Parameters
    ----------
    encoder_id : str
        A vector is used again as long as the revision of the encoder is the same.
    clip_paths : sequence of Path
        At least one.
    progress : Progress

    Returns
    -------
    float32 [n, d]
    """
    spec = encoders.find_encoder_spec(encoder_id)
    key = hashlib.sha256(f"{spec.id} {spec.revision}".encode()).hexdigest()[:16]
    vector_paths = [path.with_name(f"{path.stem}.{key}.npy") for path in clip_paths]
    missing = [row for row, path in enumerate(vector_paths) if not path.is_file()]
    if missing:
        vectors = embed_clip_files(encoder_id, [clip_paths[row] for row in missing], progress)
        for row, vector in zip(missing, vectors):
            with atomic_write(vector_paths[row]) as file:
                np.save(file, vector)
    return np.stack([np.load(path) for path in vector_paths])


def make_path_relative_to_workspace(path: str | Path) -> str:
    """Return a clip's path relative to the workspace, as results store it."""
    return str(Path(path).resolve().relative_to(workspace.get_workspace_root()))


def find_stored_clip(clip_path: str) -> Path | None:
    """Return the file of a stored clip path; None if it is missing or outside the workspace.

    It is fetched if it lies in the audio store of its corpus.
    """
    root = workspace.get_workspace_root()
    file = (root / clip_path).resolve()
    if not file.is_relative_to(root) or not does_clip_exist(file):
        return None
    return get_local_clip_file(file)


def concatenate_clip_beginnings(clip_paths: Sequence[str], seconds_per_clip: float) -> Clip | None:
    """Join the beginnings of clips, with a short silence between them.

    Parameters
    ----------
    clip_paths : sequence of str
        At least one, relative to the workspace.
    seconds_per_clip : float
        How much of each clip to use.

    Returns
    -------
    Clip or None
        None if one of the files is missing.
    """
    parts: list[np.ndarray] = []
    sample_rate = 0
    for clip_path in clip_paths:
        file = find_stored_clip(clip_path)
        if file is None:
            return None
        clip = Clip.load(file)
        sample_rate = clip.sample_rate
        silence = np.zeros((int(CLIP_GAP_SECONDS * sample_rate), 2), np.float32)
        parts += [clip.samples[: int(seconds_per_clip * sample_rate)], silence]
    return Clip(np.concatenate(parts[:-1]), sample_rate)


def downsample_to_mono(clip: Clip) -> Clip:
    """Return the clip in mono at half its sample rate, to save bytes."""
    mono = clip.samples.mean(axis=1)
    mono = mono[: len(mono) // 2 * 2].reshape(-1, 2).mean(axis=1)
    return Clip(np.repeat(mono[:, None], 2, axis=1).astype(np.float32), clip.sample_rate // 2)
