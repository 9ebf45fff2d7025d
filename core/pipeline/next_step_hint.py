"""The next step of a new user's way: build a corpus, train alignments, listen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from core.corpus import Corpus
from core.encoders.concatenated_encoders import split_encoder_id
from core.pipeline.starter_corpus_recipe import STARTER_CORPUS_NAME, create_starter_recipe

DEFAULT_METHODS = ("kernel_ridge", "joint_kernel_ridge", "infonce")
"""Methods that a corpus is trained with where nobody chooses.

The first predicts the many variants of Suggest. The second predicts snippets: of all methods, it
was best by every audio encoder on programs outside the corpus. The third is the paper's, for the
map.
"""
DEFAULT_METHODS_WITHOUT_SIMULATION = ("kernel_ridge", "infonce")
JOINT_CODE_ENCODER = "sonicpi"
"""Code encoder beside which the simulation was found to improve predictions."""


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


def list_default_methods(
    corpus: Corpus | None = None, code_encoder: str | None = None
) -> tuple[str, ...]:
    """Return the methods that a corpus is trained with where nobody chooses.

    Parameters
    ----------
    corpus : Corpus, optional
        Default: a corpus with the default encoders.
    code_encoder : str, optional
        Default: the one that the corpus was built with.
    """
    if corpus is None:
        return DEFAULT_METHODS
    code_encoder = code_encoder or str((corpus.settings.get("encoders") or {}).get("code", ""))
    if JOINT_CODE_ENCODER in split_encoder_id(code_encoder):
        return DEFAULT_METHODS
    return DEFAULT_METHODS_WITHOUT_SIMULATION


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


def make_train_command(corpus_name: str) -> tuple[str, ...]:
    """Return the command that trains alignments for suggestions, prediction and the map."""
    return ("train", corpus_name)
