"""The three scenarios of code completion, as they are written in `scenarios/`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

SCENARIOS_FOLDER = Path(__file__).parent / "scenarios"
SCENARIO_NAMES = ("melody", "drum", "bass")
_SECTION_PATTERN = re.compile(r"^# === (\w+): (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class CompletionCandidate:
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
class CompletionScenario:
    """A prompt, which can be played as it is, and its candidates."""

    name: str
    title: str
    prompt: str
    candidates: tuple[CompletionCandidate, ...]


def load_scenario(scenario_name: str) -> CompletionScenario:
    """Read one of `NAMES`."""
    parts = _SECTION_PATTERN.split((SCENARIOS_FOLDER / f"{scenario_name}.rb").read_text(encoding="utf-8"))[1:]
    named = [(parts[i], parts[i + 1], parts[i + 2].strip() + "\n") for i in range(0, len(parts), 3)]
    (_, title, prompt), *rest = named
    return CompletionScenario(
        scenario_name,
        title,
        prompt,
        tuple(CompletionCandidate(label, what, text, f"{prompt}\n{text}") for label, what, text in rest),
    )


def load_scenarios() -> list[CompletionScenario]:
    """All of them, in the paper's order."""
    return [load_scenario(name) for name in SCENARIO_NAMES]
