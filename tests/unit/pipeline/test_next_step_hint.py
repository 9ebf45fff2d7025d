"""The next step of a workspace, and the default training of a corpus."""

from __future__ import annotations

from core.pipeline.next_step_hint import (
    DEFAULT_METHODS,
    NextStep,
    find_next_workspace_step,
    make_train_command,
)


def test_the_default_training_is_for_prediction_and_for_the_map() -> None:
    assert DEFAULT_METHODS == ("kernel_ridge", "infonce")
    assert make_train_command("small") == ("train", "small")


def test_without_a_corpus_the_next_step_is_to_build_one() -> None:
    assert find_next_workspace_step([]) == NextStep("build")
