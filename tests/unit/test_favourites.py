"""Favourites: kept, annotated, dropped; by several at once; and never lost by a damaged file."""

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


def test_what_is_kept_comes_back_newest_first_and_only_once() -> None:
    assert favourites.load_favourites() == []
    favourites.add_favourite("tiny", "a" * 32, "beeps-0001", "02_1_beeps")
    favourites.add_favourite("tiny", "b" * 32, "beeps-0002", "02_1_beeps")
    favourites.annotate_favourite("tiny", "a" * 32, "for the drop", ["loud", " loud ", "", "bass  line"])
    favourites.add_favourite("tiny", "a" * 32, "another name", "")
    kept = favourites.load_favourites()
    assert [each.name for each in kept] == ["beeps-0002", "beeps-0001"]
    assert (kept[1].note, kept[1].tags) == ("for the drop", ("loud", "bass line"))
    assert favourites.is_favourite("tiny", "a" * 32)
    assert not favourites.is_favourite("other", "a" * 32)
    favourites.remove_favourite("tiny", "a" * 32)
    assert [each.name for each in favourites.load_favourites()] == ["beeps-0002"]
    with pytest.raises(EarshotError, match="no favourite"):
        favourites.annotate_favourite("tiny", "a" * 32, "late")


def test_an_export_holds_any_note() -> None:
    note = 'quotes ", commas,\nlines and ♪'
    favourites.add_favourite("tiny", "a" * 32, "n", "t")
    favourites.annotate_favourite("tiny", "a" * 32, note, ["x", "y"])
    rows = list(csv.DictReader(io.StringIO(favourites.format_favourites_csv(favourites.load_favourites()))))
    assert rows[0]["note"] == note
    assert rows[0]["tags"] == "x; y"
    assert rows[0]["added"].endswith("+00:00")


def test_many_at_once_lose_nothing(tmp_path: Path) -> None:
    code = (
        "import sys; from core import favourites\n"
        "for n in range(10): favourites.keep('c', f'{sys.argv[1]}{n}', 'n', 't')"
    )
    running = [subprocess.Popen([sys.executable, "-c", code, name], cwd=PROJECT_FOLDER) for name in "abc"]
    assert [each.wait(60) for each in running] == [0, 0, 0]
    assert len(favourites.load_favourites()) == 30


def test_a_damaged_file_is_named_and_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "workspace" / favourites.FAVOURITES_FILE
    path.parent.mkdir()
    path.write_text('{"favourites": [{"corpus": "tiny"')
    for deed in (favourites.load_favourites, lambda: favourites.add_favourite("c", "p", "n", "t")):
        with pytest.raises(EarshotError, match="cannot be read"):
            deed()
    assert path.read_text().endswith('"tiny"')


def test_a_workspace_that_is_only_shown_keeps_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARSHOT_READ_ONLY", "1")
    with pytest.raises(EarshotError, match="read-only"):
        favourites.add_favourite("c", "p", "n", "t")
