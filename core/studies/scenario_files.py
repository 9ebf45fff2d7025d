"""The three scenarios of code completion, as they are written in `scenarios/`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "scenarios"
NAMES = ("melody", "drum", "bass")
_PART = re.compile(r"^# === (\w+): (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Candidate:
    """One continuation of a prompt.

    Attributes
    ----------
    name : str
        "01".
    title : str
        What it is, in a few words.
    continuation : str
    source : str
        The whole program: the prompt, then the continuation.
    """

    name: str
    title: str
    continuation: str
    source: str


@dataclass(frozen=True)
class Scenario:
    """A prompt, which can be played as it is, and its candidates."""

    name: str
    title: str
    prompt: str
    candidates: tuple[Candidate, ...]


def scenario(name: str) -> Scenario:
    """Read one of `NAMES`."""
    parts = _PART.split((FOLDER / f"{name}.rb").read_text(encoding="utf-8"))[1:]
    named = [(parts[i], parts[i + 1], parts[i + 2].strip() + "\n") for i in range(0, len(parts), 3)]
    (_, title, prompt), *rest = named
    return Scenario(
        name,
        title,
        prompt,
        tuple(Candidate(label, what, text, f"{prompt}\n{text}") for label, what, text in rest),
    )


def scenarios() -> list[Scenario]:
    """All of them, in the paper's order."""
    return [scenario(name) for name in NAMES]
