"""The next step of a workspace, and the default training method of a corpus."""

from __future__ import annotations

import pandas as pd

from core.pipeline.next_step import (
    MIN_GRAMMAR_PROGRAMS,
    NextStep,
    choose_default_method,
    find_next_workspace_step,
    make_train_command,
)


def make_programs(grammar_count: int, failed_count: int = 0) -> pd.DataFrame:
    templates = ["composed-acid"] * (grammar_count + failed_count) + ["02_1_beeps"] * 900
    states = ["ok"] * grammar_count + ["failed"] * failed_count + ["ok"] * 900
    return pd.DataFrame({"template": templates, "state": states})


def test_a_corpus_of_many_rendered_grammar_programs_uses_kernel_ridge() -> None:
    assert choose_default_method(make_programs(MIN_GRAMMAR_PROGRAMS)) == "kernel_ridge"
    too_few = make_programs(MIN_GRAMMAR_PROGRAMS - 1, failed_count=9)
    assert choose_default_method(too_few) == "soft_infonce"
    assert choose_default_method(make_programs(0)) == "soft_infonce"


def test_the_train_command_names_the_method_only_where_it_is_not_the_default() -> None:
    assert make_train_command("small", make_programs(0)) == ("train", "small")
    assert make_train_command("large", make_programs(MIN_GRAMMAR_PROGRAMS)) == (
        "train",
        "large",
        "--method",
        "kernel-ridge",
    )


def test_without_a_corpus_the_next_step_is_to_build_one() -> None:
    assert find_next_workspace_step([]) == NextStep("build")
