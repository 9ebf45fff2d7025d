"""Programs that a study brings along: rendered and kept by their render id."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from core import encoders
from core.corpus import Corpus
from core.progress import Progress
from core.sonicpi import Clip, compute_render_id
from core.pipeline.embed import clips_at_once
from core.pipeline.render_executor import RenderExecutor, LocalExecutor

PROGRESS_STEP = "Rendering the study's programs"


def render_study_clips(
    corpus: Corpus,
    sources: Sequence[str],
    seconds: float,
    progress: Progress,
    executor: RenderExecutor | None = None,
) -> tuple[list[Path | None], dict[int, str]]:
    """Files of the programs' clips, rendered where they aren't there yet.

    Parameters
    ----------
    corpus : Corpus
        In whose folder of studies the clips are kept.
    sources : sequence of str
    seconds : float
        Length of each clip.
    progress : Progress
    executor : Engine, optional
        Renders them; processes on this machine by default.

    Returns
    -------
    list of Path or None
        One a program; None where it could not be rendered or is silent.
    dict of int to str
        Why not, by place.
    """
    home = corpus.path / "studies" / "audio"
    names = [compute_render_id(source, seconds) for source in sources]
    paths: list[Path | None] = [home / name[:2] / f"{name}.flac" for name in names]
    missing = [i for i, path in enumerate(paths) if not path.is_file()]
    failed: dict[int, str] = {}
    progress(PROGRESS_STEP, 0, len(missing))
    if not missing:
        return paths, failed
    executor = executor or LocalExecutor()
    with executor.render_programs((sources[i] for i in missing), seconds) as renderings:
        for done, (index, rendering) in enumerate(renderings, 1):
            place = missing[index]
            if rendering.has_clip and rendering.clip.peak > 2.0**-16:
                rendering.clip.save(paths[place])
            else:
                failed[place] = str(rendering.error or "It is silent.")
                paths[place] = None
            progress(PROGRESS_STEP, done, len(missing), failed.get(place, ""))
    return paths, failed


def embed_code(encoder_id: str, sources: Sequence[str], progress: Progress) -> np.ndarray:
    """Embeddings of programs, float32 [n, d]."""
    return encoders.get_encoder(encoder_id).embed(list(sources), progress)


def embed_clip_files(encoder_id: str, clip_paths: Sequence[Path], progress: Progress) -> np.ndarray:
    """Embeddings of clips' files, float32 [n, d]."""
    encoder = encoders.get_encoder(encoder_id)
    blocks = []
    for first in range(0, len(clip_paths), clips_at_once()):
        block = clip_paths[first : first + clips_at_once()]
        blocks.append(encoder.embed([Clip.load(path) for path in block]))
        progress("Embedding the study's clips", first + len(block), len(clip_paths))
    return np.concatenate(blocks)
