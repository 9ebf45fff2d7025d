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

APT = "sudo apt-get install --yes --no-install-recommends"
SET_UP = "./run"
PYTHONS = ((3, 11), (3, 14))
# The starter corpus with its clips, and room to breathe.
FREE_GIB = 2.0
RUNTIME = Path("/usr/lib/sonic-pi/app/server/ruby")
SAMPLES = Path("/usr/share/sonic-pi/samples")
PLUGINS = Path("/usr/lib/SuperCollider/plugins")


@dataclass(frozen=True)
class DoctorRow:
    """One thing that Earshot needs or could use.

    Attributes
    ----------
    what : str
        Its name.
    state : str
        What was found: a version, an amount, "missing", or why it doesn't work.
    ok : bool
        Whether it is there and works.
    remedy : str
        The command, or else a sentence, that gets it; "" when nothing is to be done.
    needed : bool
        Whether Earshot can't do without.
    """

    what: str
    state: str
    ok: bool
    remedy: str = ""
    needed: bool = True


def doctor_rows() -> list[DoctorRow]:
    """Look at this machine: system, sound, Python, encoders, hardware, disk."""
    packages = _debian_versions()
    return [
        DoctorRow("System", _system(), True),
        *_sound(packages),
        _sandbox(),
        *_python(),
        *_encoders(),
        _openvino(),
        _processor(),
        _gpu(),
        _memory(),
        _workspace(),
        _installed("Chromium, for ./run test", "chromium", packages, needed=False),
    ]


def _system() -> str:
    try:
        name = platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        name = ""
    return f"{name or platform.system()}, {platform.machine()}"


def _debian_versions() -> dict[str, str]:
    """Version by name of the Debian packages that are wholly installed, of those asked about."""
    names = ["sonic-pi-server", "sonic-pi-samples", "supercollider-server", "sc3-plugins-server"]
    names += ["ruby", "bubblewrap", "chromium"]
    pattern = "${Package} ${db:Status-Abbrev} ${Version}\n"
    out = _output(["dpkg-query", "--show", f"--showformat={pattern}", *names]) or ""
    fields = [line.split() for line in out.splitlines()]
    return {name: version for name, status, version, *_ in filter(_is_whole, fields)}


def _is_whole(fields: list[str]) -> bool:
    return len(fields) >= 3 and fields[1] == "ii"


