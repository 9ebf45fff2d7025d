"""Tests of the clips that clip sequences and table rows stand for."""

from __future__ import annotations

import pandas as pd

from core.studies.study_clip_playlists import (
    PlaylistItem,
    build_sequence_playlist,
    build_table_row_playlist,
)
from core.studies.study_result import ClipSequence, StudyResult

PROGRAMS = pd.DataFrame(
    {"name": ["beeps"], "audio": ["/srv/corpora/tiny/audio/ab/ab12.flac"], "source": ["play 60"]}
)


def test_a_sequence_without_names_uses_its_label() -> None:
    assert build_sequence_playlist(ClipSequence("one", ("a.flac",))) == [
        PlaylistItem("one", "a.flac", "")
    ]
    sequence = ClipSequence("pair", ("a.flac", "b.flac"), ("a", "b"), ("play 1", "play 2"))
    assert build_sequence_playlist(sequence) == [
        PlaylistItem("a", "a.flac", "play 1"),
        PlaylistItem("b", "b.flac", "play 2"),
    ]


def test_a_row_names_clips_of_the_corpus_of_the_study_and_unknown_ones() -> None:
    result = StudyResult(clips=[ClipSequence("prompt", ("studies/p.flac",), ("x",), ("play 2",))])
    row = pd.Series({"clips": "audio/ab/ab12.flac|studies/p.flac|studies/q.flac"})
    assert build_table_row_playlist(result, row, PROGRAMS) == [
        PlaylistItem("beeps", "audio/ab/ab12.flac", "play 60"),
        PlaylistItem("prompt", "studies/p.flac", "play 2"),
        PlaylistItem("q", "studies/q.flac", ""),
    ]


def test_a_row_with_a_source_describes_its_changed_program() -> None:
    row = pd.Series(
        {"clips": "studies/c.flac", "kind": "note", "strength": 2.0, "source": "play 62"}
    )
    assert build_table_row_playlist(StudyResult(), row, PROGRAMS) == [
        PlaylistItem("note 2", "studies/c.flac", "play 62")
    ]
