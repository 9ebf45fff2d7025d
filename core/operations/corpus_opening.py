"""Opening of the corpora that a request names, cached until they change."""

from __future__ import annotations

from collections.abc import Sequence

from core.corpus import Corpus, list_corpora
from core.errors import EarshotError
from core.pipeline.starter_corpus_recipe import STARTER_CORPUS_NAME
from core.search.aligned_corpus import AlignedCorpus
from core.search.alignment_choice_for_other_corpora import (
    choose_prediction_alignment,
    load_alignment_by_name,
    make_no_common_alignment_error,
)
from core.search.default_alignment_choice import Purpose
from core.search.multi_corpus_search import open_corpora_with_one_alignment


class UnknownCorpusError(EarshotError):
    """A request names a corpus that does not exist."""


def choose_default_corpus() -> str:
    """Return the starter corpus if it exists, else the only corpus.

    Raises
    ------
    UnknownCorpusError
        When there is no corpus, or several of which none is the starter.
    """
    names = list_corpora()
    if STARTER_CORPUS_NAME in names:
        return STARTER_CORPUS_NAME
    if len(names) == 1:
        return names[0]
    raise UnknownCorpusError(
        "There is no corpus to search." if not names else "There are several corpora.",
        remedy=f"To build one: ./run build {STARTER_CORPUS_NAME}"
        if not names
        else f"Choose one of them: {', '.join(names)}.",
    )


def open_corpora_for_prediction(
    names: Sequence[str] = (), alignment: str | None = None, purpose: Purpose = "prediction"
) -> list[AlignedCorpus]:
    """Open corpora in the shared space of one alignment.

    Parameters
    ----------
    names : sequence of str
        Default: as `choose_default_corpus` chooses.
    alignment : str, optional
        Id of an alignment of the first corpus, or "CORPUS/ID". Default: the one made for
        the purpose.
    purpose : {"prediction", "suggestion"}
        As of `core.search.default_alignment_choice.choose_default_alignment`.

    Returns
    -------
    list of AlignedCorpus
        From memory unless a corpus has changed since.

    Raises
    ------
    UnknownCorpusError
        When a name belongs to no corpus.
    EarshotError
        When there is no such alignment, or a corpus is not embedded by its encoders.
    """
    corpora = [_open_corpus(name) for name in dict.fromkeys(names)]
    if not corpora:
        corpora = [Corpus.open(choose_default_corpus())]
    if alignment is not None:
        _, record = load_alignment_by_name(corpora[0], alignment)
        return open_corpora_with_one_alignment(corpora, record)
    choice = choose_prediction_alignment(corpora, purpose)
    if choice is None:
        raise make_no_common_alignment_error(corpora)
    return open_corpora_with_one_alignment(corpora, choice.load_chosen_alignment_record(corpora[0]))


def open_corpus_for_prediction(
    name: str | None = None, alignment: str | None = None, purpose: Purpose = "prediction"
) -> AlignedCorpus:
    """Open one corpus as `open_corpora_for_prediction` does."""
    names = [name] if name is not None else []
    return open_corpora_for_prediction(names, alignment, purpose)[0]


def format_alignment_name(aligned_corpus: AlignedCorpus) -> str:
    """Return CORPUS/ID of the alignment of an opened corpus."""
    return f"{aligned_corpus.alignment_owner_name}/{aligned_corpus.record.id}"


def _open_corpus(name: str) -> Corpus:
    try:
        return Corpus.open(name)
    except EarshotError as error:
        if name in list_corpora():
            raise
        raise UnknownCorpusError(error.message, remedy=error.remedy) from error
