"""From a rendering to a clip on disk and a row that says so, in that order."""

from __future__ import annotations

import json
from pathlib import Path

from core.corpus import clip_files, program_table, embedding_table
from core.corpus.database import Database
from core.sonicpi.clip import Clip, RenderProblem, RenderResult

# Rounded to 16 bits such a clip is nothing but zeros.
MIN_AUDIBLE_PEAK = 2.0**-16


class ClipStore:
    """The folder ``audio/`` of one corpus and the table ``clips``.

    Parameters
    ----------
    database : Database
    folder : Path
        Of the clips.
    """

    def __init__(self, database: Database, folder: Path):
        self._database = database
        self.folder = folder

    def list_pending_clips(self) -> list[tuple[str, str]]:
        """As `Corpus.pending_clips`."""
        from core.sonicpi import compute_render_id  # asks for Sonic Pi, which readers need not have

        with self._database.open_read_transaction() as connection:
            found = program_table.list_clip_rows(connection)
            seconds = json.loads(program_table.read_setting(connection, "seconds"))
        pending = []
        for program_id, source, state, error_kind, rendered_as, file, size in found:
            if state == "ok":
                again = not self._is_file_intact(file, size)
            elif state == "failed":
                again = error_kind in program_table.RETRYABLE_ERROR_KINDS or rendered_as != compute_render_id(
                    source, seconds
                )
            else:
                again = True
            if again:
                pending.append((program_id, source))
        return pending

    def _is_file_intact(self, relative_path: str, size_bytes: int) -> bool:
        try:
            return (self.folder / relative_path).stat().st_size == size_bytes
        except OSError:
            return False

    def put_rendering(self, program_id: str, rendering: RenderResult, seconds: float) -> Clip | None:
        """As `Corpus.put_rendering`."""
        with self._database.writer_lock.acquire("rendering"):
            position, render_id, file = self._locate_clip(program_id, seconds)
            error = rendering.error
            if error is None and rendering.clip.peak < MIN_AUDIBLE_PEAK:
                error = RenderProblem("silent", "The program makes no sound within the clip.")
            if error is None:
                stored = clip_files.write_clip(self.folder, file, rendering.clip, rendering.warnings)
                return self._record_clip(position, render_id, stored, rendering.render_s)
            with self._database.open_write_transaction("rendering") as connection:
                replaced = program_table.put_render_failure(
                    connection, position, render_id, error, rendering.warnings, rendering.render_s
                )
            self._remove_clip_file(replaced)
            return None

    def register_existing_clip(self, program_id: str, seconds: float) -> Clip | None:
        """As `Corpus.adopt_clip`."""
        with self._database.writer_lock.acquire("adopting clips"):
            position, render_id, file = self._locate_clip(program_id, seconds)
            stored = clip_files.load_existing_clip(self.folder, file, seconds)
            return stored and self._record_clip(position, render_id, stored, 0.0)

    def _locate_clip(self, program_id: str, seconds: float) -> tuple[int, str, str]:
        from core.sonicpi import compute_render_id

        with self._database.open_read_transaction() as connection:
            position = embedding_table.find_program_positions(connection, [program_id])[0]
            source = program_table.read_source(connection, position)
            audio_format = json.loads(program_table.read_setting(connection, "audio_format"))
        name = compute_render_id(source, seconds)
        return position, name, clip_files.build_clip_path(name, audio_format)

    def _record_clip(
        self, position: int, render_id: str, stored_clip: clip_files.StoredClip, render_s: float
    ) -> Clip:
        with self._database.open_write_transaction("rendering") as connection:
            replaced = program_table.put_clip(connection, position, render_id, stored_clip, render_s)
        self._remove_clip_file(replaced)
        return stored_clip.clip

    def _remove_clip_file(self, relative_path: str | None) -> None:
        if relative_path is not None:
            (self.folder / relative_path).unlink(missing_ok=True)
