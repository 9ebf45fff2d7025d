"""What Earshot needs and could use, what is there, and how to get what isn't.

Everything is looked up without changing anything, and with the standard library
alone as far as that goes: before the set-up there is nothing else.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from core import workspace

APT_INSTALL_COMMAND = "sudo apt-get install --yes --no-install-recommends"
SETUP_COMMAND = "./run"
SUPPORTED_PYTHONS = ((3, 11), (3, 14))
# The starter corpus with its clips, and room to breathe.
MIN_FREE_GIB = 2.0
SONIC_PI_RUNTIME_FOLDER = Path("/usr/lib/sonic-pi/app/server/ruby")
SONIC_PI_SAMPLES_FOLDER = Path("/usr/share/sonic-pi/samples")
SUPERCOLLIDER_PLUGINS_FOLDER = Path("/usr/lib/SuperCollider/plugins")


@dataclass(frozen=True)
class RequirementCheck:
    """One thing that Earshot needs or could use.

    Attributes
    ----------
    name : str
        Its name.
    state : str
        What was found: a version, an amount, "missing", or why it doesn't work.
    is_ok : bool
        Whether it is there and works.
    remedy : str
        The command, or else a sentence, that gets it; "" when nothing is to be done.
    is_required : bool
        Whether Earshot can't do without.
    """

    name: str
    state: str
    is_ok: bool
    remedy: str = ""
    is_required: bool = True


def check_requirements() -> list[RequirementCheck]:
    """Look at this machine: system, sound, Python, encoders, hardware, disk."""
    packages = _read_debian_versions()
    return [
        RequirementCheck("System", _describe_system(), True),
        *_check_audio_packages(packages),
        _check_sandbox(),
        *_check_python(),
        *_check_encoders(),
        _check_openvino(),
        _check_processor(),
        _check_gpu(),
        _check_memory(),
        _check_workspace(),
        _check_debian_package("Chromium, for ./run test", "chromium", packages, is_required=False),
    ]


def _describe_system() -> str:
    try:
        name = platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        name = ""
    return f"{name or platform.system()}, {platform.machine()}"


def _read_debian_versions() -> dict[str, str]:
    """Version by name of the Debian packages that are wholly installed, of those asked about."""
    names = ["sonic-pi-server", "sonic-pi-samples", "supercollider-server", "sc3-plugins-server"]
    names += ["ruby", "bubblewrap", "chromium"]
    pattern = "${Package} ${db:Status-Abbrev} ${Version}\n"
    out = _capture_output(["dpkg-query", "--show", f"--showformat={pattern}", *names]) or ""
    fields = [line.split() for line in out.splitlines()]
    return {name: version for name, status, version, *_ in filter(_is_installed, fields)}


def _is_installed(fields: list[str]) -> bool:
    return len(fields) >= 3 and fields[1] == "ii"


def _capture_output(command: list[str], timeout_s: float = 5.0) -> str | None:
    """What `command` prints, or None when it isn't there or doesn't end."""
    try:
        done = subprocess.run(
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
    return done.stdout


def _check_debian_package(
    name: str, package: str, installed_versions: dict[str, str], is_present: bool = True, is_required: bool = True
) -> RequirementCheck:
    """A row for something that comes in a Debian package and, with `is_present`, lies in its place."""
    remedy = f"{APT_INSTALL_COMMAND} {package}"
    if package not in installed_versions:
        return RequirementCheck(name, "missing", False, remedy, is_required)
    if not is_present:
        return RequirementCheck(name, "damaged", False, f"{remedy} --reinstall", is_required)
    return RequirementCheck(name, re.sub(r"^\d+:|[-+~].*$", "", installed_versions[package]), True, is_required=is_required)


def _check_scsynth(installed_versions: dict[str, str]) -> RequirementCheck:
    row = _check_debian_package("scsynth", "supercollider-server", installed_versions, bool(shutil.which("scsynth")))
    try:
        from core.sonicpi.versions import REQUIRED_SUPERCOLLIDER_VERSION
    except ImportError:
        return row
    if row.is_ok and not row.state.startswith(f"{REQUIRED_SUPERCOLLIDER_VERSION}."):
        remedy = f"Earshot needs {REQUIRED_SUPERCOLLIDER_VERSION}, as Debian 12 has it"
        return RequirementCheck(row.name, f"{row.state}, not {REQUIRED_SUPERCOLLIDER_VERSION}", False, remedy)
    return row


def _check_audio_packages(installed_versions: dict[str, str]) -> list[RequirementCheck]:
    # A plugin of the package sc3-plugins, which several of Sonic Pi's synths and FX play with.
    plugin = SUPERCOLLIDER_PLUGINS_FOLDER / "MdaUGens.so"
    return [
        _check_debian_package("Sonic Pi", "sonic-pi-server", installed_versions, (SONIC_PI_RUNTIME_FOLDER / "lib/sonicpi").is_dir()),
        _check_debian_package("Sonic Pi's samples", "sonic-pi-samples", installed_versions, SONIC_PI_SAMPLES_FOLDER.is_dir()),
        _check_scsynth(installed_versions),
        _check_debian_package("scsynth's plugins", "sc3-plugins-server", installed_versions, plugin.is_file()),
        _check_debian_package("Ruby", "ruby", installed_versions, bool(shutil.which("ruby"))),
    ]


def _check_sandbox() -> RequirementCheck:
    what = "Sandbox for programs"
    try:
        from core.sonicpi.sandbox import check_sandbox
    except ImportError:
        return RequirementCheck(what, "not tried before the set-up", False, SETUP_COMMAND)
    ok, why = check_sandbox()
    if ok:
        return RequirementCheck(what, f"works ({why})", True)
    if not shutil.which("bwrap"):
        return RequirementCheck(what, "missing", False, f"{APT_INSTALL_COMMAND} bubblewrap")
    return RequirementCheck(what, "does not work", False, why)


def _check_python() -> list[RequirementCheck]:
    fits = SUPPORTED_PYTHONS[0] <= sys.version_info[:2] <= SUPPORTED_PYTHONS[1]
    interpreter = RequirementCheck(
        "Python",
        f"{platform.python_version()} ({sys.executable})",
        fits,
        "" if fits else "Install a Python from 3.11 to 3.14",
    )
    is_set_up = Path(sys.prefix).resolve() == workspace.PROJECT_FOLDER / ".venv"
    if not is_set_up and not _is_installed_by_pip():
        return [interpreter, RequirementCheck("Python packages", "no .venv yet", False, SETUP_COMMAND)]
    off = _list_unmet_pins()
    state = f"missing or of another version: {', '.join(off)}" if off else "all as pinned"
    return [interpreter, RequirementCheck("Python packages", state, not off, SETUP_COMMAND if off else "")]


def _is_installed_by_pip() -> bool:
    """Whether this Python has Earshot from `pip install -e .`, so that it needs no .venv."""
    try:
        return bool(metadata.version("earshot"))
    except metadata.PackageNotFoundError:
        return False


def _list_unmet_pins() -> list[str]:
    unmet = []
    for name in ("requirements.txt", "requirements/encoders.txt"):
        text = (workspace.PROJECT_FOLDER / name).read_text(encoding="utf-8")
        for package, version in re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE):
            try:
                # A local version such as 2.13.0+cpu is a build of 2.13.0.
                found = metadata.version(package).partition("+")[0]
            except metadata.PackageNotFoundError:
                found = None
            if found != version:
                unmet.append(package)
    return unmet


def _check_encoders() -> list[RequirementCheck]:
    try:
        from core.encoders import PRESETS, list_encoder_specs

        found = [(entry, entry.is_available_offline()) for entry in list_encoder_specs()]
    except ImportError:
        return [RequirementCheck("Encoders", "not listed before the set-up", False, SETUP_COMMAND)]
    always = {PRESETS["offline"].code_encoder, PRESETS["offline"].audio_encoder}
    return [
        RequirementCheck(
            f"{entry.modality.capitalize()} encoder {entry.id}",
            "at hand" if there else "weights not at hand",
            there,
            "" if there else entry.install_instructions,
            is_required=entry.id in always,
        )
        for entry, there in found
    ]


def _check_openvino() -> RequirementCheck:
    what = "OpenVINO, for wav2vec 2.0"
    try:
        version = metadata.version("openvino")
    except metadata.PackageNotFoundError:
        get = ".venv/bin/python -m pip install --no-deps -r requirements/openvino.lock"
        return RequirementCheck(what, "not installed: torch does it, more slowly", False, get, False)
    return RequirementCheck(what, version, True, is_required=False)


def _check_processor() -> RequirementCheck:
    try:
        flags = set(Path("/proc/cpuinfo").read_text().split())
    except OSError:
        flags = set()
    native = flags & {"amx_bf16", "avx512_bf16", "bf16"}
    cores = len(os.sched_getaffinity(0))
    state = f"{cores} core{'s' if cores > 1 else ''}, "
    state += f"native bf16 ({', '.join(sorted(native))})" if native else "no native bf16: fp32"
    return RequirementCheck("Processor", state, bool(native), is_required=False)


def _check_gpu() -> RequirementCheck:
    names = _capture_output(["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader"])
    if not names or not names.strip():
        return RequirementCheck("GPU", "none; the processor does it all", False, is_required=False)
    found = "; ".join(names.strip().splitlines())
    try:
        build = metadata.version("torch").partition("+")[2]
    except metadata.PackageNotFoundError:
        build = ""
    if build == "cpu":
        return RequirementCheck("GPU", f"{found}, not used", False, "Install a CUDA build of torch", False)
    return RequirementCheck("GPU", found, True, is_required=False)


def _check_memory() -> RequirementCheck:
    gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return RequirementCheck("Memory", f"{gib:.1f} GiB", gib >= 3.5, "", is_required=False)


def _check_workspace() -> RequirementCheck:
    root = workspace.get_workspace_root()
    place = root
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free / 2**30
    state = f"{root}, {free:.1f} GiB free"
    if not os.access(place, os.W_OK):
        remedy = "Give write access there, or set EARSHOT_WORKSPACE to another folder"
        return RequirementCheck("Workspace", f"{state}, not writable", False, remedy)
    if free < MIN_FREE_GIB:
        remedy = f"Free {MIN_FREE_GIB:.0f} GiB, or set EARSHOT_WORKSPACE to a folder on another disk"
        return RequirementCheck("Workspace", state, False, remedy)
    return RequirementCheck("Workspace", state, True)
