"""The pages follow the project's rules for prose and link only to what exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.unit.docs.markdown_pages import (
    PAGES,
    PROJECT,
    extract_paragraphs,
    get_page_name,
    read_page,
    split_sentences,
)

MAX_README_WORDS = 900
MAX_NUMBERS_PER_SENTENCE = 2
NUMBER = re.compile(r"(?<![\w./-])\.?\d[\d,.]*(?![\w/-])")
FORBIDDEN = re.compile(
    r"\b(foret(?:ell|old|elling)\w*|surenesses?|hardly|heeded|so many|comes? about|what was heard"
    r"|(?:training|unseen|trained|other) ears?|sound apart|told apart)\b",
    re.IGNORECASE,
)


def test_readme_is_short():
    assert len(read_page("README.md").split()) <= MAX_README_WORDS


def test_readme_has_its_sections_in_a_newcomers_order():
    headings = re.findall(r"^## (.*)$", read_page("README.md"), re.MULTILINE)
    expected = [
        "Two commands",
        "The first five minutes",
        "What it can do",
        "How good it is",
        "How it works",
        "Read on",
        "Licence",
        "Citation",
    ]
    assert [heading for heading in headings if heading in expected] == expected


@pytest.mark.parametrize("page", PAGES, ids=get_page_name)
def test_a_sentence_has_at_most_two_numbers(page: Path):
    sentences = [
        sentence
        for paragraph in extract_paragraphs(page.read_text(encoding="utf-8"))
        for sentence in split_sentences(paragraph)
    ]
    assert [text for text in sentences if count_numbers(text) > MAX_NUMBERS_PER_SENTENCE] == []


def count_numbers(sentence: str) -> int:
    """Return how many numbers a sentence has outside of code and link targets."""
    return len(NUMBER.findall(re.sub(r"`[^`]*`|\]\([^)]*\)", "", sentence)))


@pytest.mark.parametrize("page", PAGES, ids=get_page_name)
def test_pages_use_the_glossary(page: Path):
    if page.name == "CHANGELOG.md":  # It names the former options.
        pytest.skip("the changelog lists former names")
    match = FORBIDDEN.search(page.read_text(encoding="utf-8"))
    assert match is None, match


@pytest.mark.parametrize("page", PAGES, ids=get_page_name)
def test_links_lead_somewhere(page: Path):
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("http://", "https://")):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        assert file.exists(), f"{target} in {get_page_name(page)}"
        if anchor:
            headings = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {format_anchor(heading) for heading in headings}, target


def format_anchor(heading: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=get_page_name)
def test_named_files_exist(page: Path):
    text = page.read_text(encoding="utf-8")
    tests = {file.name for file in (PROJECT / "tests").rglob("test_*.py")}
    for name in re.findall(r"`(?:tests/[\w/]+/)?(test_\w+\.py)`", text):
        assert name in tests, f"{name} in {get_page_name(page)}"
    for path in re.findall(r"`((?:core|pages|tests|docs|requirements)/[\w/.-]+)`", text):
        if "NAME" not in path and path != "core/suggest/":
            assert (PROJECT / path).exists(), f"{path} in {get_page_name(page)}"


def test_architecture_names_every_package():
    page = read_page("docs/architecture.md")
    packages = [folder.parent.name for folder in (PROJECT / "core").glob("*/__init__.py")]
    assert [name for name in packages if f"`core/{name}/`" not in page] == []
