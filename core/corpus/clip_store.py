"""Clips of a corpus: an audio file is written first, then the row that records it."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from core import sonicpi
from core.corpus import (
    clip_audio_files,
    clip_cache,
    deletion_of_renders_without_samples,
    encoder_and_embedding_tables,
    program_and_clip_tables,
    strict_thread_errors_setting,
)
from core.corpus.audio_shard_store import DEFAULT_CACHE_MB, AudioStore
from core.corpus.clip_audio_files import ClipFileRecord
from core.corpus.clip_file_writing import write_clip_files
from core.corpus.clip_tar_shards import PendingClip
from core.corpus.database_connections_and_transactions import Database
from core.corpus.encoded_render import EncodedRender, encode_render
from core.corpus.program_and_clip_tables import ClipRow
from core.errors import EarshotError
from core.progress_callback import Progress
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
        self._pending_clips: list[PendingClip] = []  # Written since the last shard.

    @property
    def audio_store(self) -> AudioStore | None:
        """The audio store of the corpus, if it has one."""
        return AudioStore.open(self.folder.parent)

    def set_audio_store(self, url: str, cache_mb: int | None) -> None:
        """Give the corpus an audio store; see `Corpus`."""
        with self._database.writer_lock.hold_writer_lock("setting the audio store"):
            store = self.audio_store
            if store is None:
                AudioStore.create(self.folder.parent, url, cache_mb or DEFAULT_CACHE_MB)
            elif store.url != f"{url.rstrip('/')}/{self.folder.parent.name}":
                raise EarshotError(
                    f"The corpus has its clips in another audio store: {store.url}.",
                    remedy="Leave --audio-store out.",
                )
            elif cache_mb is not None:
                store.set_cache_size(cache_mb)

    def upload_clips(self, progress: Progress) -> None:
        """Write all clips that are in no shard into the audio store; see `Corpus`."""
        store = self.audio_store
        if store is None:
            return
        with self._database.writer_lock.hold_writer_lock("uploading clips"):
            with self._database.open_read_transaction() as connection:
                clips = program_and_clip_tables.list_clip_files(connection)
            stored_hashes = store.index.load_clip_hashes()
            self._pending_clips = []
            pending = [clip for clip in clips if stored_hashes.get(clip[0]) != clip[2]]
            store.upload_clips([PendingClip(*clip) for clip in pending], progress)
            clip_cache.remove_least_recently_used(store, sum(size for _, size, _ in pending))

    def _upload_full_shards(self, renders: Sequence[tuple[str, EncodedRender]]) -> None:
        """Take note of new clips, and upload a shard when there are enough of them.

        Parameters
        ----------
        renders : sequence of (str, EncodedRender)
            With the path of each clip below the folder of clips.
        """
        store = self.audio_store
        if store is None:
            return
        new_clips = [
            PendingClip(path, len(render.content), render.sha256)
            for path, render in renders
            if render.error is None
        ]
        stored = store.index.find_clips([clip.relative_path for clip in new_clips])
        store.index.remove_clips(
            clip.relative_path
            for clip in new_clips
            if clip.relative_path in stored and stored[clip.relative_path].sha256 != clip.sha256
        )
        self._pending_clips += new_clips
        pending_bytes = sum(clip.size_bytes for clip in self._pending_clips)
        if pending_bytes >= store.shard_bytes:
            store.upload_clips(self._pending_clips)
            self._pending_clips = []
            clip_cache.remove_least_recently_used(store, pending_bytes)

    def list_programs_to_render(self) -> list[tuple[str, str]]:
        """Return (program id, source) of each program to render; see `Corpus`."""
        with self._database.open_read_transaction() as connection:
            rows = program_and_clip_tables.list_clip_rows(connection)
            seconds = json.loads(program_and_clip_tables.read_corpus_setting(connection, "seconds"))
            sonic_pi = _read_sonic_pi_version_setting(connection)
        store = self.audio_store
        stored_sizes = store.index.load_clip_sizes() if store else {}
        return [
            (row.program_id, row.source)
            for row in rows
            if self._is_render_pending(row, seconds, sonic_pi, stored_sizes)
        ]

    def _is_render_pending(
        self, row: ClipRow, seconds: float, sonic_pi: str, stored_sizes: Mapping[str, int]
    ) -> bool:
        if row.state == "ok":
            is_stored = stored_sizes.get(row.relative_path or "") == row.size_bytes
            return not (is_stored or self._is_clip_file_intact(row.relative_path, row.size_bytes))
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
            self._remove_clip_files(replaced_files)
            self._upload_full_shards(
                [
                    (location.relative_path, render)
                    for location, (_, render) in zip(locations, renders)
                ]
            )

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
        store = self.audio_store
        stored = store.index.load_clip_sizes() if store else {}
        return [
            program_id
            for program_id, location in zip(program_ids, locations)
            if location.relative_path in stored
            or os.path.isfile(f"{self.folder}/{location.relative_path}")
        ]

    def register_existing_clip(self, program_id: str, seconds: float) -> Clip | None:
        """Record a clip whose file exists already; see `Corpus`."""
        with self._database.writer_lock.hold_writer_lock("registering existing clips"):
            (location,) = self._build_clip_locations([program_id], seconds)
            clip_cache.fetch_clip_files([self.folder / location.relative_path])
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
            self._remove_clip_files(removed_files)

    def discard_renders_that_lack_samples(self) -> None:
        """Make programs pending that failed or lacked a sample; see `Corpus`."""
        with self._database.writer_lock.hold_writer_lock("changing a setting"):
            with self._database.open_write_transaction("changing a setting") as connection:
                removed_files = (
                    deletion_of_renders_without_samples.delete_renders_that_lack_samples(connection)
                )
            self._remove_clip_files(removed_files)

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
        self._remove_clip_files([replaced_file])

    def _remove_clip_files(self, relative_paths: Iterable[str | None]) -> None:
        removed_paths = [path for path in relative_paths if path is not None]
        if removed_paths and (store := self.audio_store):
            store.index.remove_clips(removed_paths)
        for relative_path in removed_paths:
            (self.folder / relative_path).unlink(missing_ok=True)
