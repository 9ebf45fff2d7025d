"""Measured clips in words."""

from __future__ import annotations

import numpy as np
import pytest

from core.encoders.clip_descriptor_definitions import CLIP_DESCRIPTORS
from core.errors import EarshotError
from core.search.measured_clip_properties_in_words import describe_measured_clips


class MeasuredCorpus:
    """A corpus whose programs "a" and "b" are measured, with every descriptor at its centre."""

    revision: str | None = "1"

    def get_encoder_revision(self, encoder_id: str) -> str | None:
        return self.revision

    def load_embeddings(
        self, encoder_id: str, program_ids: list[str]
    ) -> tuple[list[str], np.ndarray]:
        if not set(program_ids) <= {"a", "b"}:
            raise EarshotError("One has no embedding.")
        rows = np.zeros((len(program_ids), len(CLIP_DESCRIPTORS)), np.float32)
        return program_ids, rows


def test_measured_clips_are_described_and_others_left_out() -> None:
    words = describe_measured_clips(MeasuredCorpus(), ["a", "none", "b"])  # type: ignore[arg-type]  # Only what is used.
    assert list(words) == ["a", "b"]
    assert "−20 LUFS" in words["a"] and "onsets/s" in words["a"]


@pytest.mark.parametrize("program_ids", [[], ["a"]])
def test_a_corpus_without_measurements_has_no_words(program_ids: list[str]) -> None:
    corpus = MeasuredCorpus()
    corpus.revision = None
    assert describe_measured_clips(corpus, program_ids) == {}  # type: ignore[arg-type]  # As above.
