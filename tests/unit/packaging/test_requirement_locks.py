"""The locks pin what pyproject.toml and requirements.txt name, each file by its hash."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[3]
LOCKS = sorted((PROJECT / "requirements").glob("*.lock"))
PIN = re.compile(r"^([\w.-]+)(?:\[[\w,.-]+\])?==([\w.]+)", re.MULTILINE)


def read_pins(*names: str) -> dict[str, str]:
    return parse_pins("\n".join((PROJECT / name).read_text(encoding="utf-8") for name in names))


def parse_pins(text: str) -> dict[str, str]:
    return {name.lower().replace("_", "-"): version for name, version in PIN.findall(text)}


def read_project() -> dict:
    return tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))


def assert_locked(pins: dict[str, str], *locks: str) -> None:
    locked = read_pins(*(f"requirements/{name}.lock" for name in locks))
    assert pins and {name: locked.get(name) for name in pins} == pins


@pytest.mark.parametrize(
    "requirements, locks",
    [
        ("requirements.txt", ("base", "torch")),
        ("requirements/encoders.txt", ("encoders",)),
    ],
)
def test_every_pin_is_locked_at_its_version(requirements, locks):
    assert_locked(read_pins(requirements), *locks)


@pytest.mark.parametrize(
    "extra", ["auth", "cluster", "figures", "language-model", "openvino", "s3", "test"]
)
def test_every_extra_is_locked_at_its_version(extra):
    requirements = read_project()["project"]["optional-dependencies"][extra]
    pins = parse_pins("\n".join(requirements))
    assert len(pins) == len(requirements)  # nothing unpinned
    assert_locked(pins, extra)


def test_every_extra_has_a_lock():
    extras = read_project()["project"]["optional-dependencies"]
    assert set(extras) <= {lock.stem for lock in LOCKS}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_entry_of_a_lock_has_hashes(lock):
    text = lock.read_text(encoding="utf-8").replace("\\\n", "")
    entries = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert entries
    for entry in entries:
        assert re.match(r"[\w.-]+==\S+( ; .+?)?( +--hash=sha256:[0-9a-f]{64})+ *$", entry), entry


def test_locks_that_are_installed_together_agree():
    versions: dict[str, str] = {}
    for lock in LOCKS:
        for name, version in read_pins(f"requirements/{lock.name}").items():
            if name != "networkx":  # one version for each Python
                assert versions.setdefault(name, version) == version, (lock.name, name)
