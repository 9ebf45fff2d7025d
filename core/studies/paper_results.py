"""The numbers that the paper published, with where in it they stand."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FILE = Path(__file__).parent / "paper_results.json"


@dataclass(frozen=True)
class Published:
    """One number of the paper's.

    Attributes
    ----------
    id : str
        "completion.melody.raw.jaccard@3".
    value : float or None
        None where the paper prints a dash.
    where : str
        Which table or sentence of the paper.
    """

    id: str
    value: float | None
    where: str


@cache
def _all() -> dict[str, Published]:
    content = json.loads(FILE.read_text(encoding="utf-8"))
    return {
        f"{group['of']}.{name}": Published(f"{group['of']}.{name}", value, group["where"])
        for group in content["groups"]
        for name, value in group["values"].items()
    }


def entries(prefix: str = "") -> list[Published]:
    """All published numbers whose id begins with `prefix`."""
    return [each for name, each in _all().items() if name.startswith(prefix)]


def value(published_id: str) -> float | None:
    """A published number; None where the paper prints a dash.

    Raises
    ------
    KeyError
        When the paper has no such number.
    """
    return _all()[published_id].value


def source() -> str:
    """Which paper, for people."""
    return json.loads(FILE.read_text(encoding="utf-8"))["source"]
