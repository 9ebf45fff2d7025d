"""Every command and option that the pages name exists in the command line's parser."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from core.cli import COMMANDS, build_command_parser
from tests.unit.docs.markdown_pages import PAGES, PROJECT, get_page_name

# What ./run does itself, before any Python.
LAUNCHER_WORDS = {"install", "test", "lint", "screenshots", "sounds"}
LAUNCHER_OPTIONS = {"--port", "--read-only", "--open", "--help", "--version"}
# Notation of the pages, not words of the command.
PLACEHOLDERS = {"COMMAND", "…", "..."}
COMMAND = re.compile(r"\./run(?= |$)([^`\n#;]*)")


def find_commands(text: str) -> list[list[str]]:
    """Return the words of every ``./run …`` in code, without comments and placeholders."""
    code = re.findall(r"`([^`]+)`", re.sub(r"^```.*?^```$", "", text, flags=re.S | re.M))
    code += re.findall(r"^    (.+)$", text, re.MULTILINE)
    return [
        match[1].split()
        for snippet in code
        for match in COMMAND.finditer(" ".join(snippet.split()))
        if match[1].split() and match[1].split()[0] not in PLACEHOLDERS
    ]


def check_command(words: list[str]) -> str | None:
    """Return what is wrong with a command, or None."""
    name, *rest = words
    name = name.rstrip(",.")
    if name in LAUNCHER_OPTIONS or name.split("=")[0] in LAUNCHER_OPTIONS:
        return None
    if name in LAUNCHER_WORDS:
        return None
    if name not in COMMANDS:
        return f"no command {name!r}"
    parser = build_command_parser(name)
    actions = parser._option_string_actions
    for index, word in enumerate(rest):
        if not word.startswith("--"):
            continue
        if word not in actions:
            return f"{name} has no option {word!r}"
        choices = actions[word].choices
        following = rest[index + 1] if index + 1 < len(rest) else ""
        if choices and not set(following.split("|")) <= {*map(str, choices), *PLACEHOLDERS, ""}:
            return f"{name} {word} has no choice {following!r}"
    positionals = [action for action in parser._get_positional_actions() if action.choices]
    if positionals and rest and not rest[0].startswith("-") and not rest[0].isupper():
        unknown = set(rest[0].split("|")) - set(map(str, positionals[0].choices or ()))
        if unknown - {"STUDY"}:
            return f"{name} has no {unknown}"
    return None


@pytest.mark.parametrize("page", PAGES, ids=get_page_name)
def test_commands_on_the_page_exist(page: Path):
    if page.name == "CHANGELOG.md":
        pytest.skip("the changelog lists former commands")
    problems = [
        f"./run {' '.join(words)}: {problem}"
        for words in find_commands(page.read_text(encoding="utf-8"))
        if (problem := check_command(words))
    ]
    assert problems == []


def test_every_command_is_documented():
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    documented = {words[0] for words in find_commands(text)}
    assert set(COMMANDS) - documented <= {"gallery", "map", "compare"}  # buttons of pages


def test_run_lists_the_commands_of_the_parser():
    script = (PROJECT / "run").read_text(encoding="utf-8")
    listed = re.search(r"^COMMANDS=\(([^)]*)\)$", script, re.MULTILINE)
    assert listed and tuple(listed[1].split()) == COMMANDS
    usage = script.partition("usage() {")[2].partition("\n}")[0]
    assert [name for name in COMMANDS if f"\n    {name} " not in usage] == []


def test_run_usage_names_existing_options():
    usage = (PROJECT / "run").read_text(encoding="utf-8").partition("usage() {")[2]
    for line in usage.partition("\nTEXT")[0].splitlines():
        name, *rest = line.split() or [""]
        if name in COMMANDS:
            options = re.findall(r"--[a-z-]+", " ".join(rest))
            actions = build_command_parser(name)._option_string_actions
            assert [option for option in options if option not in actions] == [], line
