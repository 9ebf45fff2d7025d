"""Summary of a corpus's newest studies: a page "How good is it?" with at most five tables.

Every number comes from a saved study run. The page states the corpus, the split, the machine and
the command of each table, so that a reader can repeat it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import plotly.graph_objects as go

from core.corpus import Corpus
from core.errors import EarshotError
from core.studies.results_summary_tables import (
    RANDOM_SPLIT,
    SummaryTable,
    summarize_confidence,
    summarize_forecast,
    summarize_paper_verdicts,
    summarize_prediction,
    summarize_unseen_templates,
)
from core.studies.study_run_storage import list_study_runs

PAGE_NAME = "how-good-is-it"
FIGURE_STUDY, FIGURE_NAME = "agreement", "sizes"
TABLE_BUILDERS: tuple[Callable[[Corpus], SummaryTable | None], ...] = (
    summarize_prediction,
    summarize_unseen_templates,
    summarize_confidence,
    summarize_forecast,
    summarize_paper_verdicts,
)


@dataclass(frozen=True)
class ResultsSummary:
    """The page of a corpus.

    Attributes
    ----------
    markdown : str
    tables : tuple of SummaryTable
    figure : Figure or None
        Measures of agreement by number of programs; None without the agreement study.
    """

    markdown: str
    tables: tuple[SummaryTable, ...]
    figure: go.Figure | None


def build_results_summary(corpus: Corpus) -> ResultsSummary:
    """Summarize the newest run of each study of a corpus.

    Parameters
    ----------
    corpus : Corpus

    Returns
    -------
    ResultsSummary
        Only tables whose study has been run.

    Raises
    ------
    EarshotError
        If none has been run.
    """
    built_tables = (build_table(corpus) for build_table in TABLE_BUILDERS)
    tables = tuple(table for table in built_tables if table is not None)
    if not tables:
        raise EarshotError(
            f"Corpus '{corpus.name}' has no study results to summarize.",
            remedy=f"Run the studies: ./run study all {corpus.name}",
        )
    figure = _load_newest_summary_figure(corpus)
    parts = [
        "# How good is it?\n",
        f"Written by `./run summary {corpus.name}` from the newest runs of the studies. Each table"
        " has a CSV file of the same name, unrounded. Programs that training never saw come first:"
        " held-out templates, held-out grammar styles, Sonic Pi's examples and programs by other"
        f" people. The {RANDOM_SPLIT}, is named where it appears.\n",
        *(table.format_as_markdown() for table in tables),
    ]
    if figure is not None:
        parts.append(
            "## Agreement by number of programs\n\n"
            f"![Calibrated agreement of code and audio by number of programs]({PAGE_NAME}.svg)\n\n"
            "*Test programs of the random split. 0: permuted pairs, 1: the maximum of the measure."
            f" Command: `./run study {FIGURE_STUDY} {corpus.name}`.*\n"
        )
    return ResultsSummary("\n".join(parts), tables, figure)


def _load_newest_summary_figure(corpus: Corpus) -> go.Figure | None:
    for run in list_study_runs(corpus, FIGURE_STUDY)[:1]:
        for figure in run.load_result().figures:
            if figure.name == FIGURE_NAME:
                return figure.figure
    return None
