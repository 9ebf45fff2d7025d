"""Removal of renderings that lacked a sample file, so that the next build repeats them."""

from __future__ import annotations

import json
import sqlite3

from core.corpus import program_and_clip_tables

MISSING_SAMPLE_KIND = "missing_sample"
"""Kind of the warning of a clip in which a sample file was not found."""


def delete_renders_that_lack_samples(connection: sqlite3.Connection) -> list[str]:
    """Make the programs pending that failed or did not find a sample, in the caller's transaction.

    A program fails in many ways without its sample: silence, an error in the line that uses it, or
    a cue that is never sent. So every failure is tried again.

    Returns
    -------
    list of str
        The files of the removed clips.
    """
    connection.execute("DELETE FROM clips WHERE state = 'failed'")
    rows = connection.execute("SELECT program, file, warnings FROM clips WHERE state = 'ok'")
    incomplete = [
        (position, file)
        for position, file, warnings in rows.fetchall()
        if any(warning["kind"] == MISSING_SAMPLE_KIND for warning in json.loads(warnings))
    ]
    for position, _ in incomplete:
        program_and_clip_tables.delete_audio_embeddings(connection, position)
        connection.execute("DELETE FROM clips WHERE program = ?", (position,))
    return [file for _, file in incomplete]
