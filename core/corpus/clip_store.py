"""Clips of a corpus: an audio file is written first, then the row that records it."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import NamedTuple

from core import sonicpi
from core.corpus import (
    clip_audio_files,
    encoder_and_embedding_tables,
    missing_sample_renders,
    program_and_clip_tables,
    strict_thread_errors_setting,
)
from core.corpus.clip_audio_files import StoredClip
from core.corpus.database import Database
from core.corpus.program_and_clip_tables import ClipRow
from core.sonicpi.audio_clip_and_render_result import Clip, RenderProblem, RenderResult

MIN_AUDIBLE_PEAK = 2.0**-16  # Below, all samples are 0 when they are rounded to 16 bits.


class _ClipLocation(NamedTuple):
    position: int  # of the program's row
    render_id: str
    relative_path: str
    is_strict: bool  # Whether an error that ends one thread fails the program.


def _read_sonic_pi_version_setting(connection: sqlite3.Connection) -> str:
    """Return the version of Sonic Pi whose sound the clips have; older corpora do not record it."""
    value = program_and_clip_tables.read_optional_corpus_setting(connection, "sonic_pi")
    return sonicpi.DEFAULT_SONIC_PI if value is None else str(json.loads(value))


class ClipStore:
    """The folder ``audio/`` of one corpus and the table ``clips``.

    Parameters
    ----------
    database : Database
    folder : Path
    """

    def __init__(self, database: Database, folder: Path):
        self._database = database
        self.folder = folder

    def list_programs_to_render(self) -> list[tuple[str, str]]:
        """Return (program id, source) of each program to render; see `Corpus`."""
        with self._database.open_read_transaction() as connection:
            rows = program_and_clip_tables.list_clip_rows(connection)
            seconds = json.loads(program_and_clip_tables.read_corpus_setting(connection, "seconds"))
            sonic_pi = _read_sonic_pi_version_setting(connection)
        return [
            (row.program_id, row.source)
            for row in rows
            if self._is_render_pending(row, seconds, sonic_pi)
        ]

    def _is_render_pending(self, row: ClipRow, seconds: float, sonic_pi: str) -> bool:
        if row.state == "ok":
            return not self._is_clip_file_intact(row.relative_path, row.size_bytes)
        if (
            row.state == "failed"
            and row.error_kind not in program_and_clip_tables.RETRYABLE_ERROR_KINDS
        ):
            return row.render_id != sonicpi.compute_render_id(
                row.source, seconds, sonic_pi=sonic_pi
            )
        return True

    def _is_clip_file_intact(self, relative_path: str | None, size_bytes: int | None) -> bool:
        try:
            return (self.folder / str(relative_path)).stat().st_size == size_bytes
        except OSError:
            return False

    def store_render_result(
        self, program_id: str, rendering: RenderResult, seconds: float
    ) -> Clip | None:
        """Store the result of rendering a program; see `Corpus`."""
        with self._database.writer_lock.hold_writer_lock("rendering"):
            location = self._build_clip_location(program_id, seconds)
            if location.is_strict:
                rendering = rendering.convert_thread_error_to_failure()
            clip, error = rendering.clip, rendering.error
            if error is None and (clip is None or clip.peak < MIN_AUDIBLE_PEAK):
                error = RenderProblem("silent", "The program makes no sound within the clip.")
            if error is None and clip is not None:
                stored = clip_audio_files.write_clip_file(
                    self.folder, location.relative_path, clip, rendering.warnings
                )
                return self._insert_clip_row(location, stored, rendering.render_s)
            assert error is not None  # A result without a clip has an error.
            with self._database.open_write_transaction("rendering") as connection:
                replaced_file = program_and_clip_tables.store_render_failure(
                    connection,
                    location.position,
                    location.render_id,
                    error,
                    rendering.warnings,
                    rendering.render_s,
                )
            self._remove_clip_file(replaced_file)
            return None

    def register_existing_clip(self, program_id: str, seconds: float) -> Clip | None:
        """Record a clip whose file exists already; see `Corpus`."""
        with self._database.writer_lock.hold_writer_lock("registering existing clips"):
            location = self._build_clip_location(program_id, seconds)
            stored = clip_audio_files.load_clip_from_existing_file(
                self.folder, location.relative_path, seconds
            )
            if stored is None:
                return None
            if location.is_strict and any(warning.is_thread_error for warning in stored.warnings):
                return None
            return self._insert_clip_row(location, stored, render_s=0.0)

    @property
    def is_strict_about_thread_errors(self) -> bool:
        """Whether an error that ends one thread fails a program; see `Corpus`."""
        with self._database.open_read_transaction() as connection:
            return strict_thread_errors_setting.read_strictness_about_thread_errors(connection)

    def change_strictness_about_thread_errors(self, is_strict: bool) -> None:
        """Make the corpus strict or not; see `Corpus`."""
        with self._database.writer_lock.hold_writer_lock("changing a setting"):
            with self._database.open_write_transaction("changing a setting") as connection:
                removed_files = strict_thread_errors_setting.change_strictness_about_thread_errors(
                    connection, is_strict
                )
            for relative_path in removed_files:
                self._remove_clip_file(relative_path)

    def discard_renders_that_lack_samples(self) -> None:
        """Make programs pending that failed or lacked a sample; see `Corpus`."""
        with self._database.writer_lock.hold_writer_lock("changing a setting"):
            with self._database.open_write_transaction("changing a setting") as connection:
                removed_files = missing_sample_renders.delete_renders_that_lack_samples(connection)
            for relative_path in removed_files:
                self._remove_clip_file(relative_path)

    def _build_clip_location(self, program_id: str, seconds: float) -> _ClipLocation:
        with self._database.open_read_transaction() as connection:
            position = encoder_and_embedding_tables.find_program_positions(
                connection, [program_id]
            )[0]
            source = program_and_clip_tables.read_program_source(connection, position)
            audio_format = json.loads(
                program_and_clip_tables.read_corpus_setting(connection, "audio_format")
            )
            sonic_pi = _read_sonic_pi_version_setting(connection)
            is_strict = strict_thread_errors_setting.read_strictness_about_thread_errors(connection)
        render_id = sonicpi.compute_render_id(source, seconds, sonic_pi=sonic_pi)
        relative_path = clip_audio_files.build_clip_path(render_id, audio_format)
        return _ClipLocation(position, render_id, relative_path, is_strict)

    def _insert_clip_row(
        self, location: _ClipLocation, stored: StoredClip, render_s: float
    ) -> Clip:
        with self._database.open_write_transaction("rendering") as connection:
            replaced_file = program_and_clip_tables.store_clip_row(
                connection, location.position, location.render_id, stored, render_s
            )
        self._remove_clip_file(replaced_file)
        return stored.clip

    def _remove_clip_file(self, relative_path: str | None) -> None:
        if relative_path is not None:
            (self.folder / relative_path).unlink(missing_ok=True)
