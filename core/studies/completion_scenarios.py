"""The three code-completion scenarios, read from the files in ``scenarios/``."""

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
        A description in a few words.
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
    """A prompt, which is itself a complete program, and its candidates."""

    name: str
    title: str
    prompt: str
    candidates: tuple[CompletionCandidate, ...]

    def list_scenario_program_sources(self) -> list[str]:
        """Return the prompt's program, then each candidate's."""
        return [self.prompt, *(candidate.source for candidate in self.candidates)]


def load_completion_scenario(scenario_name: str) -> CompletionScenario:
    """Read one of `SCENARIO_NAMES`."""
    text = (SCENARIOS_FOLDER / f"{scenario_name}.rb").read_text(encoding="utf-8")
    parts = _SECTION_PATTERN.split(text)[1:]  # name, title, code of each section
    sections = [
        (parts[i], parts[i + 1], parts[i + 2].strip() + "\n") for i in range(0, len(parts), 3)
    ]
    (_, title, prompt), *continuations = sections
    return CompletionScenario(
        scenario_name,
        title,
        prompt,
        tuple(
            CompletionCandidate(name, description, code, f"{prompt}\n{code}")
            for name, description, code in continuations
        ),
    )


def load_completion_scenarios() -> list[CompletionScenario]:
    """Return all scenarios in the paper's order."""
    return [load_completion_scenario(name) for name in SCENARIO_NAMES]
