"""Under what terms Earshot's parts may be used: `./run licences` lists them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from core import workspace

LOCK_ENTRY_PATTERN = re.compile(r"^([\w.-]+)==", re.MULTILINE)
DEBIAN_PACKAGES = (
    "sonic-pi-server",
    "sonic-pi-samples",
    "supercollider-server",
    "sc3-plugins-server",
    "ruby",
    "bubblewrap",
    "chromium",
)
_COPYRIGHT_FOLDER = Path("/usr/share/doc")
_MAX_LICENCE_CHARS = 60


@dataclass(frozen=True)
class LicenceRow:
    """One part of Earshot.

    Attributes
    ----------
    kind : str
        "Python package", "Debian package" or "encoder".
    name, version : str
        Version is empty where the part has none or is not installed.
    licence : str
        As its makers state it; "not stated" if they don't.
    """

    kind: str
    name: str
    version: str
    licence: str


def list_licences() -> list[LicenceRow]:
    """Every part with its licence: what the locks name, Debian's packages, the encoders."""
    return [*_list_python_licences(), *_list_debian_licences(), *_list_encoder_licences()]


def _list_python_licences() -> list[LicenceRow]:
    names: set[str] = set()
    for lock in sorted((workspace.PROJECT_FOLDER / "requirements").glob("*.lock")):
        names |= set(LOCK_ENTRY_PATTERN.findall(lock.read_text(encoding="utf-8")))
    rows = []
    for name in sorted(names):
        try:
            found = metadata.metadata(name)
        except metadata.PackageNotFoundError:
            continue  # for another system, or for tests that were never run here
        rows.append(LicenceRow("Python package", name, found["Version"], _read_stated_licence(found)))
    return rows


def _read_stated_licence(package_metadata: metadata.PackageMetadata) -> str:
    """The licence that a package's metadata state, in the order of what they are worth."""
    if expression := package_metadata.get("License-Expression"):
        return expression
    classifiers = [
        each.rpartition(" :: ")[2]
        for each in package_metadata.get_all("Classifier") or ()
        if each.startswith("License ::") and not each.endswith("OSI Approved")
    ]
    if classifiers:
        return ", ".join(classifiers)
    # Some put the whole text here; its first line is its name.
    first = (package_metadata.get("License") or "").strip().partition("\n")[0].strip()
    return first[:_MAX_LICENCE_CHARS] or "not stated"


def _list_debian_licences() -> list[LicenceRow]:
    rows = []
    for name in DEBIAN_PACKAGES:
        path = _COPYRIGHT_FOLDER / name / "copyright"
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        stated = dict.fromkeys(re.findall(r"^License: *(\S.*)$", text, re.MULTILINE))
        rows.append(LicenceRow("Debian package", name, "", ", ".join(stated) or f"see {path}"))
    return rows


def _list_encoder_licences() -> list[LicenceRow]:
    from core.encoders import list_encoder_specs

    return [LicenceRow("encoder", each.id, "", each.licence) for each in list_encoder_specs()]
