"""The target that suggestions and rankings should come nearer to."""

from __future__ import annotations

from core.errors import EarshotError
from core.search.aligned_corpus import AlignedCorpus
from core.suggest.sound_target import (
    SoundTarget,
    are_target_words,
    find_target_of_corpus_program,
    parse_target_from_words,
)


def choose_sound_target(
    aligned_corpus: AlignedCorpus, mode: str, target: str | None
) -> SoundTarget | None:
    """Return the target of the mode toward; None for the other modes.

    Parameters
    ----------
    aligned_corpus : AlignedCorpus
    mode : {"diverse", "cover", "toward", "away"}
    target : str or None
        Words, or name or id of a program of the corpus. It is never read as a path: a request must
        not reach files outside the workspace.

    Raises
    ------
    EarshotError
        When the target is missing, unknown, or the mode has none.
    """
    if (mode == "toward") != (target is not None):
        raise EarshotError(
            "The mode toward needs a target, and no other mode has one.",
            where="target",
            remedy="Name a program of the corpus, or words such as darker.",
        )
    if target is None:
        return None
    if are_target_words(target):
        return parse_target_from_words(target)
    program_target = find_target_of_corpus_program(aligned_corpus, target)
    return program_target if program_target is not None else parse_target_from_words(target)
