"""`./run survey` names the cause of each program that does not sound, with real renders."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from core import workspace

CASES = {
    "sounds": ("play 60", "sound", None, None),
    "missing_sample": ("sample '/songs/kick.wav'", "silent", "missing_sample", 1),
    "sample_in_part": ("sample '/songs/kick.wav'\nplay 60", "partial", "missing_sample", 1),
    "cue_in_part": ("play 60\nsync '/midi*/note_on'\nplay 62", "partial", "missing_cue", 2),
    "missing_cue": ("sync :drums\nplay 60", "silent", "missing_cue", 1),
    "missing_file": ("\nrun_file '/songs/drums.rb'", "failed", "missing_file", 2),
    "missing_function": ("drums 4", "failed", "missing_function", 1),
    "later_version": ("use_synth :winwood_lead\nplay 60", "silent", "later_version", 2),
    "later_in_part": ("synth :winwood_lead\nplay 60", "partial", "later_version", 1),
    "unknown_synth": ("synth :my_own_synth", "failed", "unknown_synth", 1),
    "device": ("midi 60", "silent", "external_device", 1),
    "syntax": ("play 60\nlive_loop :a do", "failed", "syntax", 2),
    "no_sleep": ("live_loop :a do\nend", "failed", "no_sleep", 1),
    "forbidden": ("system 'ls'", "failed", "forbidden", 1),
    "runtime": ("play nil.pitch", "failed", "runtime", 1),
    "no_sound": ("sleep 1", "silent", "no_sound", None),
    "empty": ("\n", "silent", "no_sound", None),
}


def start_survey(*argv: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "core", "survey", *map(str, argv)],
        env={**os.environ, "PYTHONPATH": str(workspace.PROJECT_FOLDER)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture(scope="module")
def songs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("songs")
    for name, (source, *_) in CASES.items():
        (folder / f"{name}.rb").write_text(source)
    return folder


@pytest.fixture(scope="module")
def survey_lines(songs: Path) -> tuple[list[dict], Path]:
    """The lines of --json, and the table of --csv."""
    table = songs.parent / "survey.csv"
    process = start_survey(songs, "--seconds", "0.5", "--json", "--csv", table)
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    return [json.loads(line) for line in output.splitlines()], table


@pytest.mark.parametrize("name", CASES)
def test_each_program_has_its_outcome_and_cause(
    name: str, survey_lines: tuple[list[dict], Path]
) -> None:
    finding = next(line for line in survey_lines[0] if line.get("program") == f"{name}.rb")
    expected = CASES[name][1:]
    assert (finding["outcome"], finding["cause"], finding["line"]) == expected


def test_the_summary_counts_all_programs(survey_lines: tuple[list[dict], Path]) -> None:
    summary = survey_lines[0][-1]
    expected = dict.fromkeys(("sound", "partial", "silent", "failed"), 0)
    for _, outcome, *_ in CASES.values():
        expected[outcome] += 1
    assert summary["outcomes"] == expected
    assert summary["programs"] == len(CASES) and summary["is_complete"] is True
    assert summary["causes"]["missing_sample"] == {"partial": 1, "silent": 1, "failed": 0}
    top = {"cause": "missing_sample", "name": '"/songs/kick.wav"', "programs": 2}
    assert top in summary["missing"][:2]


def test_the_table_has_a_row_per_program(survey_lines: tuple[list[dict], Path]) -> None:
    with survey_lines[1].open(newline="") as handle:
        rows = {row["program"]: row for row in csv.DictReader(handle)}
    assert {name: row["outcome"] for name, row in rows.items()} == {
        f"{name}.rb": outcome for name, (_, outcome, *_) in CASES.items()
    }


def test_resuming_prints_the_tables_without_rendering(
    songs: Path, survey_lines: tuple[list[dict], Path]
) -> None:
    table = survey_lines[1]
    process = start_survey(songs, "--seconds", "0.5", "--csv", table, "--resume")
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert output.splitlines()[-1].startswith(f"{len(CASES)} programs of 0.5 s: 4 sound")
    assert "missing_function.rb" in output and "functions or variables of another" in output


def test_strict_fails_if_a_program_fails(
    songs: Path, survey_lines: tuple[list[dict], Path]
) -> None:
    process = start_survey(songs / "runtime.rb", "--seconds", "0.5", "--strict")
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 1 and "1 of 1 program failed" in errors


def test_an_interrupted_survey_prints_its_summary(tmp_path: Path) -> None:
    folder = tmp_path / "songs"
    folder.mkdir()
    (folder / "a.rb").write_text("play 60")
    (folder / "b.rb").write_text("loop { 1 + 1 }")  # It takes all of its processor time.
    process = start_survey(folder, "--seconds", "0.5", "--json", "--workers", "1")
    assert process.stdout is not None
    first = json.loads(process.stdout.readline())
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=120)
    assert first["program"] == "a.rb" and process.returncode == 130
    summary = json.loads(output.splitlines()[-1])
    assert summary["programs"] == 2 and summary["is_complete"] is False
    assert "stopped" in errors
