"""Choice of an alignment for corpora that it was not trained on, one or several at once."""

from __future__ import annotations

from collections.abc import Sequence

from core.corpus import AlignmentRecord, Corpus, list_corpora
from core.errors import EarshotError
from core.search.corpus_encoder_records import has_embeddings_of_alignment
from core.search.default_alignment_choice import (
    PREDICTION_OBJECTIVES,
    AlignmentChoice,
    Purpose,
    build_choice_of_requested_alignment,
    choose_default_alignment,
    make_no_alignment_error,
)
from core.search.stored_simulations import has_joint_objective

ALIGNMENT_SEPARATOR = "/"
"""Between corpus and alignment where an alignment of another corpus is named."""


def choose_prediction_alignment(
    corpora: Sequence[Corpus], purpose: Purpose = "prediction"
) -> AlignmentChoice | None:
    """Choose one alignment that predicts snippets in all corpora.

    A single corpus with an alignment takes its own. Otherwise an alignment of any corpus serves
    whose encoders have embedded all of `corpora`. Of several, those made for prediction come first,
    then the one trained on most programs, then the one that its own corpus takes, then the newest.
    So where clips lack the simulations that a joint alignment needs, kernel ridge is taken.

    Parameters
    ----------
    corpora : sequence of Corpus
        At least one.
    purpose : {"prediction", "suggestion"}
        As of `choose_default_alignment`.

    Returns
    -------
    AlignmentChoice or None
        None if there is no such alignment.
    """
    if len(corpora) == 1:
        own_choice = choose_default_alignment(corpora[0], purpose)
        if own_choice is not None:
            return own_choice
    searched_names = [corpus.name for corpus in corpora]
    candidates = []
    for owner in _open_all_readable_corpora_named_first(searched_names):
        for record in _load_prediction_alignments(owner, purpose):
            if all(has_embeddings_of_alignment(corpus, record) for corpus in corpora):
                candidates.append((_compute_shared_alignment_preference_key(record), owner, record))
                break
    if not candidates:
        return None
    _, owner, record = max(candidates, key=lambda candidate: candidate[0])
    programs = f"{_count_trained_programs(record):,} programs"
    reason = f"of corpus '{owner.name}', trained on {programs} with the same encoders"
    return build_choice_of_requested_alignment(record, reason, owner.name)


def choose_alignment_that_searches_all(
    corpora: Sequence[Corpus], preferred: AlignmentRecord
) -> AlignmentRecord:
    """Return an alignment, or kernel ridge of its corpus where clips lack the simulations for it.

    Parameters
    ----------
    corpora : sequence of Corpus
    preferred : AlignmentRecord

    Returns
    -------
    AlignmentRecord
        `preferred` where no other one searches all of `corpora`.
    """
    if all(has_embeddings_of_alignment(corpus, preferred) for corpus in corpora):
        return preferred
    if has_joint_objective(preferred):
        owner = Corpus.open(preferred.path.parent.parent.name)
        for record in _load_prediction_alignments(owner, "suggestion"):
            if all(has_embeddings_of_alignment(corpus, record) for corpus in corpora):
                return record
    return preferred


def _load_prediction_alignments(corpus: Corpus, purpose: Purpose) -> list[AlignmentRecord]:
    """Load the default alignment for a purpose, then that for suggestions."""
    choices = [choose_default_alignment(corpus, name) for name in (purpose, "suggestion")]
    ids = dict.fromkeys(choice.alignment_id for choice in choices if choice is not None)
    return [corpus.load_alignment(alignment_id) for alignment_id in ids]


def load_alignment_by_name(corpus: Corpus, name: str) -> tuple[Corpus, AlignmentRecord]:
    """Load an alignment that the user named, of this corpus or of another one.

    Parameters
    ----------
    corpus : Corpus
    name : str
        The id of an alignment of `corpus`, or "CORPUS/ID".

    Raises
    ------
    EarshotError
        When there is no such corpus or alignment.
    """
    owner_name, separator, alignment_id = name.rpartition(ALIGNMENT_SEPARATOR)
    owner = Corpus.open(owner_name) if separator else corpus
    return owner, owner.load_alignment(alignment_id)


def make_no_common_alignment_error(corpora: Sequence[Corpus]) -> EarshotError:
    """Return the error for corpora that no alignment can search together."""
    for owner in corpora:  # Name what is missing for an alignment that exists.
        choice = choose_default_alignment(owner, "prediction")
        if choice is not None:
            record = owner.load_alignment(choice.alignment_id)
            for corpus in corpora:
                if not has_embeddings_of_alignment(corpus, record):
                    return make_corpus_not_embedded_error(corpus, record)
    return make_no_alignment_error(corpora[0])


def make_corpus_not_embedded_error(corpus: Corpus, record: AlignmentRecord) -> EarshotError:
    """Return the error for a corpus that the encoders of an alignment have not embedded."""
    encoders = record.config["encoders"]
    code, audio = encoders["code"]["id"], encoders["audio"]["id"]
    return EarshotError(
        f"Corpus '{corpus.name}' is not embedded by {code} and {audio}, the encoders of alignment"
        f" {record.id}.",
        remedy=f"To embed it: ./run embed {corpus.name} --code-encoder {code}"
        f" --audio-encoder {audio}",
    )


def _open_all_readable_corpora_named_first(first_names: Sequence[str]) -> list[Corpus]:
    """Open all corpora, the named ones first, without the damaged ones."""
    corpora = []
    for name in dict.fromkeys([*first_names, *list_corpora()]):
        try:
            corpora.append(Corpus.open(name))
        except EarshotError:  # The pages and `check` report it.
            continue
    return corpora


def _compute_shared_alignment_preference_key(record: AlignmentRecord) -> tuple[bool, int, str]:
    objective = record.config.get("alignment", {}).get("objective")
    return objective in PREDICTION_OBJECTIVES, _count_trained_programs(record), record.created


def _count_trained_programs(record: AlignmentRecord) -> int:
    return int(record.config.get("split", {}).get("programs", {}).get("train", 0))
