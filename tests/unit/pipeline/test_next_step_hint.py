"""The next step of a workspace, and the default training of a corpus."""

from __future__ import annotations

import pytest

from core.corpus import Corpus
from core.pipeline.next_step_hint import (
    NextStep,
    find_next_workspace_step,
    list_default_methods,
    make_train_command,
)

ALL_METHODS = ("kernel_ridge", "joint_kernel_ridge", "infonce")


def test_the_default_training_is_for_suggestions_predictions_and_the_map() -> None:
    assert list_default_methods() == ALL_METHODS
    assert make_train_command("small") == ("train", "small")


@pytest.mark.parametrize(
    ("own_encoder", "chosen_encoder", "is_joint"),
    [
        ("sonicpi", None, True),
        ("sonicpi+simulation", None, True),
        ("sentence-transformers/all-MiniLM-L6-v2", None, False),
        ("own/code/mine", None, False),
        ("sonicpi", "own/code/mine", False),
        ("own/code/mine", "score+sonicpi", True),
    ],
)
@pytest.mark.usefixtures("empty_workspace")
def test_only_the_encoder_sonicpi_is_joined_with_the_simulation(
    own_encoder: str, chosen_encoder: str | None, is_joint: bool
) -> None:
    corpus = Corpus.create("small")
    corpus.set_corpus_setting("encoders", {"code": own_encoder, "audio": "log-mel"})
    methods = list_default_methods(corpus, chosen_encoder)
    assert methods == (ALL_METHODS if is_joint else ("kernel_ridge", "infonce"))


@pytest.mark.usefixtures("empty_workspace")
def test_a_corpus_that_was_never_built_has_no_joint_method() -> None:
    assert list_default_methods(Corpus.create("new")) == ("kernel_ridge", "infonce")


def test_without_a_corpus_the_next_step_is_to_build_one() -> None:
    assert find_next_workspace_step([]) == NextStep("build")
