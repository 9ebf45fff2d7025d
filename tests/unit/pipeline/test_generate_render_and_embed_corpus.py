"""A build that fails before anything is rendered leaves no new corpus."""

from __future__ import annotations

import pytest

from core.cli import main
from core.corpus import Corpus, list_corpora
from core.errors import EarshotError
from core.pipeline.generate_render_and_embed_corpus import (
    delete_new_corpus_that_stays_empty,
)
from core.programs import Program


@pytest.fixture(autouse=True)
def _workspace(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path))


@pytest.mark.parametrize(
    "arguments",
    [
        ["--templates", "02_1_beeps", "--set", "02_1_beeps.nope=3"],
        ["--templates", "nosuch"],
        ["--templates", "02_1_beeps", "--code-encoder", "nosuch"],
        ["--resume"],
    ],
)
def test_a_build_that_fails_at_once_leaves_no_corpus(arguments: list[str]) -> None:
    assert main(["build", "beats", "--per-template", "1", *arguments]) == 1
    assert list_corpora() == []


def test_a_new_corpus_with_unrendered_programs_is_deleted_when_its_build_fails() -> None:
    with pytest.raises(EarshotError, match="no encoder"):
        with delete_new_corpus_that_stays_empty("beats"):
            Corpus.create("beats").add_programs([Program("play 60", name="a")])
            raise EarshotError("There is no encoder.")
    assert list_corpora() == []


def test_a_corpus_that_existed_before_stays_when_its_build_fails() -> None:
    Corpus.create("beats")
    with pytest.raises(EarshotError):
        with delete_new_corpus_that_stays_empty("beats"):
            raise EarshotError("There is no encoder.")
    assert list_corpora() == ["beats"]
