"""The bubblewrap sandbox in which programs run, without access to the user's files."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from pathlib import Path

from core.errors import EarshotError
from core.sonicpi.newer_sonic_pi_sounds import (
    LATER_SOUNDS_FOLDER,
    are_newer_sonic_pi_sounds_installed,
)

HOST_FOLDER = Path(__file__).parent / "host"
# Where a program in the sandbox finds the sounds of later versions.
SANDBOXED_SOUNDS_FOLDER = "/earshot/sounds"
PLUGIN_FOLDER = "/usr/lib/SuperCollider/plugins"
# Only plugins with UGens of Sonic Pi's SynthDefs and RandSeed are loaded, because loading all 174
# takes longer than rendering most programs.
PLUGIN_NAMES = (
    "BinaryOp Delay Demand DiskIO_ Distortion DynNoise Filter Grain IO LF Mda MulAdd Noise Osc "
    "Pan Reverb Trigger UnaryOp"
).split()
MAX_SCRATCH_BYTES = 256 << 20
# Environment of the Ruby interpreter.
RUBY_SETTINGS = {
    # The stacks of Ruby's threads, so that functions can call themselves as often as in live Sonic
    # Pi. A thread of the system uses three pages of its stack before its block starts.
    "RUBY_FIBER_VM_STACK_SIZE": str(1 << 20),
    "RUBY_FIBER_MACHINE_STACK_SIZE": str((1 << 20) - 3 * 4096),
    # With a larger heap, most programs end before Ruby collects garbage. A collection in a forked
    # child is slow, because it copies the memory that the child shares with the host.
    "RUBY_GC_MALLOC_LIMIT": str(128 << 20),
    "RUBY_GC_MALLOC_LIMIT_MAX": str(256 << 20),
    "RUBY_GC_OLDMALLOC_LIMIT": str(128 << 20),
    "RUBY_GC_OLDMALLOC_LIMIT_MAX": str(256 << 20),
    "RUBY_GC_HEAP_FREE_SLOTS_MIN_RATIO": "0.60",
    "RUBY_GC_HEAP_FREE_SLOTS_GOAL_RATIO": "0.70",
    "RUBY_GC_HEAP_FREE_SLOTS_MAX_RATIO": "0.80",
}
# Docker and Podman create these in every container.
CONTAINER_MARKER_FILES = (Path("/.dockerenv"), Path("/run/.containerenv"))
INSTALL_HINT = "Install it with: sudo apt-get install --no-install-recommends bubblewrap"


def list_scsynth_plugin_paths() -> list[str]:
    """Return the paths of the scsynth plugins that the renderer loads."""
    return [f"{PLUGIN_FOLDER}/{name}UGens.so" for name in PLUGIN_NAMES]


def wrap_in_sandbox(command: list[str], *, sample_folders: tuple[Path, ...] = ()) -> list[str]:
    """Return a command that runs `command` in the sandbox.

    The sandbox has a read-only /usr, an empty home and an empty /tmp in memory, and the sample
    folders, read-only, at their own paths. It has no network, no other processes, no capabilities,
    and only harmless devices such as /dev/null.

    Parameters
    ----------
    command : list of str
        Command inside the sandbox, where the host's scripts are at /earshot/host, scsynth's
        plugins at /earshot/plugins and the sounds of later versions, if they are installed, at
        /earshot/sounds.
    sample_folders : tuple of Path
        Folders that programs may read.
    """
    arguments = [
        "bwrap",
        "--unshare-user",
        "--unshare-ipc",
        "--unshare-pid",
        "--unshare-net",
        "--unshare-uts",
        "--unshare-cgroup-try",
        "--disable-userns",
        "--die-with-parent",
        "--new-session",
        "--as-pid-1",
        "--cap-drop",
        "ALL",
        *(["--hostname", "earshot"] if can_set_hostname() else []),
        "--clearenv",
        "--ro-bind",
        "/usr",
        "/usr",
        "--symlink",
        "usr/bin",
        "/bin",
        "--symlink",
        "usr/lib",
        "/lib",
        "--symlink",
        "usr/lib64",
        "/lib64",
        "--ro-bind-try",
        "/etc/alternatives",
        "/etc/alternatives",
        "--ro-bind-try",
        "/etc/ld.so.cache",
        "/etc/ld.so.cache",
        "--proc",
        "/proc",
        "--dev",
        "/dev",
        "--remount-ro",
        "/dev",
        "--size",
        str(MAX_SCRATCH_BYTES),
        "--tmpfs",
        "/tmp",
        "--size",
        str(MAX_SCRATCH_BYTES),
        "--tmpfs",
        "/earshot/home",
        "--ro-bind",
        str(HOST_FOLDER),
        "/earshot/host",
    ]
    for path in list_scsynth_plugin_paths():
        arguments += ["--symlink", path, f"/earshot/plugins/{Path(path).name}"]
    if are_newer_sonic_pi_sounds_installed():
        arguments += ["--ro-bind", str(LATER_SOUNDS_FOLDER), SANDBOXED_SOUNDS_FOLDER]
    for folder in sample_folders:
        arguments += ["--ro-bind", str(folder), str(folder)]
    environment = {
        "HOME": "/earshot/home",
        "PATH": "/usr/bin",
        "LANG": "C.UTF-8",
        **RUBY_SETTINGS,
    }
    for name, value in environment.items():
        arguments += ["--setenv", name, value]
    return [*arguments, "--remount-ro", "/", "--chdir", "/tmp", "--", *command]


@functools.lru_cache(maxsize=1)
def can_set_hostname() -> bool:
    """Return whether bubblewrap may set the host name of its own namespace.

    Podman's filter of system calls refuses that, and nothing else that the sandbox needs. Programs
    there see the container's host name, which is random, and the filter can stay.
    """
    if not is_running_in_container():
        return True
    trial = ["bwrap", "--unshare-user", "--unshare-uts", "--hostname", "earshot"]
    try:
        result = subprocess.run(
            [*trial, "--ro-bind", "/", "/", "/usr/bin/true"],
            capture_output=True,
            timeout=20,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return True  # The check of the whole sandbox reports the cause.
    return result.returncode == 0 or b"hostname" not in result.stderr


@functools.lru_cache(maxsize=1)
def check_sandbox() -> tuple[bool, str]:
    """Check whether programs can run in the sandbox on this machine.

    Returns
    -------
    is_available : bool
        True when bubblewrap ran a command.
    explanation : str
        The version of bubblewrap, or one sentence with the cause and the remedy.
    """
    if not shutil.which("bwrap"):
        return False, f"bubblewrap is not installed. {INSTALL_HINT}"
    try:
        trial = subprocess.run(
            wrap_in_sandbox(["/usr/bin/true"]),
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        version = subprocess.run(
            ["bwrap", "--version"], capture_output=True, text=True, timeout=20, check=False
        ).stdout.strip()
    except (OSError, subprocess.TimeoutExpired) as error:
        return False, f"bubblewrap does not start: {error}."
    if trial.returncode:
        cause = (trial.stderr.strip().splitlines() or ["no reason given"])[-1]
        return False, f"bubblewrap is not permitted here ({cause}). {_suggest_sandbox_permission()}"
    return True, version


def _suggest_sandbox_permission() -> str:
    """Return how to permit the sandbox: by a container's options, or by settings of the kernel."""
    if is_running_in_container():
        return (
            "Start the container with Podman's --security-opt unmask=ALL, or with Docker's"
            " --security-opt seccomp=unconfined --security-opt systempaths=unconfined"
            " (docs/installation.md)."
        )
    return (
        "Allow unprivileged user namespaces: sysctl kernel.unprivileged_userns_clone=1, on Ubuntu"
        " sysctl kernel.apparmor_restrict_unprivileged_userns=0."
    )


def is_running_in_container() -> bool:
    """Return whether Docker, Podman or another container engine started this process."""
    return "container" in os.environ or any(path.exists() for path in CONTAINER_MARKER_FILES)


def require_sandbox() -> None:
    """Raise unless the sandbox is available, or the user has disabled it.

    Raises
    ------
    EarshotError
        With the cause and the remedy.
    """
    is_available, explanation = check_sandbox()
    if not is_available and not is_sandbox_disabled():
        raise EarshotError(
            f"Programs are not run without a sandbox. {explanation}",
            remedy="To run trusted programs without a sandbox, set EARSHOT_NO_SANDBOX=1.",
        )


def is_sandbox_disabled() -> bool:
    """Return True when the user has disabled the sandbox with EARSHOT_NO_SANDBOX=1."""
    return os.environ.get("EARSHOT_NO_SANDBOX") == "1"
