"""Checks of the doctor on this machine and on machines that lack requirements."""

import json
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest

from core import cli, system_requirement_checks, workspace
from core.sonicpi import newer_sonic_pi_sound_installer

REQUIRED_CHECKS = {
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


def run_checks_by_name() -> dict[str, system_requirement_checks.RequirementCheck]:
    return {row.name: row for row in system_requirement_checks.check_system_requirements()}


def test_all_requirements_are_checked_and_met_here():
    checks = run_checks_by_name()
    assert set(checks) > REQUIRED_CHECKS | {
        "Processor",
        "GPU",
        "Memory",
        "Chromium, for ./run test",
    }
    assert "OpenVINO, for wav2vec 2.0" in checks
    assert "Ray, for --executor ray" in checks
    assert "s3fs, for --audio-store s3://" in checks
    assert sum("encoder" in name for name in checks) >= 5
    missing = [check for check in checks.values() if check.is_required and not check.is_ok]
    assert missing == []


@pytest.mark.parametrize(
    "release, machine, is_tested",
    [
        ({"ID": "debian", "VERSION_ID": "12", "PRETTY_NAME": "Debian 12"}, "x86_64", True),
        ({"ID": "debian", "VERSION_ID": "13", "PRETTY_NAME": "Debian 13"}, "x86_64", True),
        ({"ID": "debian", "VERSION_ID": "13", "PRETTY_NAME": "Debian 13"}, "aarch64", False),
        ({"ID": "debian", "PRETTY_NAME": "Debian forky/sid"}, "x86_64", False),
        ({"ID": "ubuntu", "VERSION_ID": "24.04", "PRETTY_NAME": "Ubuntu 24.04"}, "x86_64", False),
    ],
)
def test_an_untested_system_is_reported_but_accepted(
    monkeypatch: pytest.MonkeyPatch, release, machine, is_tested
):
    monkeypatch.setattr(platform, "freedesktop_os_release", lambda: release)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    check = system_requirement_checks._check_operating_system()
    assert check.is_ok == is_tested and check.is_required == is_tested
    assert check.state.endswith(": untested") != is_tested
    assert check.state.startswith(f"{release['PRETTY_NAME']}, {machine}")


def test_only_failed_checks_have_a_remedy():
    for check in system_requirement_checks.check_system_requirements():
        assert check.state
        assert not (check.is_ok and check.remedy)


def test_missing_debian_packages_are_reported_with_their_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("PATH", str(tmp_path))
    checks = run_checks_by_name()
    for name, package in (("Sonic Pi", "sonic-pi-server"), ("Ruby", "ruby")):
        assert checks[name].state == "missing" and not checks[name].is_ok
        assert checks[name].remedy.endswith(f" {package}")
    assert checks["GPU"].state.startswith("none")


def test_sounds_of_later_versions_are_optional_and_have_a_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    check = run_checks_by_name()["Sounds of later Sonic Pi"]
    assert check.is_ok and check.state == "23 synths, 41 samples"
    monkeypatch.setattr(newer_sonic_pi_sound_installer, "is_installation_current", lambda: False)
    check = run_checks_by_name()["Sounds of later Sonic Pi"]
    assert (check.is_ok, check.is_required, check.remedy) == (False, False, "./run sounds")
    monkeypatch.setattr(newer_sonic_pi_sound_installer, "is_installation_current", lambda: True)
    monkeypatch.setattr(
        newer_sonic_pi_sound_installer, "find_faulty_files", lambda: ["samples/x.flac"]
    )
    assert run_checks_by_name()["Sounds of later Sonic Pi"].state == "damaged: samples/x.flac"


def test_an_incomplete_package_is_damaged():
    versions = {"ruby": "1:3.1"}
    complete = system_requirement_checks._check_debian_package("Ruby", "ruby", versions)
    assert (complete.state, complete.is_ok) == ("3.1", True)
    incomplete = system_requirement_checks._check_debian_package(
        "Ruby", "ruby", versions, is_present=False
    )
    assert (incomplete.state, incomplete.is_ok) == (
        "damaged",
        False,
    ) and "--reinstall" in incomplete.remedy


def test_the_run_script_installs_the_required_packages():
    script = (workspace.PROJECT_FOLDER / "run").read_text()
    packages = re.search(r"^PACKAGES=\((.+)\)$", script, re.MULTILINE)[1].split()
    assert tuple(packages) == system_requirement_checks.REQUIRED_DEBIAN_PACKAGES


@pytest.mark.parametrize("pin", ["nothing-like-it==1.0", "numpy==0.1"])
def test_unmet_pins_are_listed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, pin):
    (tmp_path / "requirements").mkdir()
    for name in ("requirements.txt", "requirements/encoders.txt"):
        text = (workspace.PROJECT_FOLDER / name).read_text()
        (tmp_path / name).write_text(f"{text}{pin}\n" if name == "requirements.txt" else text)
    monkeypatch.setattr(workspace, "PROJECT_FOLDER", tmp_path)
    assert system_requirement_checks._list_unmet_pins() == [pin.partition("==")[0]]


