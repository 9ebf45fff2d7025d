"""Files of clips are complete and on the disk before they have their names and their rows."""

from __future__ import annotations

import ctypes
import errno
import os
from pathlib import Path

import pytest

from core.corpus import Corpus, clip_file_writing
from core.corpus.clip_file_writing import MIN_FILES_OF_GROUP_WRITE, write_clip_files
from core.corpus.database_connections_and_transactions import Database
from core.corpus.encoded_render import EncodedRender
from core.errors import EarshotError
from core.file_locks_and_atomic_writes import PARTIAL_PREFIX
from core.programs import Program

GROUP = {f"{n:02x}/clip{n}.flac": bytes([n]) * (n * 1000) for n in range(MIN_FILES_OF_GROUP_WRITE)}


def read_files(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What happens to the disk, in order: "sync", the final names, and "rows"."""
    events: list[str] = []
    replace, transaction = os.replace, Database.open_write_transaction

    def record_replace(source: str, target: str) -> None:
        events.append(os.path.basename(target))
        replace(source, target)

    def record_transaction(database: Database, name: str) -> object:
        events.append("rows")
        return transaction(database, name)

    monkeypatch.setattr(clip_file_writing.os, "replace", record_replace)
    monkeypatch.setattr(Database, "open_write_transaction", record_transaction)
    monkeypatch.setattr(
        clip_file_writing,
        "_find_file_system_synchronization",
        lambda: lambda folder: events.append("sync"),
    )
    return events


@pytest.mark.parametrize("count", [0, 1, MIN_FILES_OF_GROUP_WRITE])
def test_files_are_written_with_the_rights_of_the_user(tmp_path: Path, count: int):
    contents = dict(list(GROUP.items())[:count])
    write_clip_files(tmp_path / "audio", contents)
    assert read_files(tmp_path) == {f"audio/{path}": data for path, data in contents.items()}
    (tmp_path / "other").touch()
    modes = {path.stat().st_mode for path in tmp_path.rglob("*") if path.is_file()}
    assert len(modes) == 1
    write_clip_files(tmp_path / "audio", contents)  # Files of these names may exist.


def test_a_group_is_synchronized_before_it_has_names_and_before_its_rows(
    events, tmp_path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path))
    corpus = Corpus.create("tiny", seconds=0.5)
    programs = [Program(f"play {n}", f"p{n}") for n in range(MIN_FILES_OF_GROUP_WRITE)]
    corpus.add_programs(programs)
    events.clear()
    render = EncodedRender(None, (), 0.1, b"clip", "hash", 0.5, 0.1, 0.2)
    corpus.store_encoded_renders([(program.id, render) for program in programs], 0.5)
    names = sorted(path.name for path in corpus.path.rglob("*.flac"))
    assert len(names) == MIN_FILES_OF_GROUP_WRITE
    assert events[0] == "sync" and sorted(events[1:-2]) == names and events[-2:] == ["sync", "rows"]
    with_file = corpus.list_programs_with_clip_file([programs[1].id, programs[0].id], 0.5)
    assert with_file == [programs[1].id, programs[0].id]
    assert corpus.list_programs_with_clip_file([programs[0].id], 0.6) == []


def test_a_failure_in_the_middle_leaves_only_complete_files(
    events, tmp_path, monkeypatch: pytest.MonkeyPatch
):
    replace = os.replace

    def fail_at_the_third(source: str, target: str) -> None:
        if target.endswith("clip2.flac"):
            raise OSError(errno.EACCES, "Permission denied", target)
        replace(source, target)

    monkeypatch.setattr(clip_file_writing.os, "replace", fail_at_the_third)
    with pytest.raises(EarshotError, match="cannot be written") as raised:
        write_clip_files(tmp_path, GROUP)
    assert "clip2.flac" in str(raised.value.where) and "Check" in str(raised.value.remedy)
    assert read_files(tmp_path) == dict(list(GROUP.items())[:2])


def test_a_full_disk_names_the_remedy(tmp_path, monkeypatch: pytest.MonkeyPatch):
    def fail(path: str, content: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", path)

    monkeypatch.setattr(clip_file_writing, "_write_partial_file", fail)
    with pytest.raises(EarshotError, match="No space left") as raised:
        write_clip_files(tmp_path, GROUP)
    assert "resumes" in str(raised.value.remedy)


def test_a_disk_that_cannot_be_synchronized_is_an_error(tmp_path, monkeypatch: pytest.MonkeyPatch):
    class FailingLibrary:
        @staticmethod
        def syncfs(descriptor: int) -> int:
            ctypes.set_errno(errno.EIO)
            return -1

    monkeypatch.setattr(clip_file_writing.ctypes, "CDLL", lambda *_, **__: FailingLibrary)
    with pytest.raises(EarshotError, match="Input/output error"):
        write_clip_files(tmp_path, GROUP)
    assert read_files(tmp_path) == {}


def test_a_system_without_group_synchronization_writes_one_file_after_the_other(
    tmp_path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(clip_file_writing.ctypes, "CDLL", lambda *_, **__: object())
    write_clip_files(tmp_path, GROUP)
    assert read_files(tmp_path) == GROUP
    assert not list(tmp_path.rglob(f"{PARTIAL_PREFIX}*"))
