"""Clips of a corpus: an audio file is written first, then the row that records it."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from core import sonicpi
from core.corpus import (
    clip_audio_files,
    deletion_of_renders_without_samples,
    encoder_and_embedding_tables,
    program_and_clip_tables,
    strict_thread_errors_setting,
)
from core.corpus.clip_audio_files import ClipFileRecord
from core.corpus.clip_file_writing import write_clip_files
from core.corpus.database import Database
from core.corpus.encoded_render import EncodedRender, encode_render
from core.corpus.program_and_clip_tables import ClipRow
from core.sonicpi.audio_clip_and_render_result import Clip, RenderResult


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
            with self._database.open_read_transaction() as connection:
                audio_format = json.loads(
                    program_and_clip_tables.read_corpus_setting(connection, "audio_format")
                )
            render, clip = encode_render(
                rendering, audio_format, is_strict=self.is_strict_about_thread_errors
            )
            self.store_encoded_renders([(program_id, render)], seconds)
            return clip

    def store_encoded_renders(
        self, renders: Sequence[tuple[str, EncodedRender]], seconds: float
    ) -> None:
        """Store the encoded results of rendering programs; see `Corpus`."""
        with self._database.writer_lock.hold_writer_lock("rendering"):
            locations = self._build_clip_locations([name for name, _ in renders], seconds)
            content_by_path = {
                location.relative_path: render.content
                for location, (_, render) in zip(locations, renders)
                if render.error is None
            }
            write_clip_files(self.folder, content_by_path)
            with self._database.open_write_transaction("rendering") as connection:
                replaced_files = [
                    self._store_render_row(connection, location, render)
                    for location, (_, render) in zip(locations, renders)
                ]
            for relative_path in replaced_files:
                self._remove_clip_file(relative_path)

    @staticmethod
    def _store_render_row(
        connection: sqlite3.Connection, location: _ClipLocation, render: EncodedRender
    ) -> str | None:
        """Record a render; return the file that it replaces."""
        if render.error is None:
            return program_and_clip_tables.store_clip_row(
                connection,
                location.position,
                location.render_id,
                render.build_clip_file_record(location.relative_path),
                render.render_s,
            )
        return program_and_clip_tables.store_render_failure(
            connection,
            location.position,
            location.render_id,
            render.error,
            render.warnings,
            render.render_s,
        )

    def list_programs_with_clip_file(self, program_ids: Sequence[str], seconds: float) -> list[str]:
        """Return those of some programs whose clip has a file; see `Corpus`."""
        locations = self._build_clip_locations(program_ids, seconds)
        return [
            program_id
            for program_id, location in zip(program_ids, locations)
            if os.path.isfile(f"{self.folder}/{location.relative_path}")
        ]

    def register_existing_clip(self, program_id: str, seconds: float) -> Clip | None:
        """Record a clip whose file exists already; see `Corpus`."""
        with self._database.writer_lock.hold_writer_lock("registering existing clips"):
            (location,) = self._build_clip_locations([program_id], seconds)
            stored = clip_audio_files.load_clip_from_existing_file(
                self.folder, location.relative_path, seconds
            )
            if stored is None:
                return None
            record, clip = stored
            if location.is_strict and any(warning.is_thread_error for warning in record.warnings):
                return None
            self._insert_clip_row(location, record)
            return clip

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
                removed_files = (
                    deletion_of_renders_without_samples.delete_renders_that_lack_samples(connection)
                )
            for relative_path in removed_files:
                self._remove_clip_file(relative_path)

    def _build_clip_locations(
        self, program_ids: Sequence[str], seconds: float
    ) -> list[_ClipLocation]:
        with self._database.open_read_transaction() as connection:
            positions = encoder_and_embedding_tables.find_program_positions(connection, program_ids)
            sources = [
                program_and_clip_tables.read_program_source(connection, position)
                for position in positions
            ]
            audio_format = json.loads(
                program_and_clip_tables.read_corpus_setting(connection, "audio_format")
            )
            sonic_pi = _read_sonic_pi_version_setting(connection)
            is_strict = strict_thread_errors_setting.read_strictness_about_thread_errors(connection)
        render_ids = [
            sonicpi.compute_render_id(source, seconds, sonic_pi=sonic_pi) for source in sources
        ]
        return [
            _ClipLocation(
                position,
                render_id,
                clip_audio_files.build_clip_path(render_id, audio_format),
                is_strict,
            )
            for position, render_id in zip(positions, render_ids)
        ]

    def _insert_clip_row(self, location: _ClipLocation, record: ClipFileRecord) -> None:
        with self._database.open_write_transaction("rendering") as connection:
            replaced_file = program_and_clip_tables.store_clip_row(
                connection, location.position, location.render_id, record, render_s=0.0
            )
        self._remove_clip_file(replaced_file)

    def _remove_clip_file(self, relative_path: str | None) -> None:
        if relative_path is not None:
            (self.folder / relative_path).unlink(missing_ok=True)
