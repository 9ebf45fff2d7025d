"""Whether an error that ends one thread of a program fails the program: a setting of a corpus."""

from __future__ import annotations

import json
import sqlite3

from core.corpus import program_and_clip_tables

# Errors that end one thread, and fail the program in a strict corpus only.
THREAD_ERROR_KINDS = ("runtime", "no_sleep", "syntax")
STRICT_SETTING = "strict"


def read_strictness_about_thread_errors(connection: sqlite3.Connection) -> bool:
    """Return whether an error that ends one thread fails a program of the corpus."""
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (STRICT_SETTING,)).fetchone()
    return bool(row and json.loads(row[0]))


def change_strictness_about_thread_errors(
    connection: sqlite3.Connection, is_strict: bool
) -> list[str]:
    """Store whether the corpus is strict, in the caller's transaction.

    Programs for which that makes a difference lose their clip or their failure: they are pending.

    Returns
    -------
    list of str
        The files of the removed clips.
    """
    connection.execute(
        "INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)",
        (STRICT_SETTING, json.dumps(is_strict)),
    )
    if not is_strict:
        kinds = ", ".join("?" * len(THREAD_ERROR_KINDS))
        connection.execute(
            f"DELETE FROM clips WHERE state = 'failed' AND error_kind IN ({kinds})",
            THREAD_ERROR_KINDS,
        )
        return []
    rows = connection.execute("SELECT program, file, warnings FROM clips WHERE state = 'ok'")
    rejected = [
        (position, file)
        for position, file, warnings in rows.fetchall()
        if any(warning.get("seconds") is not None for warning in json.loads(warnings))
    ]
    for position, _ in rejected:
        program_and_clip_tables.delete_audio_embeddings(connection, position)
        connection.execute("DELETE FROM clips WHERE program = ?", (position,))
    return [file for _, file in rejected]
