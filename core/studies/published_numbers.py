"""Numbers that the paper published, each with its place in the paper."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

Relation = Literal["equal", "above", "below"]
PUBLISHED_FILE = Path(__file__).parent / "published_numbers.json"


@dataclass(frozen=True)
class PublishedNumber:
    """One published number.

    Attributes
    ----------
    id : str
        "completion.melody.raw.jaccard@3".
    value : float or None
        None where the paper prints a dash.
    location : str
        The table or sentence of the paper.
    relation : {"equal", "above", "below"}
        "above" and "below" where the paper states a bound: that its number lies above or below
        the value.
    """

    id: str
    value: float | None
    location: str
    relation: Relation = "equal"


@cache
def _load_published_numbers() -> dict[str, PublishedNumber]:
    content = json.loads(PUBLISHED_FILE.read_text(encoding="utf-8"))
    return {
        f"{group['of']}.{name}": PublishedNumber(
            f"{group['of']}.{name}",
            value,
            group["where"],
            group.get("bounds", {}).get(name, "equal"),
        )
        for group in content["groups"]
        for name, value in group["values"].items()
    }


def list_published_numbers(prefix: str = "") -> list[PublishedNumber]:
    """Return all published numbers whose id begins with `prefix`."""
    return [number for name, number in _load_published_numbers().items() if name.startswith(prefix)]


def get_published_number(published_id: str) -> PublishedNumber:
    """Return a published number by its id.

    Raises
    ------
    KeyError
        When the paper has no such number.
    """
    return _load_published_numbers()[published_id]


def get_published_value(published_id: str) -> float | None:
    """Return the value of a published number; None where the paper prints a dash.

    Raises
    ------
    KeyError
        When the paper has no such number.
    """
    return get_published_number(published_id).value


def get_paper_citation() -> str:
    """Return the citation of the paper."""
    citation: str = json.loads(PUBLISHED_FILE.read_text(encoding="utf-8"))["source"]
    return citation
