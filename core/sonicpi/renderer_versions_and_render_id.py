"""Versions of Sonic Pi, scsynth and the renderer, and the id of a render that depends on them."""

from __future__ import annotations

import functools
import hashlib
import re
import shutil
import subprocess
from pathlib import Path

from core.errors import EarshotError
from core.sonicpi.audio_clip_and_render_result import SAMPLE_RATE
from core.sonicpi.newer_sonic_pi_sounds import (
    are_newer_sonic_pi_sounds_installed,
    contains_name_of_newer_sound,
)

# Must be incremented whenever the sound of any program changes.
RENDERER_VERSION = 2
# The versions of Sonic Pi whose sound a program can be rendered with (see docs/renderer.md).
SONIC_PI_CHOICES = ("3.2", "5")
DEFAULT_SONIC_PI = "3.2"
SONIC_PI_RUNTIME_PATH = Path("/usr/lib/sonic-pi/app/server/ruby/lib/sonicpi/runtime.rb")
REQUIRED_SUPERCOLLIDER_VERSION = "3.13"
INSTALL_HINT = (
    "Install it with: sudo apt-get install --no-install-recommends sonic-pi-server"
    " sonic-pi-samples supercollider-server sc3-plugins-server ruby"
)


@functools.lru_cache(maxsize=1)
def get_sonic_pi_version() -> str:
    """Return the version of the installed Sonic Pi server, such as "3.2.2".

    Raises
    ------
    EarshotError
        When Sonic Pi is not installed.
    """
    try:
        source = SONIC_PI_RUNTIME_PATH.read_text(encoding="utf-8")
    except OSError as error:
        raise EarshotError("Sonic Pi's server is not installed.", remedy=INSTALL_HINT) from error
    match = re.search(r"@version = Version\.new\((\d+), *(\d+), *(\d+)", source)
    return ".".join(match.groups()) if match else "unknown"


@functools.lru_cache(maxsize=1)
def get_scsynth_version() -> str:
    """Return the version of the installed scsynth, such as "3.13.0".

    Raises
    ------
    EarshotError
        When scsynth is not installed.
    """
    if not shutil.which("scsynth"):
        raise EarshotError("SuperCollider's scsynth is not installed.", remedy=INSTALL_HINT)
    output = subprocess.run(
        ["scsynth", "-v"], capture_output=True, text=True, timeout=20, check=False
    ).stdout
    match = re.search(r"scsynth (\d+\.\d+(?:\.\d+)?)", output)
    return match.group(1) if match else "unknown"


def require_supported_renderer_versions() -> None:
    """Raise unless the renderer supports the installed versions.

    Raises
    ------
    EarshotError
        When Sonic Pi or scsynth is missing, or scsynth has another minor version. The renderer uses
        scsynth as a library, and its interface changes between minor versions.
    """
    get_sonic_pi_version()
    if not get_scsynth_version().startswith(REQUIRED_SUPERCOLLIDER_VERSION + "."):
        raise EarshotError(
            f"SuperCollider {get_scsynth_version()} is installed, but the renderer needs"
            f" {REQUIRED_SUPERCOLLIDER_VERSION}.",
            remedy="Install supercollider-server 3.13, for example from Debian 12.",
        )


def validate_sonic_pi_choice(sonic_pi: str) -> str:
    """Return a choice of Sonic Pi's version unchanged.

    Raises
    ------
    EarshotError
        When it is not one of `SONIC_PI_CHOICES`.
    """
    if sonic_pi not in SONIC_PI_CHOICES:
        raise EarshotError(
            f"Programs cannot be rendered with the sound of Sonic Pi {sonic_pi!r}.",
            remedy=f"Use one of: {', '.join(SONIC_PI_CHOICES)}.",
        )
    return sonic_pi


def compute_render_id(
    source: str,
    seconds: float = 18.0,
    sample_rate: int = SAMPLE_RATE,
    sonic_pi: str = DEFAULT_SONIC_PI,
) -> str:
    """Return the id of a render; renders with the same id have the same samples.

    Parameters
    ----------
    source : str
        The program.
    seconds : float
        Length of the clip.
    sample_rate : int
        In Hz.
    sonic_pi : {"3.2", "5"}
        Version of Sonic Pi whose sound the clip has.

    Returns
    -------
    str
        64 hex digits: SHA-256 of the source, the versions and the settings. The id of a program
        that names a later sound changes when the sounds are installed, so that it is rendered
        again.
    """
    fields: tuple[object, ...] = (
        RENDERER_VERSION,
        get_sonic_pi_version(),
        get_scsynth_version(),
        float(seconds),
        int(sample_rate),
        source,
    )
    # In front, where nothing in a source can look like them. The ids of Sonic Pi 3.2 stay the same.
    if sonic_pi != DEFAULT_SONIC_PI:
        fields = (f"Sonic Pi {validate_sonic_pi_choice(sonic_pi)}", *fields)
    if not are_newer_sonic_pi_sounds_installed() and contains_name_of_newer_sound(source):
        fields = ("without later sounds", *fields)
    return hashlib.sha256("\0".join(map(str, fields)).encode("utf-8", "surrogatepass")).hexdigest()
