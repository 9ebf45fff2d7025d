"""The sandbox in which programs run: bubblewrap, with nothing of the user's in it."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from pathlib import Path

from core.errors import EarshotError

HOST_FOLDER = Path(__file__).parent / "host"
PLUGIN_FOLDER = "/usr/lib/SuperCollider/plugins"
# Those whose UGens Sonic Pi's SynthDefs use, RandSeed's among them: loading all
# 174 takes longer than most programs take to play.
PLUGIN_NAMES = (
    "BinaryOp Delay Demand DiskIO_ Distortion DynNoise Filter Grain IO LF Mda MulAdd Noise Osc "
    "Pan Reverb Trigger UnaryOp"
).split()
MAX_SCRATCH_BYTES = 256 << 20
# Most programs end before Ruby needs to collect garbage, if its heap may grow a little first:
# a collection in a forked child copies what it shared with the host.
RUBY_HEAP_SETTINGS = {
    "RUBY_GC_MALLOC_LIMIT": str(128 << 20),
    "RUBY_GC_MALLOC_LIMIT_MAX": str(256 << 20),
    "RUBY_GC_OLDMALLOC_LIMIT": str(128 << 20),
    "RUBY_GC_OLDMALLOC_LIMIT_MAX": str(256 << 20),
    "RUBY_GC_HEAP_FREE_SLOTS_MIN_RATIO": "0.60",
    "RUBY_GC_HEAP_FREE_SLOTS_GOAL_RATIO": "0.70",
    "RUBY_GC_HEAP_FREE_SLOTS_MAX_RATIO": "0.80",
}
INSTALL_HINT = "Install it with: sudo apt-get install --no-install-recommends bubblewrap"


def list_plugin_paths() -> list[str]:
    """Paths of scsynth's plugins that the renderer loads."""
    return [f"{PLUGIN_FOLDER}/{name}UGens.so" for name in PLUGIN_NAMES]


def wrap_in_sandbox(command: list[str], *, sample_folders: tuple[Path, ...] = ()) -> list[str]:
    """Return `command` with bubblewrap around it.

    Inside there is a read-only /usr, an empty home and /tmp in memory, and the
    sample folders, read-only, at their own paths; no network, no other process, no device but
    the harmless few such as /dev/null, no capability.

    Parameters
    ----------
    command : list of str
        Runs in the sandbox; the host's files are at /earshot/host, scsynth's
        plugins at /earshot/plugins.
    sample_folders : tuple of Path
        The user's, that programs may read.
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
        "--hostname",
        "earshot",
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
    for path in list_plugin_paths():
        arguments += ["--symlink", path, f"/earshot/plugins/{Path(path).name}"]
    for folder in sample_folders:
        arguments += ["--ro-bind", str(folder), str(folder)]
    environment = {
        "HOME": "/earshot/home",
        "PATH": "/usr/bin",
        "LANG": "C.UTF-8",
        "RUBY_FIBER_VM_STACK_SIZE": "262144",
        "RUBY_FIBER_MACHINE_STACK_SIZE": "524288",
        **RUBY_HEAP_SETTINGS,
    }
    for name, value in environment.items():
        arguments += ["--setenv", name, value]
    return [*arguments, "--remount-ro", "/", "--chdir", "/tmp", "--", *command]


@functools.lru_cache(maxsize=1)
def check_sandbox() -> tuple[bool, str]:
    """Say whether programs can be run in a sandbox here.

    Returns
    -------
    ok : bool
        True when bubblewrap has just run a command.
    why : str
        One sentence for the user: its version, or what is wrong and what to do.
    """
    if not shutil.which("bwrap"):
        return False, f"bubblewrap is not installed. {INSTALL_HINT}"
    try:
        tried = subprocess.run(
            wrap_in_sandbox(["/usr/bin/true"]), capture_output=True, text=True, timeout=20, check=False
        )
        version = subprocess.run(
            ["bwrap", "--version"], capture_output=True, text=True, timeout=20, check=False
        ).stdout.strip()
    except (OSError, subprocess.TimeoutExpired) as error:
        return False, f"bubblewrap does not start: {error}."
    if tried.returncode:
        said = (tried.stderr.strip().splitlines() or ["no reason given"])[-1]
        return False, (
            f"bubblewrap is refused here ({said}). Allow unprivileged user namespaces"
            " (sysctl kernel.unprivileged_userns_clone=1), or run outside a container."
        )
    return True, version


def require_sandbox() -> None:
    """Raise unless programs can be run in a sandbox, or the user has waived it.

    Raises
    ------
    EarshotError
        With the reason and the remedy.
    """
    ok, why = check_sandbox()
    if not ok and not is_sandbox_disabled():
        raise EarshotError(
            f"Programs are not run without a sandbox. {why}",
            remedy="To run programs that you trust without one, set EARSHOT_NO_SANDBOX=1.",
        )


def is_sandbox_disabled() -> bool:
    """True when the user has waived the sandbox with EARSHOT_NO_SANDBOX=1."""
    return os.environ.get("EARSHOT_NO_SANDBOX") == "1"
