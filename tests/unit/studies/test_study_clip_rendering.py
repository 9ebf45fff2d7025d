"""Vectors of a study's clips, kept beside the clips."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from core.progress_callback import Progress, ignore_progress
from core.sonicpi import Clip
from core.studies import study_clip_rendering
from core.studies.study_clip_rendering import embed_study_clips


def test_only_clips_without_a_stored_vector_are_embedded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    paths = [tmp_path / f"{name}.flac" for name in ("first", "second")]
    for path in paths:
        Clip(rng.uniform(-0.5, 0.5, (44100, 2)).astype(np.float32), 44100).save(path)
    embedded: list[Path] = []
    embed_files = study_clip_rendering.embed_clip_files

    def record_and_embed(
        encoder_id: str, clip_paths: Sequence[Path], progress: Progress
    ) -> np.ndarray:
        embedded.extend(clip_paths)
        return embed_files(encoder_id, clip_paths, progress)

    monkeypatch.setattr(study_clip_rendering, "embed_clip_files", record_and_embed)
    first = embed_study_clips("log-mel", paths[:1], ignore_progress)
    both = embed_study_clips("log-mel", paths, ignore_progress)
    assert embedded == paths
    np.testing.assert_array_equal(both[:1], first)
    np.testing.assert_array_equal(both, embed_files("log-mel", paths, ignore_progress))
    embed_study_clips("aspects", paths[:1], ignore_progress)
    assert embedded == [*paths, paths[0]]
