"""The next step of a new user's way: build a corpus, train an alignment, listen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from core.corpus import Corpus
from core.pipeline.starter_corpus import STARTER_CORPUS_NAME, create_starter_recipe
from core.programs.grammar.styles import GRAMMAR_TEMPLATE_PREFIX

CLI_DEFAULT_METHOD = "soft_infonce"  # What `./run train` uses without --method.
MIN_GRAMMAR_PROGRAMS = 500
"""Rendered grammar programs from which kernel ridge is the default method."""


@dataclass(frozen=True)
class NextStep:
    """What to do next in a workspace.

    Attributes
    ----------
    action : {"build", "finish", "train", "listen"}
        Build a first corpus, render what is pending in one, train on one, or search one.
    corpus : Corpus or None
        The corpus to do it with; None for "build".
    """

    action: Literal["build", "finish", "train", "listen"]
    corpus: Corpus | None = None


def find_next_workspace_step(corpora: Sequence[Corpus]) -> NextStep:
    """Find the next step in a workspace.

    Parameters
    ----------
    corpora : sequence of Corpus
        All that can be read. Of several at the same step, the starter corpus comes first.
    """
    corpora = sorted(corpora, key=lambda corpus: corpus.name != STARTER_CORPUS_NAME)
    for corpus in corpora:
        if corpus.list_alignment_ids():
            return NextStep("listen", corpus)
    for corpus in corpora:
        counts = corpus.count_programs_by_state()
        if counts["ok"] and not counts["pending"]:
            return NextStep("train", corpus)
    return NextStep("finish", corpora[0]) if corpora else NextStep("build")


def make_build_resume_command(corpus_name: str) -> tuple[str, ...]:
    """Return the command that continues to build a corpus of which no earlier command is known."""
    if corpus_name == STARTER_CORPUS_NAME:
        return create_starter_recipe().build_argv
    return ("build", corpus_name)


def make_train_command(corpus_name: str, programs: pd.DataFrame) -> tuple[str, ...]:
    """Return the command that trains an alignment with the method that suits the corpus.

    Parameters
    ----------
    corpus_name : str
    programs : DataFrame
        As `Corpus.load_programs` returns it.
    """
    method = choose_default_method(programs)
    if method == CLI_DEFAULT_METHOD:
        return ("train", corpus_name)
    return ("train", corpus_name, "--method", method.replace("_", "-"))


def choose_default_method(programs: pd.DataFrame) -> str:
    """Choose the preset that predicts best on validation programs of a similar corpus.

    Parameters
    ----------
    programs : DataFrame
        As `Corpus.load_programs` returns it.

    Returns
    -------
    {"kernel_ridge", "soft_infonce"}
        Preset of `AlignmentConfig`. ``kernel_ridge`` if at least 500 grammar programs have a
        clip: it was better by both audio encoders there. In a starter corpus of 8 variants per
        template, each preset was better by one audio encoder; ``soft_infonce`` is the one that
        the other pages describe.
    """
    is_grammar_program = programs["template"].str.startswith(GRAMMAR_TEMPLATE_PREFIX)
    is_rendered = programs["state"] == "ok"
    rendered_count = (is_grammar_program & is_rendered).sum()
    return "kernel_ridge" if rendered_count >= MIN_GRAMMAR_PROGRAMS else "soft_infonce"
