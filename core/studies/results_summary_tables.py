"""Tables of the page "How good is it?", each from saved runs of one study.

Programs that training never saw lead each table: held-out templates, held-out grammar styles and
programs from outside. The random split, in which variants of the same templates are trained on, is
named as the paper's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from core.corpus import Corpus
from core.errors import EarshotError
from core.studies.paper_comparison_verdicts import VERDICT_EXPLANATION, count_verdicts
from core.studies.report_markdown import format_table_cell
from core.studies.retrieved_clip_scores import SCORE
from core.studies.study_registry import get_study
from core.studies.study_run_storage import StudyRun, list_study_runs
from core.text_formatting import format_markdown_table

RANDOM_SPLIT = "random split, the paper's"
# Metric of the agreement study and its column in the table.
UNSEEN_METRICS = {
    "cka_debiased": "debiased CKA",
    "mutual_knn@10": "mutual 10-NN",
    "normalized_similarity@5": "normalized similarity@5",
    "recall@1 of 100 code->audio": "recall@1 of 100",
    "recall@1 within template code->audio": "recall@1 within template",
}
QUERIES_OPTION, ALIGNMENT_OPTION = "queries", "alignment"
"""Shown in another way: the queries always, an alignment's id not, because it names a local one."""
CALIBRATED_METRICS = ("cka_debiased", "mutual_knn@10")
FORECAST_PROPERTIES = (
    "loudness",
    "peak",
    "silence",
    "onset_rate",
    "tempo",
    "register",
    "brightness",
    "noisiness",
    "stereo_width",
)
_QUERY_ORDER = ("validation", "examples")
_SINGLE_ENCODER_BOUND = re.compile(r"true nearest by (?!all encoders)")
_DIMENSION_SUFFIX = re.compile(r", \d+ dimensions\Z")


@dataclass(frozen=True)
class SummaryTable:
    """One table of the page.

    Attributes
    ----------
    name : str
        Of its CSV file.
    title, caption : str
    rows : DataFrame
        Content of the CSV file, unrounded.
    shown_rows : DataFrame or None
        Content of the table on the page; None for `rows`.
    """

    name: str
    title: str
    caption: str
    rows: pd.DataFrame
    shown_rows: pd.DataFrame | None = None

    def format_as_markdown(self) -> str:
        """Return title, table and caption as Markdown."""
        shown = self.rows if self.shown_rows is None else self.shown_rows
        rows = [
            [format_table_cell(value) for value in row]
            for row in shown.astype(object).itertuples(index=False)
        ]
        table = format_markdown_table([str(name) for name in shown.columns], rows)
        return f"## {self.title}\n\n{table}\n\n*{self.caption}*\n"


def summarize_prediction(corpus: Corpus) -> SummaryTable | None:
    """Summarize the newest retrieval study of each set of queries; None without one."""
    parts = []
    runs = _list_newest_runs_by_queries(corpus, "retrieval")
    for run in runs:
        rows = _load_scores_by_kind(run)
        if rows is not None:
            is_shown = ~rows["method"].str.match(_SINGLE_ENCODER_BOUND)
            parts.append(rows[is_shown].rename(columns={"kind": "queries of"}))
    if not parts:
        return None
    rows = pd.concat(parts, ignore_index=True)
    encoders = list(dict.fromkeys(rows["encoder"]))
    groups = rows.groupby(["queries of", "method"], sort=False)
    kind_order = list(dict.fromkeys(rows["queries of"]))
    ordered_groups = sorted(groups, key=lambda group: kind_order.index(group[0][0]))
    shown = pd.DataFrame(
        [
            {
                "queries of": f"{kind} ({int(group['queries'].max())})",
                "method": method,
                **_format_scores_by_encoder(group),
                "lowest": f"{group[SCORE].min():.2f}",
            }
            for (kind, method), group in ordered_groups
        ]
    )
    return SummaryTable(
        "prediction",
        "Does the predicted sound resemble the true one?",
        f"{SCORE} of the retrieved clips, one column per audio encoder: 0 is the corpus mean, 1 the"
        " truly nearest clips. In brackets: 95 % interval over programs; of held-out templates and"
        " styles, over templates and styles, where there are at least four. The number of queries"
        f" is behind each kind. Heads were trained on {encoders[0]}."
        f" {_format_run_origin(runs[0], [_format_study_command(run) for run in runs])}",
        rows,
        shown,
    )


