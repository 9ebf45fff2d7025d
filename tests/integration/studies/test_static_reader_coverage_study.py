"""The coverage study on a folder of programs, with the real renderer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.cli import main
from core.errors import EarshotError
from core.progress_callback import ignore_progress
from core.studies.static_reader_coverage_study import measure_reader_coverage_of_folder

OPTIONS = {"max_programs": 100}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two programs that are read right, one that is read wrong, and one that fails."""
    (tmp_path / "notes.rb").write_text("3.times do |i|\n  play 60 + i\n  sleep 0.5\nend\n")
    (tmp_path / "drums.rb").write_text("sample :bd_haus\nsleep 1\nsample :sn_dub\n")
    (tmp_path / "eval.rb").write_text('play 60\nsleep 1\neval "2.times { play 62; sleep 1 }"\n')
    (tmp_path / "fails.rb").write_text("play nil.foo\n")
    return tmp_path


def test_reader_and_score_are_compared(folder: Path):
    result = measure_reader_coverage_of_folder(folder, OPTIONS, ignore_progress)
    totals, programs = (table.rows for table in result.tables)
    assert list(totals["criterion"]) == ["onset", "synth or sample", "pitch"]
    assert list(totals["rendered"]) == [8] * 3 and list(totals["matched"]) == [6] * 3
    assert list(totals["recall"]) == [0.75] * 3 and list(totals["precision"]) == [1.0] * 3
    assert list(programs["program"])[0] == "eval.rb"
    assert list(programs["wrong"]) == [2, 0, 0]
    assert result.settings["failed"] == ["fails.rb"]
    measures = dict(zip(result.comparison["measure"], result.comparison["measured"]))
    assert measures["Recall, pitch"] == 0.75
    assert 0 < measures["Reading time, median, ms"] <= measures["Reading time, slowest, ms"]


def test_fewer_programs_are_taken_at_even_distances(folder: Path):
    result = measure_reader_coverage_of_folder(folder, {"max_programs": 2}, ignore_progress)
    assert list(result.tables[1].rows["program"]) == ["drums.rb", "notes.rb"]


def test_a_folder_without_programs_is_refused(tmp_path: Path):
    with pytest.raises(EarshotError, match=r"no programs \(\*\.rb\)"):
        measure_reader_coverage_of_folder(tmp_path, OPTIONS, ignore_progress)


def test_the_command_takes_a_folder(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["study", "coverage", str(folder), "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    values = {row["measure"]: row["measured"] for row in rows}
    assert values["Recall, onset"] == 0.75 and values["Precision, onset"] == 1.0
    assert main(["study", "coverage", str(folder)]) == 0
    assert "eval.rb" in capsys.readouterr().out
