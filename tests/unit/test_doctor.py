"""The doctor's table, on this machine and on ones that lack things."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from core import doctor, workspace

NEEDED = {
    "System",
    "Sonic Pi",
    "Sonic Pi's samples",
    "scsynth",
    "scsynth's plugins",
    "Ruby",
    "Sandbox for programs",
    "Python",
    "Python packages",
    "Workspace",
}


def rows_by_name() -> dict[str, doctor.RequirementCheck]:
    return {row.name: row for row in doctor.check_requirements()}


def test_everything_is_looked_at_and_what_is_needed_is_here():
    rows = rows_by_name()
    assert set(rows) > NEEDED | {"Processor", "GPU", "Memory", "Chromium, for ./run test"}
    assert "OpenVINO, for wav2vec 2.0" in rows
    assert sum("encoder" in what for what in rows) >= 5
    missing = [row for row in rows.values() if row.is_required and not row.is_ok]
    assert missing == []


def test_what_is_there_has_no_remedy_and_what_is_needed_and_missing_has_one():
    for row in doctor.check_requirements():
        assert row.state
        assert not (row.is_ok and row.remedy)


def test_debian_s_packages_are_seen_as_missing_where_they_are(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("PATH", str(tmp_path))
    rows = rows_by_name()
    for what, package in (("Sonic Pi", "sonic-pi-server"), ("Ruby", "ruby")):
        assert rows[what].state == "missing" and not rows[what].is_ok
        assert rows[what].remedy.endswith(f" {package}")
    assert rows["GPU"].state.startswith("none")


def test_a_package_that_is_half_there_is_damaged():
    packages = {"ruby": "1:3.1"}
    there = doctor._check_debian_package("Ruby", "ruby", packages)
    assert (there.state, there.is_ok) == ("3.1", True)
    gone = doctor._check_debian_package("Ruby", "ruby", packages, is_present=False)
    assert (gone.state, gone.is_ok) == ("damaged", False) and "--reinstall" in gone.remedy


@pytest.mark.parametrize("pin", ["nothing-like-it==1.0", "numpy==0.1"])
def test_pins_that_are_not_met_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, pin):
    (tmp_path / "requirements").mkdir()
    for name in ("requirements.txt", "requirements/encoders.txt"):
        text = (workspace.PROJECT_FOLDER / name).read_text()
        (tmp_path / name).write_text(f"{text}{pin}\n" if name == "requirements.txt" else text)
    monkeypatch.setattr(workspace, "PROJECT_FOLDER", tmp_path)
    assert doctor._list_unmet_pins() == [pin.partition("==")[0]]


def test_a_workspace_that_is_too_small_or_not_there_yet(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path / "not" / "yet"))
    assert doctor._check_workspace().is_ok
    monkeypatch.setattr(doctor, "MIN_FREE_GIB", 1e9)
    row = doctor._check_workspace()
    assert not row.is_ok and "EARSHOT_WORKSPACE" in row.remedy
    assert not (tmp_path / "not").exists()


def earshot_doctor(*argv: str, python: str = sys.executable) -> subprocess.CompletedProcess:
    return subprocess.run(
        [python, "-P", "-m", "core", "doctor", *argv],
        env={**os.environ, "PYTHONPATH": str(workspace.PROJECT_FOLDER)},
        capture_output=True,
        text=True,
    )


def test_the_command_prints_a_row_each_and_json_too():
    done = earshot_doctor("--json")
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert {row["what"] for row in rows} > NEEDED
    assert set(rows[0]) == {"what", "state", "ok", "remedy", "needed"}
    done = earshot_doctor()
    assert done.returncode == 0 and all(row["what"] in done.stdout for row in rows)


def test_before_the_set_up_it_works_without_any_package():
    # The Python under the environment has none of them.
    bare = str(Path(sys.executable).resolve())
    has = subprocess.run([bare, "-c", "import torch"], capture_output=True)
    if has.returncode == 0:
        pytest.skip("the Python under the environment has packages of its own")
    done = earshot_doctor(python=bare)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "no .venv yet" in done.stdout and "./run" in done.stdout


def test_it_loads_nothing_heavy():
    script = (
        "import sys; from core.doctor import doctor_rows\n"
        "doctor_rows(); print('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(workspace.PROJECT_FOLDER)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "False\n"
