"""The table of programs that every export of a corpus contains, and what its columns mean."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from core.pipeline.unique_file_names import make_names_unique
from core.search.sound_property_forecast_columns import (
    FORECAST_COLUMN_PREFIX,
    describe_forecast_column,
)
from core.text_formatting import format_markdown_table

CODE_FOLDER, AUDIO_FOLDER = "programs/", "audio/"
JSON_COLUMNS = ("parameters", "warnings")
INTEGER_COLUMNS = ("seed", "variant", "error_line")
STORED_COLUMNS = (
    "program",
    "name",
    "template",
    "role",
    "seed",
    "parameters",
    "split",
    "state",
    "seconds",
    "rms",
    "peak",
    "warnings",
    "error_kind",
    "error_message",
    "error_line",
    "source",
)
COLUMN_DESCRIPTIONS = {
    "file_name": "The clip's file, relative to the folder of its split.",
    "program": "Id: the first 32 hex digits of the SHA-256 of `source` in UTF-8.",
    "name": "Display name; of a generated program, its template and its number.",
    "code_file": "The program's file in an export as zip.",
    "audio_file": "The clip's file in an export as zip; an audio folder has the same last part."
    " Empty for a program without a clip.",
    "template": "Template or grammar style that made the program; empty for an imported program.",
    "role": "Musical role of the template: melody, bass, drums, chords, ambience or empty.",
    "seed": "Integer seed of the call that generated the program; empty for an imported program.",
    "variant": "Number of the program, from 0, among the distinct programs that its template (or"
    " the grammar) gives with this seed and no fixed parameters; empty for an imported program.",
    "parameters": "JSON object: the value of each parameter, which gives `source` again when all"
    " of them are fixed in the template.",
    "split": "train, validation or test.",
    "state": "ok (has a clip), failed, or pending (not rendered yet).",
    "seconds": "Length of the clip in seconds.",
    "rms": "Root mean square of all samples of the clip, 0 to 1 (1: full scale).",
    "peak": "Largest absolute sample of the clip, 0 to 1 (1: full scale).",
    "warnings": "JSON list of objects with kind, message and line: what the renderer warned of.",
    "error_kind": "Kind of the error of a failed program, such as runtime or timeout.",
    "error_message": "Message of that error.",
    "error_line": "Line of that error in `source`, from 1.",
    "source": "The Sonic Pi program.",
    "audio": "The clip as Ogg Vorbis: `bytes` of the file and `path`, its name.",
    "projection_x": "Horizontal position on the map of the clip after alignment (UMAP, no unit).",
    "projection_y": "Vertical position on the map of the clip after alignment (UMAP, no unit).",
    "code_x": "Horizontal position on the same map of the program's code.",
    "code_y": "Vertical position on the same map of the program's code.",
    "similarity": "Cosine of the program's code and its clip in the shared space, -1 to 1.",
    "neighbours": "The clips nearest to this clip in the shared space: `ids` (row numbers from 0)"
    " and `distances` (1 - cosine, 0 to 2), nearest first.",
}
"""One sentence per column that an export may have, in Markdown."""
VECTOR_COLUMN_DESCRIPTIONS = {
    "embedding:": "Raw embedding by the encoder {name}: float32 list; empty where there is none.",
    "aligned_code:": "Code embedding projected by the alignment {name} into the shared space:"
    " float32 list of unit length; empty for a program that the alignment cannot embed.",
    "aligned_audio:": "Audio embedding projected by the alignment {name} into the shared space:"
    " float32 list of unit length; empty for a program without a clip.",
}
"""One sentence per family of vector columns, by the prefix of the column."""


def build_export_table(
    programs: pd.DataFrame, forecast: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return the columns that every format has, as plain types, one row per program.

    Parameters
    ----------
    programs : DataFrame
        As `core.corpus.Corpus.load_programs` returns it.
    forecast : DataFrame, optional
        As `core.search.sound_property_forecast_columns.forecast_corpus_programs` returns it for
        these programs.

    Returns
    -------
    DataFrame
        The columns of `STORED_COLUMNS`, with code_file and audio_file after name and variant
        after seed, and those of the forecast before source. `describe_columns` explains each.
    """
    table = programs[list(STORED_COLUMNS)].copy()
    names = make_program_file_names(programs)
    table.insert(2, "code_file", [f"{CODE_FOLDER}{name}.rb" for name in names])
    table.insert(3, "audio_file", make_audio_file_paths(programs, names, AUDIO_FOLDER))
    variants = [
        parse_variant_number_from_name(name, template)
        for name, template in zip(programs["name"], programs["template"])
    ]
    table.insert(list(table.columns).index("seed") + 1, "variant", variants)
    for column in JSON_COLUMNS:
        table[column] = [json.dumps(value, ensure_ascii=False) for value in table[column]]
    for column in INTEGER_COLUMNS:
        table[column] = table[column].astype("Int64")
    if forecast is not None:
        for name, values in forecast.items():
            table.insert(len(table.columns) - 1, str(name), values.to_numpy())
    return table


def parse_variant_number_from_name(name: str, template: str) -> int | None:
    """Return the number that a generated program's name ends in; None for an imported program.

    Examples
    --------
    >>> parse_variant_number_from_name("02_1_beeps-0007", "02_1_beeps")
    7
    >>> parse_variant_number_from_name("take-3", "") is None
    True
    """
    match = re.search(r"-(\d+)\Z", name) if template else None
    return int(match[1]) if match else None


def make_program_file_names(programs: pd.DataFrame) -> list[str]:
    """Return a file name without suffix for each program; they differ on any file system."""
    safe_names = (
        "".join(char if char.isalnum() or char in "-_. " else "_" for char in name).strip(" .")
        or "_"
        for name in programs["name"]
    )
    return make_names_unique(safe_names, str.casefold)


def make_audio_file_paths(
    programs: pd.DataFrame, file_names: Iterable[str], folder: str
) -> list[str | None]:
    """Return the path of each program's clip below a folder; None where there is no clip.

    Parameters
    ----------
    programs : DataFrame
        With the column audio: the path of the clip in the corpus.
    file_names : iterable of str
        As `make_program_file_names` returns them.
    folder : str
        "" or ending in a slash.
    """
    return [
        f"{folder}{name}{Path(clip_path).suffix}" if clip_path else None
        for name, clip_path in zip(file_names, programs["audio"])
    ]


def describe_columns(columns: Iterable[str]) -> dict[str, str]:
    """Return what each column of an export means, by column.

    Parameters
    ----------
    columns : iterable of str
        Names of columns, vector columns such as "embedding:log-mel" included.

    Raises
    ------
    KeyError
        If a column has no description, which is a defect.

    Examples
    --------
    >>> describe_columns(["seconds"])
    {'seconds': 'Length of the clip in seconds.'}
    """
    return {column: _describe_column(column) for column in columns}


def format_column_dictionary(descriptions: Mapping[str, str]) -> str:
    """Return the dictionary of columns as a section in Markdown.

    Parameters
    ----------
    descriptions : mapping of str to str
        As `describe_columns` returns it.
    """
    table = format_markdown_table(
        ("column", "meaning"), [(f"`{name}`", text) for name, text in descriptions.items()]
    )
    return f"\n## Columns\n\n{table}\n"


def _describe_column(column: str) -> str:
    for prefix, text in VECTOR_COLUMN_DESCRIPTIONS.items():
        if column.startswith(prefix):
            return text.format(name=column.removeprefix(prefix))
    if column.startswith(FORECAST_COLUMN_PREFIX):
        return describe_forecast_column(column)
    return COLUMN_DESCRIPTIONS[column]