def summarize_unseen_templates(corpus: Corpus) -> SummaryTable | None:
    """Summarize the newest agreement study: unseen templates, then the random split."""
    for run in list_study_runs(corpus, "agreement")[:1]:
        rows = _find_study_run_table(run, "unseen")
        if rows is None:
            return None
        rows = rows[rows["metric"].isin(list(UNSEEN_METRICS))]
        rows = rows.assign(
            method=rows["method"].map(_format_method_without_dimensions),
            programs_of="unseen templates and styles",
        )
        draws = int(rows["draw"].max())
        rows = pd.concat([rows, _load_random_split_rows(corpus, run)], ignore_index=True)
        groups = rows.groupby(["programs_of", "method", "reading"], sort=False)
        shown = pd.DataFrame(
            [
                {
                    "programs of": programs_of,
                    "method": method,
                    "compared": reading,
                    **_format_agreement_metrics(group),
                }
                for (programs_of, method, reading), group in groups
            ]
        )
        return SummaryTable(
            "unseen-templates",
            "Do code and audio agree on templates that training never saw?",
            f"Mean over {draws} draws of templates and grammar styles that were held out whole; in"
            " brackets the smallest and the largest. calibrated: 0 at permuted pairs, 1 at the"
            f" maximum. {RANDOM_SPLIT}: variants of the same templates are trained on; in brackets"
            " the 95 % interval over programs."
            f" {_format_run_origin(run, [_format_study_command(run)])}",
            rows,
            shown.dropna(axis="columns", how="all"),
        )
    return None


def summarize_confidence(corpus: Corpus) -> SummaryTable | None:
    """Summarize the confidence on the programs that are farthest from the corpus."""
    for run in reversed(_list_newest_runs_by_queries(corpus, "retrieval")):
        rows = _find_study_run_table(run, "confidence")
        if rows is not None:
            return SummaryTable(
                "confidence",
                "Is the confidence right?",
                "Predicted and observed share of correct predictions by level. Queries:"
                f" {_describe_queries(run)}."
                f" {_format_run_origin(run, [_format_study_command(run)])}",
                rows,
            )
    return None


def summarize_forecast(corpus: Corpus) -> SummaryTable | None:
    """Summarize the newest forecast study of each set of queries; None without one."""
    runs = _list_newest_runs_by_queries(corpus, "forecast")
    tables = [table for run in runs if (table := _load_forecast_rows(run)) is not None]
    if not tables:
        return None
    caption = runs[0].load_study_tables()[0].caption
    return SummaryTable(
        "forecast",
        "Are loudness, onsets and brightness predicted?",
        f"{caption} {_format_run_origin(runs[0], [_format_study_command(run) for run in runs])}",
        pd.concat(tables, ignore_index=True),
    )


def summarize_paper_verdicts(corpus: Corpus) -> SummaryTable | None:
    """Count the verdicts on the paper's numbers by study; None if none was repeated."""
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


def _list_newest_runs_by_queries(corpus: Corpus, study_name: str) -> list[StudyRun]:
    """Return the newest run of each set of queries: held-out ones, examples, folders."""
    newest: dict[str, StudyRun] = {}
    for run in list_study_runs(corpus, study_name):
        newest.setdefault(str(run.metadata["settings"].get("queries", "")), run)
    order = {queries: number for number, queries in enumerate(_QUERY_ORDER)}
    return [newest[key] for key in sorted(newest, key=lambda key: (order.get(key, 9), key))]


def _find_study_run_table(run: StudyRun, name: str) -> pd.DataFrame | None:
    tables = {table.name: table.rows for table in run.load_study_tables()}
    rows = tables.get(name)
    return rows if rows is not None and len(rows) else None


def _load_scores_by_kind(run: StudyRun) -> pd.DataFrame | None:
    """Return the scores by kind of query, with intervals where the run has them."""
    rows = _find_study_run_table(run, "scores_by_kind")
    if rows is None or "low" in rows or rows["kind"].nunique() > 1:
        return rows
    # Runs of an older version have intervals for all queries together.
    totals = _find_study_run_table(run, "scores")
    if totals is None:
        return rows
    columns = ["method", "encoder", "low", "high"]
    return rows.merge(totals[columns], on=["method", "encoder"], how="left")


