"""Clips that a row of a study's table or a clip sequence stands for, with names and sources."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from core.studies.study_result import ClipSequence, StudyResult


@dataclass(frozen=True)
class PlaylistItem:
    """A clip of a playlist.

    Attributes
    ----------
    name : str
    audio_path : str
        Relative to the workspace's folder.
    source : str
        The program; "" if it is unknown.
    """

    name: str
    audio_path: str
    source: str


def build_sequence_playlist(sequence: ClipSequence) -> list[PlaylistItem]:
    """Return the clips of a sequence."""
    count = len(sequence.paths)
    names = sequence.names or (sequence.label,) * count
    sources = sequence.sources or ("",) * count
    return [PlaylistItem(*fields) for fields in zip(names, sequence.paths, sources)]


def build_table_row_playlist(
    result: StudyResult, row: pd.Series, programs: pd.DataFrame
) -> list[PlaylistItem]:
    """Return the clips that a row of a table stands for.

    Parameters
    ----------
    result : StudyResult
    row : Series
        A row with a column ``clips``: paths separated by "|".
    programs : DataFrame
        The corpus's programs, as `Corpus.load_programs` returns them.
    """
    study_clips = _index_study_clips_by_path(result)
    file_names = programs["audio"].astype(str)
    items = []
    for audio_path in row["clips"].split("|"):
        matches = programs[file_names.str.endswith(Path(audio_path).name)]
        if len(matches):
            program = matches.iloc[0]
            items.append(PlaylistItem(program["name"], audio_path, program["source"]))
        elif "source" in row.index:  # A changed program, described by the row itself.
            name = f"{row['kind']} {row['strength']:g}"
            items.append(PlaylistItem(name, audio_path, row["source"]))
        else:
            unknown = PlaylistItem(Path(audio_path).stem, audio_path, "")
            items.append(study_clips.get(audio_path, unknown))
    return items


def _index_study_clips_by_path(result: StudyResult) -> dict[str, PlaylistItem]:
    """Return the clips that a study rendered itself, by path."""
    return {
        path: PlaylistItem(sequence.label if len(sequence.paths) == 1 else name, path, source)
        for sequence in result.clips
        for name, path, source in zip(sequence.names, sequence.paths, sequence.sources)
    }
