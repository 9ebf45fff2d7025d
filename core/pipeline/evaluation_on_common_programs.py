"""Evaluation of several alignments on the same programs, so that their numbers compare."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import numpy as np
import pandas as pd

from core.errors import EarshotError
from core.evaluation.metrics_with_intervals import ALIGNED_VS_ALIGNED, ALIGNED_VS_RAW
from core.pipeline.evaluate_alignment_on_held_out_programs import (
    build_aligned_embedding_spaces,
    evaluate_held_out_splits,
)
from core.progress_callback import Progress, ignore_progress
from core.search.aligned_corpus import AlignedCorpus
from core.search.unseen_program_splits import (
    TRAINED_PROGRAMS_KEY,
    relabel_splits_of_trained_programs,
)

MIN_COMMON_PROGRAMS = 5
EVALUATED_SPLIT = "test"
LEFT_OUT = "left out"
COMPARED_READINGS = (ALIGNED_VS_ALIGNED, ALIGNED_VS_RAW)


def evaluate_on_common_programs(
    aligned_corpora: Sequence[AlignedCorpus], progress: Progress = ignore_progress
) -> pd.DataFrame:
    """Evaluate alignments on the programs of a corpus that none of them was trained on.

    Parameters
    ----------
    aligned_corpora : sequence of AlignedCorpus
        One corpus with at least two alignments, of this corpus or of another one.
    progress : Progress

    Returns
    -------
    DataFrame
        Columns "alignment" (its id), "reading", "metric", "value" and "programs". The programs
        evaluated on are the same for all. The neighbours of normalized similarity are searched
        among programs that all alignments were trained on.

    Raises
    ------
    EarshotError
        When fewer than 5 programs are left that no alignment was trained on, or that all were
        trained on.

    Examples
    --------
    >>> from core.corpus import Corpus
    >>> from core.search import open_aligned_corpus
    >>> corpus = Corpus.open("starter")
    >>> both = [open_aligned_corpus(corpus, id) for id in corpus.list_alignment_ids()[:2]]
    >>> evaluate_on_common_programs(both)["programs"].nunique()
    1
    """
    labels = [
        label_splits_agreed_by_all_alignments(aligned_corpora, corpus) for corpus in aligned_corpora
    ]
    common_count = int((labels[0] == EVALUATED_SPLIT).sum())
    training_count = int((labels[0] == "train").sum())
    if training_count < MIN_COMMON_PROGRAMS:
        raise EarshotError(
            f"The alignments were trained on {training_count} common programs of corpus"
            f" '{aligned_corpora[0].corpus.name}'; {MIN_COMMON_PROGRAMS} are needed.",
            remedy="Compare alignments that were trained on the same corpus.",
        )
    if common_count < MIN_COMMON_PROGRAMS:
        raise EarshotError(
            f"Only {common_count} programs of corpus '{aligned_corpora[0].corpus.name}' took part"
            f" in the training of none of these alignments; {MIN_COMMON_PROGRAMS} are needed.",
            remedy="Compare alignments that were trained on the same split, or evaluate them on a"
            " corpus with other programs.",
        )
    tables = []
    for corpus, splits in zip(aligned_corpora, labels, strict=True):
        metrics = evaluate_held_out_splits(
            build_aligned_embedding_spaces(corpus.heads, corpus.pairs),
            splits,
            progress,
            interval_splits=(),
            permutations=0,
        )
        metrics = metrics[metrics["split"] == EVALUATED_SPLIT]
        tables.append(metrics.assign(alignment=corpus.record.id))
    columns = ["alignment", "reading", "metric", "value", "programs"]
    return pd.concat(tables, ignore_index=True)[columns]


def label_splits_agreed_by_all_alignments(
    aligned_corpora: Sequence[AlignedCorpus], aligned_corpus: AlignedCorpus
) -> np.ndarray:
    """Return the split of each pair of one alignment that all alignments agree on.

    Returns
    -------
    array of str [n]
        "test" for a program that no alignment was trained on, "train" and "validation" for one that
        has this split by all of them, "left out" for every other.
    """
    split_by_program = [
        dict(zip(corpus.pairs.program_ids, _label_pairs_by_training_use(corpus), strict=True))
        for corpus in aligned_corpora
    ]
    common_ids = reduce(set.intersection, (set(splits) for splits in split_by_program))

    def label_program(program_id: str) -> str:
        if program_id not in common_ids:
            return LEFT_OUT
        names = {splits[program_id] for splits in split_by_program}
        if not names & {"train", "validation"}:
            return EVALUATED_SPLIT
        return names.pop() if len(names) == 1 else LEFT_OUT

    return np.array([label_program(program_id) for program_id in aligned_corpus.pairs.program_ids])


def _label_pairs_by_training_use(corpus: AlignedCorpus) -> list[str]:
    """Return what the training of an alignment used each pair for; "test" for none of it."""
    trained_programs = corpus.record.config["split"].get(TRAINED_PROGRAMS_KEY, {})
    if not any(trained_programs.values()):  # An older alignment does not record its programs.
        return corpus.splits.tolist()
    untrained = np.full(len(corpus.pairs), EVALUATED_SPLIT, dtype="U16")
    program_ids = corpus.pairs.program_ids
    return relabel_splits_of_trained_programs(program_ids, untrained, trained_programs).tolist()


def pivot_common_evaluation(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return the result of `evaluate_on_common_programs` with one column per alignment.

    Returns
    -------
    DataFrame
        Columns "metric" and "reading", then the ids of the alignments; without metrics that are
        undefined for all of them.
    """
    order = list(dict.fromkeys(metrics["alignment"]))
    rows = metrics[metrics["reading"].isin(COMPARED_READINGS)]
    table = rows.pivot_table(
        index=["metric", "reading"], columns="alignment", values="value", sort=False
    )
    return table.reindex(columns=order).reset_index().rename_axis(columns=None)
