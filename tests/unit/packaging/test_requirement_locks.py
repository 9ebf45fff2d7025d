"""What is installed is what requirements*.txt name, each file by its hash."""

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[3]
PIN = re.compile(r"^([\w.-]+)==([\w.]+)", re.MULTILINE)


def pins(*names: str) -> dict[str, str]:
    text = "\n".join((PROJECT / name).read_text(encoding="utf-8") for name in names)
    return {name.lower().replace("_", "-"): version for name, version in PIN.findall(text)}


@pytest.mark.parametrize(
    "requirements, locks",
    [
        ("requirements.txt", ("requirements.lock", "requirements-torch.lock")),
        ("requirements-encoders.txt", ("requirements-encoders.lock",)),
        ("requirements-open.txt", ("requirements-open.lock",)),
        ("requirements-openvino.txt", ("requirements-openvino.lock",)),
        ("requirements-test.txt", ("requirements-test.lock",)),
    ],
)
def test_each_pin_is_locked_at_its_version(requirements, locks):
    wanted, locked = pins(requirements), pins(*locks)
    assert wanted and {name: locked.get(name) for name in wanted} == wanted


@pytest.mark.parametrize("lock", sorted(path.name for path in PROJECT.glob("requirements*.lock")))
def test_each_entry_of_a_lock_has_hashes(lock):
    text = (PROJECT / lock).read_text(encoding="utf-8").replace("\\\n", "")
    entries = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert entries
    for entry in entries:
        assert re.match(r"[\w.-]+==\S+( ; .+?)?( +--hash=sha256:[0-9a-f]{64})+ *$", entry), entry
