"""Checks of the software and hardware that Earshot needs or can use, with remedies.

The checks change nothing. They need only the standard library, because ``./run doctor`` also runs
before the Python packages are installed.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from core import workspace

APT_INSTALL_COMMAND = "sudo apt-get install --yes --no-install-recommends"
SETUP_COMMAND = "./run"
# Package, version, and the processor that the pin is limited to.
PIN_PATTERN = r"^([\w.-]+)==([^\s;]+)(?: *; *platform_machine == \"(\w+)\")?"
# The script ./run installs these; its variable PACKAGES is the same list.
REQUIRED_DEBIAN_PACKAGES = (
    "sonic-pi-server",
    "sonic-pi-samples",
    "supercollider-server",
    "sc3-plugins-server",
    "ruby",
    "bubblewrap",
)
DEBIAN_PACKAGES = (*REQUIRED_DEBIAN_PACKAGES, "chromium")
SUPPORTED_PYTHONS = ((3, 11), (3, 14))
# Version of Debian and processor on which the launcher and the tests have run.
TESTED_SYSTEMS = (("12", "x86_64"), ("13", "x86_64"))
# The starter corpus with its clips takes less than half of this.
MIN_FREE_GIB = 2.0
MIN_MEMORY_GIB = 3.5
SONIC_PI_RUNTIME_FOLDER = Path("/usr/lib/sonic-pi/app/server/ruby")
SONIC_PI_SAMPLES_FOLDER = Path("/usr/share/sonic-pi/samples")
SUPERCOLLIDER_PLUGINS_FOLDER = Path("/usr/lib/SuperCollider/plugins")


@dataclass(frozen=True)
class RequirementCheck:
    """Result of the check of one requirement or optional component.

    Attributes
    ----------
    name : str
        What was checked.
    state : str
        A version, an amount, "missing", or why it does not work.
    is_ok : bool
        Whether it is present and works.
    remedy : str
        Command or sentence that fixes it; "" if there is nothing to do.
    is_required : bool
        Whether Earshot cannot run without it.
    """

    name: str
    state: str
    is_ok: bool
    remedy: str = ""
    is_required: bool = True


def check_system_requirements() -> list[RequirementCheck]:
    """Check the system, Sonic Pi, Python, encoders, hardware and disk of this machine."""
    installed_versions = _read_debian_versions()
    return [
        _check_operating_system(),
        *_check_audio_packages(installed_versions),
        _check_sandbox(),
        *_check_python_and_packages(),
        *_check_encoders(),
        *_check_optional_packages(),
        _check_processor(),
        _check_gpu(),
        _check_total_ram(),
        _check_workspace(),
        _check_debian_package(
            "Chromium, for ./run test", "chromium", installed_versions, is_required=False
        ),
    ]


def _check_operating_system() -> RequirementCheck:
    """Check whether the tests have ever run on this system; others may work as well."""
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        release = {}
    machine = platform.machine()
    state = f"{release.get('PRETTY_NAME') or platform.system()}, {machine}"
    is_debian = release.get("ID") == "debian"
    if is_debian and (release.get("VERSION_ID", ""), machine) in TESTED_SYSTEMS:
        return RequirementCheck("System", state, True)
    return RequirementCheck(
        "System",
        f"{state}: untested",
        False,
        "Earshot is tested on Debian 12 and 13, x86_64. See docs/installation.md",
        is_required=False,
    )


def _read_debian_versions() -> dict[str, str]:
    """Return the versions by name of the packages that are completely installed."""
    pattern = "${Package} ${db:Status-Abbrev} ${Version}\n"
    command = ["dpkg-query", "--show", f"--showformat={pattern}", *DEBIAN_PACKAGES]
    lines = (_capture_command_output(command) or "").splitlines()
    rows = [line.split() for line in lines]
    # "ii": selected for installation, and installed.
    return {row[0]: row[2] for row in rows if len(row) >= 3 and row[1] == "ii"}


def _capture_command_output(command: list[str], timeout_s: float = 5.0) -> str | None:
    """Return what a command prints, or None if it does not exist or takes too long."""
    try:
        process = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_s,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return process.stdout


def _check_debian_package(
    name: str,
    package: str,
    installed_versions: Mapping[str, str],
    is_present: bool = True,
    is_required: bool = True,
) -> RequirementCheck:
    """Check a Debian package; `is_present` is whether its important files exist."""
    remedy = f"{APT_INSTALL_COMMAND} {package}"
    if package not in installed_versions:
        return RequirementCheck(name, "missing", False, remedy, is_required)
    if not is_present:
        return RequirementCheck(name, "damaged", False, f"{remedy} --reinstall", is_required)
    # Without the epoch and Debian's revision.
    version = re.sub(r"^\d+:|[-+~].*$", "", installed_versions[package])
    return RequirementCheck(name, version, True, is_required=is_required)


def _check_audio_packages(installed_versions: Mapping[str, str]) -> list[RequirementCheck]:
    # This plugin of the package sc3-plugins is used by several synths and effects of Sonic Pi.
    plugin = SUPERCOLLIDER_PLUGINS_FOLDER / "MdaUGens.so"
    runtime_exists = (SONIC_PI_RUNTIME_FOLDER / "lib/sonicpi").is_dir()
    samples_exist = SONIC_PI_SAMPLES_FOLDER.is_dir()
    return [
        _check_debian_package("Sonic Pi", "sonic-pi-server", installed_versions, runtime_exists),
        _check_debian_package(
            "Sonic Pi's samples", "sonic-pi-samples", installed_versions, samples_exist
        ),
        _check_scsynth(installed_versions),
        _check_debian_package(
            "scsynth's plugins", "sc3-plugins-server", installed_versions, plugin.is_file()
        ),
        _check_debian_package("Ruby", "ruby", installed_versions, bool(shutil.which("ruby"))),
        _check_newer_sonic_pi_sounds(),
    ]


def _check_newer_sonic_pi_sounds() -> RequirementCheck:
    """Check the synths and samples that came after Sonic Pi 3.2.2."""
    name = "Sounds of later Sonic Pi"
    try:
        # Lazy: core.sonicpi needs packages that the set-up installs.
        from core.sonicpi.newer_sonic_pi_sound_installer import (
            find_faulty_files,
            is_installation_current,
        )
        from core.sonicpi.newer_sonic_pi_sounds import load_newer_sonic_pi_sounds
    except ImportError:
        return RequirementCheck(
            name, "not checked before the set-up", False, SETUP_COMMAND, is_required=False
        )
    remedy = f"{SETUP_COMMAND} sounds"
    if not is_installation_current():
        return RequirementCheck(name, "missing or outdated", False, remedy, is_required=False)
    if faulty := find_faulty_files():
        state = f"damaged: {faulty[0]}"
        return RequirementCheck(name, state, False, f"rm -r .sounds; {remedy}", is_required=False)
    sounds = load_newer_sonic_pi_sounds()
    state = f"{len(sounds['synths'])} synths, {len(sounds['samples'])} samples"
    return RequirementCheck(name, state, True, is_required=False)


def _check_scsynth(installed_versions: Mapping[str, str]) -> RequirementCheck:
    check = _check_debian_package(
        "scsynth", "supercollider-server", installed_versions, bool(shutil.which("scsynth"))
    )
    try:
        # Lazy: core.sonicpi needs packages that the set-up installs.
        from core.sonicpi.renderer_versions_and_render_id import (
            REQUIRED_SUPERCOLLIDER_VERSION as REQUIRED_VERSION,
        )
    except ImportError:
        return check
    if check.is_ok and not check.state.startswith(f"{REQUIRED_VERSION}."):
        return RequirementCheck(
            check.name,
            f"{check.state}, not {REQUIRED_VERSION}",
            False,
            f"Install SuperCollider {REQUIRED_VERSION}, the version in Debian 12",
        )
    return check


def _check_sandbox() -> RequirementCheck:
    name = "Sandbox for programs"
    try:
        # Lazy: core.sonicpi needs packages that the set-up installs.
        from core.sonicpi.sandbox import check_sandbox
    except ImportError:
        return RequirementCheck(name, "not checked before the set-up", False, SETUP_COMMAND)
    is_working, explanation = check_sandbox()
    if is_working:
        return RequirementCheck(name, f"works ({explanation})", True)
    if not shutil.which("bwrap"):
        return RequirementCheck(name, "missing", False, f"{APT_INSTALL_COMMAND} bubblewrap")
    return RequirementCheck(name, "does not work", False, explanation)


def _check_python_and_packages() -> list[RequirementCheck]:
    is_supported = SUPPORTED_PYTHONS[0] <= sys.version_info[:2] <= SUPPORTED_PYTHONS[1]
    interpreter = RequirementCheck(
        "Python",
        f"{platform.python_version()} ({sys.executable})",
        is_supported,
        "" if is_supported else "Install Python 3.11, 3.12, 3.13 or 3.14",
    )
    name = "Python packages"
    is_set_up = Path(sys.prefix).resolve() == workspace.PROJECT_FOLDER / ".venv"
    if not is_set_up and not _is_installed_by_pip():
        return [interpreter, RequirementCheck(name, "no .venv yet", False, SETUP_COMMAND)]
    unmet_pins = _list_unmet_pins()
    if unmet_pins:
        state = f"missing or of another version: {', '.join(unmet_pins)}"
        return [interpreter, RequirementCheck(name, state, False, SETUP_COMMAND)]
    return [interpreter, RequirementCheck(name, "all have the pinned versions", True)]


def _is_installed_by_pip() -> bool:
    """Return whether ``pip install -e .`` installed Earshot, so that no .venv is needed."""
    try:
        return bool(metadata.version("earshot"))
    except metadata.PackageNotFoundError:
        return False


def _list_unmet_pins() -> list[str]:
    """Return the pinned packages that are missing or have another version."""
    unmet = []
    for file_name in ("requirements.txt", "requirements/encoders.txt"):
        text = (workspace.PROJECT_FOLDER / file_name).read_text(encoding="utf-8")
        for package, pinned_version, machine in re.findall(PIN_PATTERN, text, re.MULTILINE):
            if machine not in ("", platform.machine()):
                continue
            try:
                # A local version such as 2.13.0+cpu is a build of 2.13.0.
                version = metadata.version(package).partition("+")[0]
            except metadata.PackageNotFoundError:
                version = None
            if version != pinned_version:
                unmet.append(package)
    return unmet


def _check_encoders() -> list[RequirementCheck]:
    try:
        # Lazy: core.encoders needs packages that the set-up installs.
        from core.encoders import PRESETS, list_encoder_specs
        from core.encoders.concatenated_encoders import split_encoder_id

        specs = list_encoder_specs()
        are_available = [spec.is_available_offline() for spec in specs]
    except ImportError:
        return [RequirementCheck("Encoders", "not checked before the set-up", False, SETUP_COMMAND)]
    offline = PRESETS["offline"]
    required_ids = {offline.code_encoder, *split_encoder_id(offline.audio_encoder)}
    return [
        RequirementCheck(
            f"{spec.modality.capitalize()} encoder {spec.id}",
            "available" if is_available else "weights not downloaded",
            is_available,
            "" if is_available else spec.weights_install_instructions,
            is_required=spec.id in required_ids,
        )
        for spec, is_available in zip(specs, are_available)
    ]


def _check_optional_package(
    name: str, package: str, lock: str, consequence: str
) -> RequirementCheck:
    """Return the check of a package that Earshot uses where it is installed."""
    try:
        version = metadata.version(package)
    except metadata.PackageNotFoundError:
        install = f".venv/bin/python -m pip install {lock}"
        return RequirementCheck(name, f"not installed: {consequence}", False, install, False)
    return RequirementCheck(name, version, True, is_required=False)


def _check_optional_packages() -> list[RequirementCheck]:
    return [
        _check_optional_package(
            "OpenVINO, for wav2vec 2.0",
            "openvino",
            "--no-deps -r requirements/openvino.lock",
            "torch is used, which is slower",
        ),
        _check_optional_package(
            "Ray, for --executor ray",
            "ray",
            "-r requirements/cluster.lock",
            "commands use this machine alone",
        ),
        _check_optional_package(
            "s3fs, for --audio-store s3://",
            "s3fs",
            "-r requirements/s3.lock",
            "clips are kept in a folder",
        ),
    ]


def _check_processor() -> RequirementCheck:
    try:
        flags = set(Path("/proc/cpuinfo").read_text().split())
    except OSError:
        flags = set()
    bf16_flags = flags & {"amx_bf16", "avx512_bf16", "bf16"}
    core_count = len(os.sched_getaffinity(0))
    state = f"{core_count} core{'s' if core_count > 1 else ''}, "
    if bf16_flags:
        state += f"native bf16 ({', '.join(sorted(bf16_flags))})"
    else:
        state += "no native bf16: fp32 is used"
    return RequirementCheck("Processor", state, bool(bf16_flags), is_required=False)


def _check_gpu() -> RequirementCheck:
    output = _capture_command_output(
        ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader"]
    )
    if not output or not output.strip():
        return RequirementCheck("GPU", "none: the processor is used", False, is_required=False)
    names = "; ".join(output.strip().splitlines())
    try:
        torch_build = metadata.version("torch").partition("+")[2]
    except metadata.PackageNotFoundError:
        torch_build = ""
    if torch_build == "cpu":
        remedy = "Install a CUDA build of torch"
        return RequirementCheck("GPU", f"{names}, not used", False, remedy, False)
    return RequirementCheck("GPU", names, True, is_required=False)


def _check_total_ram() -> RequirementCheck:
    gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return RequirementCheck("Memory", f"{gib:.1f} GiB", gib >= MIN_MEMORY_GIB, is_required=False)


def _check_workspace() -> RequirementCheck:
    root = workspace.get_workspace_root()
    existing_folder = root
    while not existing_folder.exists():
        existing_folder = existing_folder.parent
    free_gib = workspace.get_free_bytes(existing_folder) / 2**30
    state = f"{root}, {free_gib:.1f} GiB free"
    if not os.access(existing_folder, os.W_OK):
        remedy = "Give write access there, or set EARSHOT_WORKSPACE to another folder"
        return RequirementCheck("Workspace", f"{state}, not writable", False, remedy)
    if free_gib < MIN_FREE_GIB:
        remedy = (
            f"Free {MIN_FREE_GIB:.0f} GiB, or set EARSHOT_WORKSPACE to a folder on another disk"
        )
        return RequirementCheck("Workspace", state, False, remedy)
    return RequirementCheck("Workspace", state, True)