def _output(command: list[str], timeout: float = 5.0) -> str | None:
    """What `command` prints, or None when it isn't there or doesn't end."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout


def _installed(
    what: str, package: str, packages: dict[str, str], there: bool = True, needed: bool = True
) -> DoctorRow:
    """A row for something that comes in a Debian package and, with `there`, lies in its place."""
    remedy = f"{APT} {package}"
    if package not in packages:
        return DoctorRow(what, "missing", False, remedy, needed)
    if not there:
        return DoctorRow(what, "damaged", False, f"{remedy} --reinstall", needed)
    return DoctorRow(what, re.sub(r"^\d+:|[-+~].*$", "", packages[package]), True, needed=needed)


def _scsynth(packages: dict[str, str]) -> DoctorRow:
    row = _installed("scsynth", "supercollider-server", packages, bool(shutil.which("scsynth")))
    try:
        from core.sonicpi.versions import SUPERCOLLIDER
    except ImportError:
        return row
    if row.ok and not row.state.startswith(f"{SUPERCOLLIDER}."):
        remedy = f"Earshot needs {SUPERCOLLIDER}, as Debian 12 has it"
        return DoctorRow(row.what, f"{row.state}, not {SUPERCOLLIDER}", False, remedy)
    return row


def _sound(packages: dict[str, str]) -> list[DoctorRow]:
    # A plugin of the package sc3-plugins, which several of Sonic Pi's synths and FX play with.
    plugin = PLUGINS / "MdaUGens.so"
    return [
        _installed("Sonic Pi", "sonic-pi-server", packages, (RUNTIME / "lib/sonicpi").is_dir()),
        _installed("Sonic Pi's samples", "sonic-pi-samples", packages, SAMPLES.is_dir()),
        _scsynth(packages),
        _installed("scsynth's plugins", "sc3-plugins-server", packages, plugin.is_file()),
        _installed("Ruby", "ruby", packages, bool(shutil.which("ruby"))),
    ]


def _sandbox() -> DoctorRow:
    what = "Sandbox for programs"
    try:
        from core.sonicpi.sandbox import sandbox_state
    except ImportError:
        return DoctorRow(what, "not tried before the set-up", False, SET_UP)
    ok, why = sandbox_state()
    if ok:
        return DoctorRow(what, f"works ({why})", True)
    if not shutil.which("bwrap"):
        return DoctorRow(what, "missing", False, f"{APT} bubblewrap")
    return DoctorRow(what, "does not work", False, why)


def _python() -> list[DoctorRow]:
    fits = PYTHONS[0] <= sys.version_info[:2] <= PYTHONS[1]
    interpreter = DoctorRow(
        "Python",
        f"{platform.python_version()} ({sys.executable})",
        fits,
        "" if fits else "Install a Python from 3.11 to 3.14",
    )
    if Path(sys.prefix).resolve() != workspace.PROJECT / ".venv":
        return [interpreter, DoctorRow("Python packages", "no .venv yet", False, SET_UP)]
    off = _unmet_pins()
    state = f"missing or of another version: {', '.join(off)}" if off else "all as pinned"
    return [interpreter, DoctorRow("Python packages", state, not off, SET_UP if off else "")]


def _unmet_pins() -> list[str]:
    unmet = []
    for name in ("requirements.txt", "requirements-encoders.txt"):
        text = (workspace.PROJECT / name).read_text(encoding="utf-8")
        for package, version in re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE):
            try:
                # A local version such as 2.13.0+cpu is a build of 2.13.0.
                found = metadata.version(package).partition("+")[0]
            except metadata.PackageNotFoundError:
                found = None
            if found != version:
                unmet.append(package)
    return unmet


def _encoders() -> list[DoctorRow]:
    try:
        from core.encoders import PRESETS, entries

        found = [(entry, entry.at_hand()) for entry in entries()]
    except ImportError:
        return [DoctorRow("Encoders", "not listed before the set-up", False, SET_UP)]
    always = {PRESETS["offline"].code, PRESETS["offline"].audio}
    return [
        DoctorRow(
            f"{entry.modality.capitalize()} encoder {entry.id}",
            "at hand" if there else "weights not at hand",
            there,
            "" if there else entry.how_to_get,
            needed=entry.id in always,
        )
        for entry, there in found
    ]


def _openvino() -> DoctorRow:
    what = "OpenVINO, for wav2vec 2.0"
    try:
        version = metadata.version("openvino")
    except metadata.PackageNotFoundError:
        get = ".venv/bin/python -m pip install --no-deps -r requirements-openvino.lock"
        return DoctorRow(what, "not installed: torch does it, more slowly", False, get, False)
    return DoctorRow(what, version, True, needed=False)


def _processor() -> DoctorRow:
    try:
        flags = set(Path("/proc/cpuinfo").read_text().split())
    except OSError:
        flags = set()
    native = flags & {"amx_bf16", "avx512_bf16", "bf16"}
    cores = len(os.sched_getaffinity(0))
    state = f"{cores} core{'s' if cores > 1 else ''}, "
    state += f"native bf16 ({', '.join(sorted(native))})" if native else "no native bf16: fp32"
    return DoctorRow("Processor", state, bool(native), needed=False)


def _gpu() -> DoctorRow:
    names = _output(["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader"])
    if not names or not names.strip():
        return DoctorRow("GPU", "none; the processor does it all", False, needed=False)
    found = "; ".join(names.strip().splitlines())
    try:
        build = metadata.version("torch").partition("+")[2]
    except metadata.PackageNotFoundError:
        build = ""
    if build == "cpu":
        return DoctorRow("GPU", f"{found}, not used", False, "Install a CUDA build of torch", False)
    return DoctorRow("GPU", found, True, needed=False)


def _memory() -> DoctorRow:
    gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return DoctorRow("Memory", f"{gib:.1f} GiB", gib >= 3.5, "", needed=False)


def _workspace() -> DoctorRow:
    root = workspace.root()
    place = root
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free / 2**30
    state = f"{root}, {free:.1f} GiB free"
    if not os.access(place, os.W_OK):
        remedy = "Give write access there, or set EARSHOT_WORKSPACE to another folder"
        return DoctorRow("Workspace", f"{state}, not writable", False, remedy)
    if free < FREE_GIB:
        remedy = f"Free {FREE_GIB:.0f} GiB, or set EARSHOT_WORKSPACE to a folder on another disk"
        return DoctorRow("Workspace", state, False, remedy)
    return DoctorRow("Workspace", state, True)
