"""Favourites as targets, by name and by tag."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import EarshotError
from core.favourites import Favourite
from core.search.aligned_corpus import AlignedCorpus
from core.suggest import read_target_from_text, sound_target


@pytest.fixture
def favourites(aligned_corpus: AlignedCorpus, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Two favourites with one tag, and one whose corpus is gone."""
    ids = list(aligned_corpus.pairs.program_ids[:2])
    name = aligned_corpus.corpus.name
    rows = [
        Favourite(name, ids[0], "Deep One", "t", tags=("dark",)),
        Favourite(name, ids[1], "Other", "t", tags=("Dark", "slow")),
        Favourite("gone", "x", "Lost", "t"),
    ]
    monkeypatch.setattr(sound_target, "load_favourites", lambda: rows)
    return ids


def test_a_favourite_is_found_by_name(aligned_corpus: AlignedCorpus, favourites: list[str]) -> None:
    found = read_target_from_text(aligned_corpus, "deep one")
    expected = read_target_from_text(aligned_corpus, favourites[0])
    assert found.label == "Deep One" and found.vector is not None
    np.testing.assert_array_equal(found.vector, expected.vector)


def test_favourites_with_a_tag_are_one_target(
    aligned_corpus: AlignedCorpus, favourites: list[str]
) -> None:
    found = read_target_from_text(aligned_corpus, "dark")
    vectors = [read_target_from_text(aligned_corpus, item).vector for item in favourites]
    mean = np.mean([vector for vector in vectors if vector is not None], axis=0)
    assert found.vector is not None
    np.testing.assert_allclose(found.vector, mean / np.linalg.norm(mean), atol=1e-6)


def test_a_favourite_without_a_clip_is_reported(
    aligned_corpus: AlignedCorpus, favourites: list[str]
) -> None:
    with pytest.raises(EarshotError, match="exists any more"):
        read_target_from_text(aligned_corpus, "lost")
