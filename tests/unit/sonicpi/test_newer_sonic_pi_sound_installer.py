"""Installation of the sounds that came after Sonic Pi 3.2.2: faults of downloads and files."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from pathlib import Path

import pytest

from core.errors import EarshotError
from core.sonicpi import newer_sonic_pi_sound_installer
from core.sonicpi.newer_sonic_pi_sound_installer import (
    SOUND_REQUIREMENTS_FOLDER,
    compute_requirements_fingerprint,
    find_faulty_files,
    find_npm,
    install_newer_sonic_pi_sounds,
    is_installation_current,
)
from core.sonicpi.newer_sonic_pi_sounds import COMPLETE_MARK, load_newer_sonic_pi_sounds

FILES = {
    "synths/synthdefs/a.scsyndef": b"SCgf",
    "sounds/samples/b.flac": b"fLaC",
    "sounds/LICENSE": b"CC0",
}


@pytest.fixture
def requirements(tmp_path: Path) -> Path:
    folder = tmp_path / "requirements"
    folder.mkdir()
    (folder / "package.json").write_text("{}")
    (folder / "package-lock.json").write_text('{"lockfileVersion": 3}')
    lines = [f"{hashlib.sha256(data).hexdigest()}  {path}\n" for path, data in FILES.items()]
    (folder / "files.sha256").write_text("".join(lines))
    return folder


def make_npm(folder: Path, files: dict[str, bytes], *, script: str = "") -> list[str]:
    """Write an npm that puts files into node_modules, after a piece of shell script."""
    store = folder / "store"
    for path, data in files.items():
        (store / path).parent.mkdir(parents=True, exist_ok=True)
        (store / path).write_bytes(data)
    npm = folder / "npm"
    npm.write_text(f'#!/bin/sh\n{script}\ncp -R "{store}" node_modules\n')
    npm.chmod(npm.stat().st_mode | stat.S_IXUSR)
    return [str(npm)]


def list_files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def list_leftovers(sounds: Path) -> list[str]:
    return [path.name for path in sounds.parent.iterdir() if path.name.startswith(".sounds.")]


def test_files_of_the_manifest_are_installed_with_a_mark(tmp_path, requirements):
    sounds = tmp_path / ".sounds"
    npm = make_npm(tmp_path, {**FILES, "sounds/index.js": b"left out"})
    install_newer_sonic_pi_sounds(npm, sounds, requirements=requirements)
    files = list_files(sounds)
    mark = files.pop(COMPLETE_MARK).decode().strip()
    assert mark == compute_requirements_fingerprint(requirements)
    assert files == {
        "synthdefs/a.scsyndef": b"SCgf",
        "samples/b.flac": b"fLaC",
        "sounds/LICENSE": b"CC0",
    }
    assert list_leftovers(sounds) == []


@pytest.mark.parametrize(
    ("files", "script", "message"),
    [
        (FILES, "echo 'npm error code ENOTFOUND' >&2; exit 1", "npm error code ENOTFOUND"),
        (FILES, "exit 7", "npm did not download the sounds: 7"),
        ({**FILES, "sounds/samples/b.flac": b"other"}, "", "b.flac: A downloaded file has another"),
        ({"sounds/LICENSE": b"CC0"}, "", "a.scsyndef: The downloaded packages lack a file"),
    ],
    ids=["no network", "npm fails silently", "wrong hash", "missing file"],
)
def test_a_failed_download_leaves_what_was_installed_before(
    tmp_path, requirements, files, script, message
):
    sounds = tmp_path / ".sounds"
    install_newer_sonic_pi_sounds(make_npm(tmp_path, FILES), sounds, requirements=requirements)
    before = list_files(sounds)
    bad_folder = tmp_path / "bad"
    bad_folder.mkdir()
    npm = make_npm(bad_folder, files, script=script)
    with pytest.raises(EarshotError, match=message):
        install_newer_sonic_pi_sounds(npm, sounds, requirements=requirements)
    assert list_files(sounds) == before and list_leftovers(sounds) == []


def test_a_link_in_a_package_is_refused(tmp_path, requirements):
    npm = make_npm(tmp_path, FILES)
    target = tmp_path / "store/sounds/samples/b.flac"
    target.unlink()
    target.symlink_to(requirements / "package.json")
    with pytest.raises(EarshotError, match=r"b\.flac"):
        install_newer_sonic_pi_sounds(npm, tmp_path / ".sounds", requirements=requirements)


def test_a_missing_npm_is_an_error(tmp_path, requirements):
    with pytest.raises(EarshotError, match="npm did not download"):
        install_newer_sonic_pi_sounds(
            [str(tmp_path / "nothing")], tmp_path / ".sounds", requirements=requirements
        )


def test_an_interrupted_installation_is_removed_by_the_next(tmp_path, requirements):
    sounds = tmp_path / ".sounds"
    for name in (".sounds.partial-1", ".sounds.partial-2"):
        (tmp_path / name / "node_modules").mkdir(parents=True)
    sounds.mkdir()  # Without the mark, as nothing but the installer's rename creates it complete.
    install_newer_sonic_pi_sounds(make_npm(tmp_path, FILES), sounds, requirements=requirements)
    assert list_leftovers(sounds) == [] and (sounds / COMPLETE_MARK).is_file()


@pytest.mark.parametrize(
    ("version", "is_found"), [("11.2.0", True), ("7.0.0", True), ("6.14.1", False), ("x", False)]
)
def test_only_an_npm_that_reads_the_lock_file_is_used(tmp_path, monkeypatch, version, is_found):
    npm = tmp_path / "npm"
    npm.write_text(f"#!/bin/sh\necho {version}\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path) + os.pathsep + "/usr/bin:/bin")
    assert find_npm() == ([str(npm)] if is_found else None)


def test_without_npm_the_wheel_is_unpacked_and_removed(tmp_path, monkeypatch, capsys):
    unpacked = []

    def unpack(folder: Path) -> list[str]:
        unpacked.append(folder)
        return make_npm(folder, {}, script="exit 1")

    monkeypatch.setattr(newer_sonic_pi_sound_installer, "find_npm", lambda: None)
    monkeypatch.setattr(newer_sonic_pi_sound_installer, "unpack_npm_wheel", unpack)
    monkeypatch.setattr(newer_sonic_pi_sound_installer, "LATER_SOUNDS_FOLDER", tmp_path / ".sounds")
    assert newer_sonic_pi_sound_installer.install_sounds_and_get_exit_status() == 1
    assert "npm did not download the sounds" in capsys.readouterr().err
    assert len(unpacked) == 1 and not unpacked[0].exists()


def test_the_lock_file_names_no_host_and_has_hashes():
    lock = (SOUND_REQUIREMENTS_FOLDER / "package-lock.json").read_text()
    packages = json.loads(lock)["packages"]
    assert "://" not in lock and "resolved" not in lock
    assert all(entry["integrity"].startswith("sha512-") for name, entry in packages.items() if name)
    assert packages["node_modules/supersonic-scsynth-samples"]["license"] == "CC0-1.0"
    assert packages["node_modules/supersonic-scsynth-synthdefs"]["license"] == "MIT"


def test_the_manifest_lists_every_sound_of_the_table():
    lines = (SOUND_REQUIREMENTS_FOLDER / "files.sha256").read_text().splitlines()
    stems = {Path(line.partition("  ")[2]).stem.removeprefix("sonic-pi-") for line in lines}
    sounds = load_newer_sonic_pi_sounds()
    assert {*sounds["synths"], *sounds["samples"], *sounds["changed_synthdefs"]} <= stems
    assert all(len(line.partition("  ")[0]) == 64 for line in lines)


def test_damaged_files_of_an_installation_are_found(tmp_path, requirements):
    sounds = tmp_path / ".sounds"
    install_newer_sonic_pi_sounds(make_npm(tmp_path, FILES), sounds, requirements=requirements)
    manifest = requirements / "files.sha256"
    assert find_faulty_files(sounds, manifest) == []
    (sounds / "samples/b.flac").write_bytes(b"cut")
    (sounds / "synthdefs/a.scsyndef").unlink()
    assert find_faulty_files(sounds, manifest) == ["synthdefs/a.scsyndef", "samples/b.flac"]
    assert not is_installation_current(sounds)  # of the project's own requirements
