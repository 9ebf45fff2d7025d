"""The decision whether anything is predicted for a snippet."""

from __future__ import annotations

import pytest

from core.corpus import Corpus
from core.errors import EarshotError
from core.search import find_neighbours, interpret_audible_snippet, silent_snippet_check
from core.search.aligned_corpus import AlignedCorpus, open_aligned_corpus
from core.search.silent_snippet_check import SilentSnippetError
from tests.unit.search.alignments import save_untrained_alignment

PYTHON = "import os\nfor i in range(3):\n    print(i)\n"


@pytest.fixture
def aligned_corpus(corpus: Corpus) -> AlignedCorpus:
    save_untrained_alignment(corpus)
    return open_aligned_corpus(corpus)


@pytest.mark.parametrize("direction", ["code->audio", "code->code"])
@pytest.mark.parametrize("snippet", ["# play 60", 'puts "hi"', PYTHON, "loop do\nend"])
def test_a_silent_snippet_has_no_neighbours(
    aligned_corpus: AlignedCorpus, snippet: str, direction: str
) -> None:
    with pytest.raises(SilentSnippetError, match="Nothing in this code would sound"):
        find_neighbours(aligned_corpus, snippet, 3, direction)


def test_the_error_has_what_commands_print() -> None:
    with pytest.raises(SilentSnippetError) as caught:
        interpret_audible_snippet(PYTHON)
    assert caught.value.exit_status == 3
    row = caught.value.to_dict()
    assert (row["status"], row["line"]) == ("syntax", 2)
    assert str(row["message"]).startswith("Nothing in this code would sound: line 2: syntax error")
    with pytest.raises(SilentSnippetError) as caught:
        interpret_audible_snippet("puts 1")
    assert caught.value.to_dict() == {
        "status": "no_sound",
        "line": None,
        "message": "Nothing in this code would sound.",
    }


def test_a_snippet_is_predicted_from_the_part_before_a_syntax_error(
    aligned_corpus: AlignedCorpus,
) -> None:
    snippet = "play 60\nplay 62,,\nplay 64"
    neighbours = find_neighbours(aligned_corpus, snippet, 3)
    before = find_neighbours(aligned_corpus, "play 60", 3)
    assert len(neighbours) == len(before) == 3
    assert "line 2: syntax error" in interpret_audible_snippet(snippet).message


def test_a_snippet_that_cannot_be_followed_is_predicted(aligned_corpus: AlignedCorpus) -> None:
    assert len(find_neighbours(aligned_corpus, 'eval "play 60"', 3)) == 3
    assert interpret_audible_snippet('eval "play 60"').status == "unknown"


def test_without_the_parser_a_snippet_is_predicted(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_snippet: str) -> None:
        raise EarshotError("Ruby is not installed.")

    monkeypatch.setattr(silent_snippet_check, "interpret_program", fail)
    reading = interpret_audible_snippet("play 60")
    assert (reading.status, reading.message) == ("unknown", "Ruby is not installed.")
