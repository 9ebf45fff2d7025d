"""From a rendering to a clip on disk and a row that says so, in that order."""

from __future__ import annotations

import json
from pathlib import Path

from core.corpus import clip_files, program_table, embedding_table
from core.corpus.database import Database
from core.sonicpi.clip import Clip, Problem, Rendering

# Rounded to 16 bits such a clip is nothing but zeros.
SILENT_PEAK = 2.0**-16


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

    def pending(self) -> list[tuple[str, str]]:
        """As `Corpus.pending_clips`."""
        from core.sonicpi import render_id  # asks for Sonic Pi, which readers need not have

        with self._database.reading() as connection:
            found = program_table.clips(connection)
            seconds = json.loads(program_table.setting(connection, "seconds"))
        pending = []
        for program_id, source, state, error_kind, rendered_as, file, size in found:
            if state == "ok":
                again = not self._lies_there(file, size)
            elif state == "failed":
                again = error_kind in program_table.PASSING or rendered_as != render_id(
                    source, seconds
                )
            else:
                again = True
            if again:
                pending.append((program_id, source))
        return pending

    def _lies_there(self, file: str, size: int) -> bool:
        try:
            return (self.folder / file).stat().st_size == size
        except OSError:
            return False

    def put(self, program_id: str, rendering: Rendering, seconds: float) -> Clip | None:
        """As `Corpus.put_rendering`."""
        with self._database.lock.held("rendering"):
            position, render_id, file = self._place(program_id, seconds)
            error = rendering.error
            if error is None and rendering.clip.peak < SILENT_PEAK:
                error = Problem("silent", "The program makes no sound within the clip.")
            if error is None:
                stored = clip_files.store(self.folder, file, rendering.clip, rendering.warnings)
                return self._note(position, render_id, stored, rendering.render_s)
            with self._database.writing("rendering") as connection:
                replaced = program_table.put_failure(
                    connection, position, render_id, error, rendering.warnings, rendering.render_s
                )
            self._remove(replaced)
            return None

    def adopt(self, program_id: str, seconds: float) -> Clip | None:
        """As `Corpus.adopt_clip`."""
        with self._database.lock.held("adopting clips"):
            position, render_id, file = self._place(program_id, seconds)
            stored = clip_files.adopt(self.folder, file, seconds)
            return stored and self._note(position, render_id, stored, 0.0)

    def _place(self, program_id: str, seconds: float) -> tuple[int, str, str]:
        from core.sonicpi import render_id

        with self._database.reading() as connection:
            position = embedding_table.positions(connection, [program_id])[0]
            source = program_table.source(connection, position)
            audio_format = json.loads(program_table.setting(connection, "audio_format"))
        name = render_id(source, seconds)
        return position, name, clip_files.place(name, audio_format)

    def _note(
        self, position: int, render_id: str, stored: clip_files.StoredClip, render_s: float
    ) -> Clip:
        with self._database.writing("rendering") as connection:
            replaced = program_table.put_clip(connection, position, render_id, stored, render_s)
        self._remove(replaced)
        return stored.clip

    def _remove(self, file: str | None) -> None:
        if file is not None:
            (self.folder / file).unlink(missing_ok=True)
