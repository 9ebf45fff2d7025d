"""Read the project's Markdown pages for the tests of this folder."""

from __future__ import annotations

import re
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[3]
PAGES = sorted(
    [
        PROJECT / "README.md",
        PROJECT / "CONTRIBUTING.md",
        PROJECT / "CHANGELOG.md",
        PROJECT / "artifacts/README.md",
        *(PROJECT / "docs").rglob("*.md"),
    ]
)


def get_page_name(page: Path) -> str:
    return str(page.relative_to(PROJECT))


def read_page(name: str) -> str:
    return (PROJECT / name).read_text(encoding="utf-8")


def extract_paragraphs(text: str) -> list[str]:
    """Return paragraphs and list items of prose: no code blocks, tables, headings or captions."""
    text = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    paragraphs: list[str] = []
    for block in re.split(r"\n\s*\n", text):
        if block.startswith(("    ", "|", "#", "![", "*")) and not block.startswith("**"):
            continue
        items = re.split(r"\n(?=\s*(?:[-*]|\d+\.) )", block)
        paragraphs += [
            " ".join(re.sub(r"^\s*(?:[-*]|\d+\.) ", "", item).split())
            for item in items
            if not item.lstrip().startswith("|")
        ]
    return [paragraph for paragraph in paragraphs if paragraph]


def split_sentences(paragraph: str) -> list[str]:
    return re.split(r"(?<=[.?!:]) (?=[A-Z`*\[])", paragraph)
