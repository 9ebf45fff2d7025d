"""The default training method of a corpus depends on its number of grammar programs."""

from __future__ import annotations

import pandas as pd

from core.pipeline.default_method import MIN_GRAMMAR_PROGRAMS, choose_default_method


def make_programs(grammar_count: int, failed_count: int = 0) -> pd.DataFrame:
    templates = ["composed-acid"] * (grammar_count + failed_count) + ["02_1_beeps"] * 900
    states = ["ok"] * grammar_count + ["failed"] * failed_count + ["ok"] * 900
    return pd.DataFrame({"template": templates, "state": states})


def test_a_corpus_of_many_rendered_grammar_programs_uses_kernel_ridge() -> None:
    assert choose_default_method(make_programs(MIN_GRAMMAR_PROGRAMS)) == "kernel_ridge"
    too_few = make_programs(MIN_GRAMMAR_PROGRAMS - 1, failed_count=9)
    assert choose_default_method(too_few) == "soft_infonce"
    assert choose_default_method(make_programs(0)) == "soft_infonce"