def test_pins_for_other_processors_are_not_required(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    (tmp_path / "requirements").mkdir()
    pins = 'not-here==1.0; platform_machine == "{}"\n'
    (tmp_path / "requirements.txt").write_text(pins.format("riscv64"))
    (tmp_path / "requirements/encoders.txt").write_text(pins.format(platform.machine()))
    monkeypatch.setattr(workspace, "PROJECT_FOLDER", tmp_path)
    assert system_requirement_checks._list_unmet_pins() == ["not-here"]


def test_a_missing_workspace_is_accepted_and_a_small_disk_is_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path / "not" / "yet"))
    assert system_requirement_checks._check_workspace().is_ok
    monkeypatch.setattr(system_requirement_checks, "MIN_FREE_GIB", 1e9)
    check = system_requirement_checks._check_workspace()
    assert not check.is_ok and "EARSHOT_WORKSPACE" in check.remedy
    assert not (tmp_path / "not").exists()


def run_doctor_command(*argv: str, python: str = sys.executable) -> subprocess.CompletedProcess:
    return subprocess.run(
        [python, "-P", "-m", "core", "doctor", *argv],
        env={**os.environ, "PYTHONPATH": str(workspace.PROJECT_FOLDER)},
        capture_output=True,
        text=True,
    )


def test_the_command_prints_a_row_per_check_as_text_and_json():
    process = run_doctor_command("--json")
    assert process.returncode == 0, process.stderr
    rows = [json.loads(line) for line in process.stdout.splitlines()]
    assert {row["name"] for row in rows} > REQUIRED_CHECKS
    older_keys = {"what", "ok", "needed"}
    assert set(rows[0]) == {"name", "state", "is_ok", "remedy", "is_required"} | older_keys
    process = run_doctor_command()
    assert process.returncode == 0 and all(row["name"] in process.stdout for row in rows)


def test_json_rows_describe_what_is_missing_without_a_further_row(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    missing = system_requirement_checks.RequirementCheck("Ruby", "missing", False)
    monkeypatch.setattr(
        "core.cli.commands.check_installation.check_system_requirements", lambda: [missing]
    )
    assert cli.main(["doctor", "--json"]) == 1
    output, errors = capsys.readouterr()
    assert json.loads(output)["state"] == "missing" and "Missing: Ruby" in errors


def test_the_command_runs_before_the_set_up_without_any_package():
    # The Python that the virtual environment was made from has no packages.
    bare_python = str(Path(sys.executable).resolve())
    torch_import = subprocess.run([bare_python, "-c", "import torch"], capture_output=True)
    if torch_import.returncode == 0:
        pytest.skip("the Python of the virtual environment has packages itself")
    process = run_doctor_command(python=bare_python)
    assert process.returncode == 1 and "Traceback" not in process.stderr
    assert "no .venv yet" in process.stdout and "./run" in process.stdout


def test_the_checks_import_no_torch():
    script = (
        "import sys; from core.system_requirement_checks import check_system_requirements\n"
        "check_system_requirements(); print('torch' in sys.modules)"
    )
    process = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(workspace.PROJECT_FOLDER)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert process.stdout == "False\n"
