"""Tests of the decorator that caches results until their corpus or alignment changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.corpus import Corpus
from core.errors import EarshotError
from core.programs import Program
from pages.components.page_cache import cache_until_inputs_change

pytestmark = pytest.mark.usefixtures("empty_workspace")


def test_a_result_is_cached_until_the_corpus_changes() -> None:
    @cache_until_inputs_change(4)
    def count(corpus: Corpus) -> list[int]:
        return [len(corpus.load_programs())]

    corpus = Corpus.create("tiny")
    first = count(corpus)
    assert count(Corpus.open("tiny")) is first
    corpus.add_programs([Program("play 60\n", "one")])
    assert count(corpus) == [1]
    assert count(Corpus.create("other")) == [0]


def test_a_result_is_cached_until_the_metrics_of_the_alignment_change(full_workspace: Path) -> None:
    @cache_until_inputs_change(4)
    def count_metrics(alignment: object) -> list[int]:
        return [len(alignment.metrics)]

    alignment = Corpus.open("tiny").load_newest_alignment()
    first = count_metrics(alignment)
    assert count_metrics(Corpus.open("tiny").load_newest_alignment()) is first
    metrics_path = alignment.path / "metrics.json"
    metrics_path.write_bytes(metrics_path.read_bytes())
    assert count_metrics(alignment) is not first


def test_each_function_has_its_own_cache() -> None:
    @cache_until_inputs_change(4)
    def double(number: int) -> int:
        return 2 * number

    @cache_until_inputs_change(4)
    def triple(number: int) -> int:
        return 3 * number

    assert (double(1), triple(1)) == (2, 3)
    assert double.__name__ == "double"


def test_a_damaged_corpus_raises_its_own_error() -> None:
    @cache_until_inputs_change(4)
    def count(corpus: Corpus) -> int:
        return len(corpus.load_programs())

    corpus = Corpus.create("tiny")
    corpus.close()
    (corpus.path / "corpus.sqlite").write_bytes(b"not a database at all" * 1000)
    with pytest.raises(EarshotError):
        count(corpus)
