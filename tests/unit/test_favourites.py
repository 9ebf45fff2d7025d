"""Favourites: adding, annotating, removing, concurrent writers and damaged files."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from pathlib import Path

import pytest

from core import favourites
from core.errors import EarshotError
from core.workspace import PROJECT_FOLDER


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path / "workspace"))


def test_favourites_are_listed_newest_first_and_once() -> None:
    assert favourites.load_favourites() == []
    favourites.add_favourite("tiny", "a" * 32, "beeps-0001", "02_1_beeps")
    favourites.add_favourite("tiny", "b" * 32, "beeps-0002", "02_1_beeps")
    tags = ["loud", " loud ", "", "bass  line"]
    favourites.set_favourite_note_and_tags("tiny", "a" * 32, "for the drop", tags)
    favourites.add_favourite("tiny", "a" * 32, "another name", "")
    saved = favourites.load_favourites()
    assert [favourite.name for favourite in saved] == ["beeps-0002", "beeps-0001"]
    assert (saved[1].note, saved[1].tags) == ("for the drop", ("loud", "bass line"))
    assert favourites.is_favourite("tiny", "a" * 32)
    assert not favourites.is_favourite("other", "a" * 32)
    favourites.remove_favourite("tiny", "a" * 32)
    assert [favourite.name for favourite in favourites.load_favourites()] == ["beeps-0002"]
    with pytest.raises(EarshotError, match="no longer a favourite"):
        favourites.set_favourite_note_and_tags("tiny", "a" * 32, "late")


def test_csv_export_preserves_any_note() -> None:
    note = 'quotes ", commas,\nlines and ♪'
    favourites.add_favourite("tiny", "a" * 32, "n", "t")
    favourites.set_favourite_note_and_tags("tiny", "a" * 32, note, ["x", "y"])
    table = favourites.format_favourites_csv(favourites.load_favourites())
    rows = list(csv.DictReader(io.StringIO(table)))
    assert rows[0]["note"] == note
    assert rows[0]["tags"] == "x; y"
    assert rows[0]["added"].endswith("+00:00")


def test_concurrent_processes_lose_no_favourite() -> None:
    code = (
        "import sys; from core import favourites\n"
        "for n in range(10): favourites.add_favourite('c', f'{sys.argv[1]}{n}', 'n', 't')"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", code, name], cwd=PROJECT_FOLDER) for name in "abc"
    ]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    assert len(favourites.load_favourites()) == 30


def test_a_damaged_file_is_reported_and_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "workspace" / favourites.FAVOURITES_FILE
    path.parent.mkdir()
    path.write_text('{"favourites": [{"corpus": "tiny"')
    with pytest.raises(EarshotError, match="cannot be read"):
        favourites.load_favourites()
    with pytest.raises(EarshotError, match="cannot be read"):
        favourites.add_favourite("c", "p", "n", "t")
    assert path.read_text().endswith('"tiny"')


def test_a_read_only_workspace_refuses_favourites_and_hides_its_owners(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    favourites.add_favourite("tiny", "a" * 32, "n", "t")
    monkeypatch.setenv("EARSHOT_READ_ONLY", "1")
    with pytest.raises(EarshotError, match="read-only"):
        favourites.add_favourite("c", "p", "n", "t")
    assert favourites.load_favourites() == []
