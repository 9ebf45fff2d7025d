"""Which Sonic Pi, SuperCollider and renderer a clip comes from."""

from __future__ import annotations

import functools
import hashlib
import re
import shutil
import subprocess
from pathlib import Path

from core.errors import EarshotError
from core.sonicpi.clip import SAMPLE_RATE

# Raised whenever the same program would sound otherwise than before.
RENDERER_VERSION = 1
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
        When it is not installed.
    """
    try:
        source = SONIC_PI_RUNTIME_PATH.read_text(encoding="utf-8")
    except OSError as error:
        raise EarshotError("Sonic Pi's server is not installed.", remedy=INSTALL_HINT) from error
    found = re.search(r"@version = Version\.new\((\d+), *(\d+), *(\d+)", source)
    return ".".join(found.groups()) if found else "unknown"


@functools.lru_cache(maxsize=1)
def get_scsynth_version() -> str:
    """Return the version of the installed scsynth, such as "3.13.0".

    Raises
    ------
    EarshotError
        When it is not installed.
    """
    if not shutil.which("scsynth"):
        raise EarshotError("SuperCollider's scsynth is not installed.", remedy=INSTALL_HINT)
    said = subprocess.run(
        ["scsynth", "-v"], capture_output=True, text=True, timeout=20, check=False
    ).stdout
    found = re.search(r"scsynth (\d+\.\d+(?:\.\d+)?)", said)
    return found.group(1) if found else "unknown"


def require_supported_versions() -> None:
    """Raise unless the installed versions are those that the renderer knows.

    Raises
    ------
    EarshotError
        scsynth is used as a library whose interface is that of one minor version.
    """
    get_sonic_pi_version()
    if not get_scsynth_version().startswith(REQUIRED_SUPERCOLLIDER_VERSION + "."):
        raise EarshotError(
            f"SuperCollider {get_scsynth_version()} is installed, and the renderer needs"
            f" {REQUIRED_SUPERCOLLIDER_VERSION}.",
            remedy="Debian 12 has it: supercollider-server 3.13.",
        )


def compute_render_id(source: str, seconds: float = 18.0, sample_rate: int = SAMPLE_RATE) -> str:
    """Return the name of a render: equal for renders that would be equal.

    Parameters
    ----------
    source : str
        The program.
    seconds : float
        Length of the clip.
    sample_rate : int
        In Hz.

    Returns
    -------
    str
        64 hex digits: SHA-256 of the source and everything it is rendered with.
    """
    made_of = (
        RENDERER_VERSION,
        get_sonic_pi_version(),
        get_scsynth_version(),
        float(seconds),
        int(sample_rate),
        source,
    )
    return hashlib.sha256("\0".join(map(str, made_of)).encode("utf-8", "surrogatepass")).hexdigest()
