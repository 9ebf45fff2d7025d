"""Summary of a corpus's newest studies: a page "How good is it?" with at most five tables.

Every number comes from a saved study run. The page states the corpus, the split, the machine and
the command of each table, so that a reader can repeat it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go

from core.corpus import Corpus
from core.errors import EarshotError
from core.studies.paper_comparison_verdicts import VERDICT_EXPLANATION, count_verdicts
from core.studies.report_markdown import format_table_cell
from core.studies.study_run_storage import StudyRun, list_study_runs
from core.text_formatting import format_markdown_table

PAGE_NAME = "how-good-is-it"
FIGURE_STUDY, FIGURE_NAME = "agreement", "sizes"
# Metrics of the table on unseen templates, in its order.
UNSEEN_METRICS = (
    "cka_debiased",
    "mutual_knn@10",
    "normalized_similarity@5",
    "recall@1 of 100 code->audio",
    "recall@1 within template code->audio",
)


@dataclass(frozen=True)
class SummaryTable:
    """One table of the page.

    Attributes
    ----------
    name : str
        Of its CSV file.
    title, caption : str
    rows : DataFrame
        Unrounded.
    """

    name: str
    title: str
    caption: str
    rows: pd.DataFrame

    def format_as_markdown(self) -> str:
        """Return title, table and caption as Markdown."""
        rows = [
            [format_table_cell(value) for value in row]
            for row in self.rows.astype(object).itertuples(index=False)
        ]
        table = format_markdown_table([str(name) for name in self.rows.columns], rows)
        return f"## {self.title}\n\n{table}\n\n*{self.caption}*\n"


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
    tables = tuple(_iterate_summary_tables(corpus))
    if not tables:
        raise EarshotError(
            f"Corpus '{corpus.name}' has no study results to summarize.",
            remedy=f"Run the studies: ./run study all {corpus.name}",
        )
    figure = _load_figure(corpus)
    parts = [
        "# How good is it?\n",
        f"Written by `./run summary {corpus.name}` from the newest run of each study. Each table"
        f" has a CSV file of the same name.\n",
        *(table.format_as_markdown() for table in tables),
    ]
    if figure is not None:
        parts.append(
            "## Agreement by number of programs\n\n"
            f"![Calibrated agreement of code and audio by number of programs]({PAGE_NAME}.svg)\n\n"
            "*Held-out programs. 0: permuted pairs, 1: the maximum of the measure. Command:"
            f" `./run study {FIGURE_STUDY} {corpus.name}`.*\n"
        )
    return ResultsSummary("\n".join(parts), tables, figure)


def _iterate_summary_tables(corpus: Corpus) -> Iterator[SummaryTable]:
    for study_name, build_table in TABLE_BUILDERS:
        for run in list_study_runs(corpus, study_name)[:1]:
            table = build_table(run)
            if table is not None:
                yield table
    comparison = _summarize_paper_verdicts(corpus)
    if comparison is not None:
        yield comparison


def _load_figure(corpus: Corpus) -> go.Figure | None:
    for run in list_study_runs(corpus, FIGURE_STUDY)[:1]:
        for figure in run.load_result().figures:
            if figure.name == FIGURE_NAME:
                return figure.figure
    return None


def _find_study_run_table(run: StudyRun, name: str) -> pd.DataFrame | None:
    tables = {table.name: table.rows for table in run.load_study_tables()}
    rows = tables.get(name)
    return rows if rows is not None and len(rows) else None


def _describe_study_run_origin(run: StudyRun, **options: str | None) -> str:
    """Return corpus, machine and command of a run, for a caption."""
    facts = run.metadata["settings"].get("corpus", {})
    machine = run.metadata["settings"].get("versions", {}).get("machine", "not recorded")
    flags = "".join(f" --{name} {value}" for name, value in options.items() if value)
    return (
        f"Corpus {facts.get('name', '')}: {facts.get('ok', 0):,} programs of"
        f" {facts.get('templates', 0)} templates and styles, clips of"
        f" {facts.get('clip_seconds', 0):g} s. Machine: {machine}."
        f" Command: `./run study {run.study_name} {facts.get('name', '')}{flags}`."
    )


def _summarize_retrieval(run: StudyRun) -> SummaryTable | None:
    rows = _find_study_run_table(run, "scores_by_encoder")
    if rows is None:
        return None
    settings = run.metadata["settings"]
    queries = str(settings.get("queries", ""))
    place = "the examples that Sonic Pi ships" if queries == "examples" else "held-out programs"
    if "/" in queries:
        place = "a folder of programs by other people"
    count = int(_find_study_run_table(run, "scores")["queries"].max())  # type: ignore[index]  # same run
    return SummaryTable(
        "prediction",
        "Does the predicted sound resemble the true one?",
        f"Normalized similarity@{settings.get('k', 5)} of the retrieved clips, one column per audio"
        f" encoder: 0 is the corpus mean, 1 the truly nearest clips. Queries: {count} of {place}."
        f" The alignment was trained on the first encoder's vectors unless its row says otherwise."
        f" {_describe_study_run_origin(run, queries=None if '/' in queries else queries)}",
        rows,
    )


def _summarize_unseen_templates(run: StudyRun) -> SummaryTable | None:
    rows = _find_study_run_table(run, "unseen")
    if rows is None:
        return None
    rows = rows[rows["metric"].isin(UNSEEN_METRICS)]
    groups = rows.groupby(["method", "reading", "metric"], sort=False)
    summary = groups["value"].agg(["mean", "min", "max"]).reset_index()
    summary["calibrated"] = groups["calibrated"].mean().to_numpy()
    draws = int(rows["draw"].max())
    return SummaryTable(
        "unseen-templates",
        "Do code and audio agree on templates that training never saw?",
        f"Mean, smallest and largest value over {draws} draws of templates and grammar styles that"
        " were held out whole. calibrated: 0 at permuted pairs, 1 at the maximum."
        f" {_describe_study_run_origin(run)}",
        summary,
    )


def _summarize_confidence(run: StudyRun) -> SummaryTable | None:
    rows = _find_study_run_table(run, "confidence")
    if rows is None:
        return None
    return SummaryTable(
        "confidence",
        "Is it as sure as it should be?",
        "Predicted and observed share of correct predictions by level, on the same queries as the"
        f" first table. {_describe_study_run_origin(run)}",
        rows,
    )


def _summarize_forecast(run: StudyRun) -> SummaryTable | None:
    tables = run.load_study_tables()
    if not tables:
        return None
    first = tables[0]
    return SummaryTable(
        "forecast", first.title, f"{first.caption} {_describe_study_run_origin(run)}", first.rows
    )


def _summarize_paper_verdicts(corpus: Corpus) -> SummaryTable | None:
    counts_by_study: dict[str, dict[str, int]] = {}
    for run in list_study_runs(corpus):
        comparison = run.load_paper_comparison()
        if run.study_name not in counts_by_study and "verdict" in comparison:
            counts_by_study[run.study_name] = count_verdicts(comparison["verdict"])
    counts_by_study = {study: counts for study, counts in counts_by_study.items() if counts}
    if not counts_by_study:
        return None
    frame = pd.DataFrame.from_dict(counts_by_study, orient="index").fillna(0).astype(int)
    frame = frame.sort_index().rename_axis("study").reset_index()
    return SummaryTable(
        "paper",
        "How do its numbers compare with the paper's?",
        f"Numbers of the paper by verdict. {VERDICT_EXPLANATION} Corpus: {corpus.name}. Command:"
        f" `./run study all {corpus.name}`.",
        frame,
    )


TABLE_BUILDERS: tuple[tuple[str, Callable[[StudyRun], SummaryTable | None]], ...] = (
    ("retrieval", _summarize_retrieval),
    ("agreement", _summarize_unseen_templates),
    ("retrieval", _summarize_confidence),
    ("forecast", _summarize_forecast),
)
