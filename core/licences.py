"""Licences of Earshot's parts: Python, Debian and npm packages and encoder weights."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from core import workspace
from core.encoders import list_encoder_specs
from core.system_requirement_checks import DEBIAN_PACKAGES

LOCK_ENTRY_PATTERN = re.compile(r"^([\w.-]+)==", re.MULTILINE)
_COPYRIGHT_FOLDER = Path("/usr/share/doc")
_MAX_LICENCE_CHARS = 60


@dataclass(frozen=True)
class LicenceRow:
    """Licence of one part of Earshot.

    Attributes
    ----------
    kind : str
        "Python package", "Debian package", "npm package" or "encoder".
    name : str
        Name of the package or id of the encoder.
    version : str
        Empty for Debian packages and encoders.
    licence : str
        As its authors state it; "not stated" if they do not.
    """

    kind: str
    name: str
    version: str
    licence: str


def list_licences() -> list[LicenceRow]:
    """Return the licences of installed Python and Debian packages and of all encoders."""
    return [
        *_list_python_licences(),
        *_list_debian_licences(),
        *_list_sound_licences(),
        *_list_encoder_licences(),
    ]


def _list_python_licences() -> list[LicenceRow]:
    names: set[str] = set()
    for lock in sorted((workspace.PROJECT_FOLDER / "requirements").glob("*.lock")):
        names |= set(LOCK_ENTRY_PATTERN.findall(lock.read_text(encoding="utf-8")))
    rows = []
    for name in sorted(names):
        try:
            package = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            # Packages for other systems and for optional features are not installed.
            continue
        licence = _read_stated_licence(package)
        rows.append(LicenceRow("Python package", name, package.version, licence))
    return rows


def _read_stated_licence(package: metadata.Distribution) -> str:
    """Return the licence from the most precise field of a package's metadata, or its own file."""
    package_metadata = package.metadata
    if expressions := package_metadata.get_all("License-Expression"):
        return expressions[0]
    classifiers = [
        classifier.rpartition(" :: ")[2]
        for classifier in package_metadata.get_all("Classifier") or ()
        if classifier.startswith("License ::") and not classifier.endswith("OSI Approved")
    ]
    if classifiers:
        return ", ".join(classifiers)
    # Some packages put the whole text here, which starts with the name of the licence.
    texts = package_metadata.get_all("License") or [
        package.read_text(f"licenses/{name}") or ""
        for name in package_metadata.get_all("License-File") or ()
    ]
    text = texts[0] if texts else ""
    return text.strip().partition("\n")[0].strip()[:_MAX_LICENCE_CHARS] or "not stated"


def _list_debian_licences() -> list[LicenceRow]:
    rows = []
    for name in DEBIAN_PACKAGES:
        path = _COPYRIGHT_FOLDER / name / "copyright"
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        licences = dict.fromkeys(re.findall(r"^License: *(\S.*)$", text, re.MULTILINE))
        rows.append(LicenceRow("Debian package", name, "", ", ".join(licences) or f"see {path}"))
    return rows


def _list_sound_licences() -> list[LicenceRow]:
    """Return the licences of the packages with sounds that came after Sonic Pi 3.2.2."""
    lock = workspace.PROJECT_FOLDER / "requirements/sounds/package-lock.json"
    packages = json.loads(lock.read_text(encoding="utf-8"))["packages"]
    return [
        LicenceRow(
            "npm package", path.removeprefix("node_modules/"), entry["version"], entry["license"]
        )
        for path, entry in packages.items()
        if path
    ]


def _list_encoder_licences() -> list[LicenceRow]:
    return [LicenceRow("encoder", spec.id, "", spec.licence) for spec in list_encoder_specs()]