def _format_scores_by_encoder(group: pd.DataFrame) -> dict[str, str]:
    return {
        row["encoder"]: _format_with_interval(row[SCORE], row.get("low"), row.get("high"))
        for row in group.to_dict("records")
    }


def _format_agreement_metrics(group: pd.DataFrame) -> dict[str, str | None]:
    """Return the mean of each metric over draws with its range, and its calibrated value."""
    cells: dict[str, str | None] = {}
    for metric, label in UNSEEN_METRICS.items():
        rows = group[group["metric"] == metric]
        if rows.empty:
            cells[label] = None
            continue
        values = rows["value"]
        is_draw = len(rows) > 1
        low = values.min() if is_draw else rows["low"].iloc[0]
        high = values.max() if is_draw else rows["high"].iloc[0]
        cells[label] = _format_with_interval(values.mean(), low, high)
        if metric in CALIBRATED_METRICS:
            cells[f"{label}, calibrated"] = f"{rows['calibrated'].mean():.2f}"
    return cells


def _format_with_interval(value: float, low: float | None, high: float | None) -> str:
    if low is None or high is None or pd.isna(low) or pd.isna(high):
        return f"{value:.2f}"
    return f"{value:.2f} [{low:.2f}, {high:.2f}]"


def _load_random_split_rows(corpus: Corpus, run: StudyRun) -> pd.DataFrame:
    """Return the metrics of the run's alignment on the random test split."""
    alignment_id = run.metadata["settings"].get("alignment", {}).get("id", "")
    try:
        record = corpus.load_alignment(alignment_id)
    except EarshotError:  # It was deleted.
        return pd.DataFrame()
    readings = pd.DataFrame(record.metrics.get("readings") or [])
    if readings.empty or "calibrated" not in readings:
        return pd.DataFrame()
    is_shown = (
        (readings["split"] == "test")
        & readings["metric"].isin(list(UNSEEN_METRICS))
        & ~readings["reading"].str.contains("held-out encoder")
    )
    method = _format_method_without_dimensions(record.config["alignment"]["objective"])
    rows = readings[is_shown]
    return rows.assign(
        method=rows["reading"].map(lambda name: "raw embeddings" if name == "before" else method),
        programs_of=RANDOM_SPLIT,
    )


def _format_method_without_dimensions(name: str) -> str:
    """Return the name of a method without its number of dimensions: "kernel ridge"."""
    return _DIMENSION_SUFFIX.sub("", str(name)).replace("_", " ")


def _load_forecast_rows(run: StudyRun) -> pd.DataFrame | None:
    rows = _find_study_run_table(run, "properties_by_kind")
    if rows is None:
        return None
    return rows[rows["property"].isin(FORECAST_PROPERTIES)]


def _describe_queries(run: StudyRun) -> str:
    rows = _find_study_run_table(run, "scores_by_kind")
    if rows is None:
        return "not recorded"
    counts = rows.groupby("kind", sort=False)["queries"].max()
    return ", ".join(f"{count} {kind}" for kind, count in counts.items())


def _format_study_command(run: StudyRun) -> str:
    """Return the command of a run: its queries, and the other options that differ from defaults."""
    settings = run.metadata["settings"]
    command = f"./run study {run.study_name} {settings.get('corpus', {}).get('name', '')}"
    queries = str(settings.get("queries", ""))
    if queries:  # A folder's path is of this machine alone.
        command += f" --queries {'FOLDER' if '/' in queries else queries}"
    options = settings.get("options", {})
    for option in get_study(run.study_name).options:
        value = options.get(option.name, option.default)
        if option.name not in (QUERIES_OPTION, ALIGNMENT_OPTION) and value != option.default:
            command += f" {option.cli_flag} {value}"
    return command


def _format_run_origin(run: StudyRun, commands: Iterable[str]) -> str:
    """Return corpus, machine and commands, for a caption."""
    facts = run.metadata["settings"].get("corpus", {})
    machine = run.metadata["settings"].get("versions", {}).get("machine", "not recorded")
    listed = ", ".join(f"`{command}`" for command in dict.fromkeys(commands))
    return (
        f"Corpus {facts.get('name', '')}: {facts.get('ok', 0):,} programs of"
        f" {facts.get('templates', 0)} templates and styles, clips of"
        f" {facts.get('clip_seconds', 0):g} s, seed {facts.get('split_seed', 0)}."
        f" Machine: {machine}. Command: {listed}."
    )
