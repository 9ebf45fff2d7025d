"""Programs that are added to a map that was computed without them, and gaps that are filled."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.errors import EarshotError
from core.pipeline.map_extension import add_programs_to_map
from core.pipeline.map_gap_filling import (
    MapGap,
    find_programs_for_map_gap,
    load_displayed_map_points,
)
from core.search.aligned_corpus import AlignedCorpus, open_aligned_corpus
from tests.unit.search.alignments import save_untrained_alignment
from tests.unit.search.tone_corpora import make_tone_corpus


@pytest.fixture
def aligned(empty_workspace: Path) -> AlignedCorpus:
    """An alignment of 12 tones whose map lacks the last two."""
    corpus = make_tone_corpus("songs", 12)
    aligned_corpus = open_aligned_corpus(corpus, save_untrained_alignment(corpus))
    ids = aligned_corpus.pairs.program_ids
    rng = np.random.default_rng(0)
    points = pd.DataFrame(
        {
            "program": ids[:10] * 2,
            "modality": ["code"] * 10 + ["audio"] * 10,
            **{
                name: rng.normal(size=20).astype(np.float32)
                for name in ("before_x", "before_y", "after_x", "after_y")
            },
            "similarity": np.float32(0.5),
            "overlap_before": np.float32(0.1),
            "overlap_after": np.float32(0.2),
        }
    )
    corpus.save_map_points(aligned_corpus.record.id, points)
    return aligned_corpus


def test_new_programs_lie_among_their_neighbours_and_nothing_else_moves(
    aligned: AlignedCorpus,
) -> None:
    corpus, ids = aligned.corpus, aligned.pairs.program_ids
    old = corpus.load_alignment_map_points(aligned.record.id)
    assert add_programs_to_map(aligned, [ids[0], ids[10], ids[11], "unknown"]) == ids[10:]
    points = corpus.load_alignment_map_points(aligned.record.id)
    # All code first, then all audio, in the same order.
    assert points["program"].tolist() == [*ids, *ids]
    assert points["modality"].tolist() == ["code"] * 12 + ["audio"] * 12
    kept = points[points["program"].isin(ids[:10])].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, old)
    new = points[points["program"].isin(ids[10:])]
    for name in ("before_x", "after_y"):
        assert new[name].between(old[name].min(), old[name].max()).all()
    assert new["similarity"].between(-1, 1).all() and new["overlap_after"].isna().all()
    assert add_programs_to_map(aligned, ids) == []


def test_programs_for_a_gap_are_new_and_the_nearest_first(
    aligned: AlignedCorpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = "core.pipeline.map_gap_filling"
    for name in ("VARIANTS_PER_TEMPLATE", "GRAMMAR_PROGRAM_COUNT", "VARIANTS_PER_REFINED_SOURCE"):
        monkeypatch.setattr(f"{module}.{name}", 1)
    points = load_displayed_map_points(aligned.corpus, aligned.record)
    for panel in ("before", "after"):
        gap = MapGap(0.3, -0.2, panel, program_count=3)
        candidates = find_programs_for_map_gap(aligned, points, gap)
        distances = [candidate.distance for candidate in candidates]
        assert len(distances) == 3 and distances == sorted(distances)
        x, y = candidates[0].positions[panel]
        assert np.hypot(x - 0.3, y + 0.2) == pytest.approx(distances[0])
        assert len({candidate.program.id for candidate in candidates}) == 3
    again = find_programs_for_map_gap(aligned, points, gap)
    assert [c.program.id for c in again] == [c.program.id for c in candidates]


@pytest.mark.parametrize("values", [(np.nan, 0), (0, 0, "left"), (0, 0, "after", 0, 0)])
def test_an_impossible_gap_is_refused(values: tuple) -> None:
    with pytest.raises(EarshotError):
        MapGap(*values)
