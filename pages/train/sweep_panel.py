"""View "Sweep" of the page Train: starts a sweep and shows the results of its configurations."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from core import jobs, workspace
from core.alignment.sweep_grids import GRIDS, SEED_COUNT, list_grid_trials
from core.corpus import Corpus
from core.errors import EarshotError
from core.jobs import Job
from core.pipeline import sweep_execution, sweep_results
from core.pipeline.cost_estimates import estimate_sweep_seconds
from core.pipeline.sweep_configuration_train_command import build_training_command
from core.studies.result_table_collection import flatten_sweep_summary
from core.studies.sweep_configuration_figure import (
    build_sweep_configuration_figure,
    title_sweep_figure,
)
from pages.components import (
    figure_and_table_download,
    job_panel,
    markdown_and_errors,
    page_cache,
    session_keys,
)
from pages.components.table_height import compute_table_height_px

GRID_LABELS = {
    "paper": "The paper's: layers, width, temperature, learning rate",
    "ablation": "Ablation: the effect of each component",
    "tradeoff": "Temperature: nearest neighbours versus overall structure",
}
CONFIGURATION_WIDTH_PX = 400
BEST_METRIC = "cka_debiased"
METRIC_LABELS = {
    "cka_debiased": "CKA, debiased",
    "cka": "CKA",
    "mutual_knn@10": "Mutual 10-NN",
    "overlap@3": "Overlap@3",
    "spearman": "Spearman",
    "recall@1 code->audio": "Recall@1",
}


def draw_sweep_panel(corpus: Corpus) -> None:
    """Draw the form that starts a sweep, the running one, and the results of earlier ones."""
    if not corpus.settings.get("encoders"):
        name = markdown_and_errors.escape_markdown(corpus.name)
        st.info(f"{name} has no embeddings yet. Build it first.", icon=":material/info:")
        return
    st.caption(
        "Trains every configuration of a grid with several seeds to separate real differences"
        " from chance. Resumes where it stopped."
    )
    job = job_panel.find_latest_job_of_command("sweep", corpus.name)
    is_running = job is not None and job.is_active
    if not workspace.is_workspace_read_only():
        draw_sweep_form(corpus, is_running)
    job_panel.draw_latest_job_unless_done("sweep", corpus.name, draw_details=draw_running_sweep)
    if not is_running:
        draw_finished_sweeps(corpus)


def draw_sweep_form(corpus: Corpus, is_running: bool) -> None:
    """Draw the choice of a grid and of the number of seeds, the cost, and the button."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        grid_name = st.selectbox(
            "Grid",
            list(GRIDS),
            key=session_keys.SWEEP_GRID.name,
            format_func=lambda option: GRID_LABELS.get(option, option.capitalize()),
            persist_state="session",
        )
        seed_count = st.number_input(
            "Seeds",
            1,
            20,
            SEED_COUNT,
            key=session_keys.SWEEP_SEED_COUNT.name,
            persist_state="session",
            width=110,
            help="Runs of each configuration.",
        )
        st.button(
            "Start the sweep",
            icon=":material/grid_on:",
            disabled=is_running,
            on_click=_start_sweep_job,
            args=(corpus.name,),
        )
    trials = list_grid_trials(grid_name)
    seconds = estimate_sweep_seconds(
        page_cache.count_programs_by_state(corpus)["ok"],
        [trial.build_alignment_config(0) for trial in trials],
        int(seed_count),
        sweep_execution.DEFAULT_WORKERS,
    )
    st.caption(
        f"{markdown_and_errors.pluralize(len(trials), 'configuration')},"
        f" {markdown_and_errors.pluralize(int(seed_count), 'seed')} each:"
        f" {job_panel.estimate_and_format_work_duration('sweep', seconds)}; most runs stop early."
    )


def _start_sweep_job(corpus_name: str) -> None:
    # A callback runs before the page draws what was typed last, so it reads the widgets' state.
    grid_name, seed_count = (
        session_keys.SWEEP_GRID.get_value(),
        int(session_keys.SWEEP_SEED_COUNT.get_value()),
    )
    argv = ["sweep", corpus_name, "--grid", grid_name, "--seeds", str(seed_count)]
    job_panel.start_background_job(argv, f"Sweep {grid_name} of {corpus_name}")


def draw_running_sweep(job: Job) -> None:
    """Draw the results so far of a running sweep."""
    sweep_ids = [
        event["data"]["sweep"]
        for event in jobs.read_job_data_events(job.id)
        if event["data"].get("sweep")
    ]
    if not sweep_ids:
        st.caption("Training the first runs …")
        return
    with markdown_and_errors.catch_and_show_errors():
        draw_sweep_results(Corpus.open(job.argv[1]), sweep_ids[-1])


def draw_finished_sweeps(corpus: Corpus) -> None:
    """Draw the choice of an earlier sweep and its results."""
    sweep_ids = list(reversed(sweep_results.list_sweep_ids(corpus)))
    if not sweep_ids:
        st.info("No sweep of this corpus yet.", icon=":material/grid_off:")
        return
    sweep_id = sweep_ids[0]
    if len(sweep_ids) > 1:
        sweep_id = st.selectbox(
            "Sweep",
            sweep_ids,
            key=session_keys.SHOWN_SWEEP.derive_scoped_key(corpus.name).name,
            format_func=lambda option: sweep_results.describe_sweep(corpus, option),
        )
    trial_runs = draw_sweep_results(corpus, sweep_id)
    draw_best_configuration_button(corpus, sweep_id, trial_runs)
    draw_sweep_parallel_coordinates(corpus, sweep_id)
    # Not for a running sweep: its job and this list both show a sweep that has just ended.
    figure_and_table_download.draw_table_download(
        f"sweep-{sweep_id}",
        flatten_sweep_summary(sweep_results.summarize_sweep_results(trial_runs)),
        f"Validation metrics of sweep {sweep_id}.",
    )


def draw_sweep_results(corpus: Corpus, sweep_id: str) -> pd.DataFrame:
    """Draw the mean metrics of each configuration over its seeds; return all runs."""
    trial_runs = sweep_results.load_sweep_results(corpus, sweep_id)
    table = build_sweep_result_table(trial_runs)
    number_columns = table.columns.drop(["Configuration", "Runs"])
    st.dataframe(
        table,
        hide_index=True,
        height=compute_table_height_px(len(table), len(table)),
        placeholder="–",
        alt="Configurations of the sweep and their metrics, one per row",
        column_config={
            "Configuration": st.column_config.TextColumn(width=CONFIGURATION_WIDTH_PX),
            **{name: st.column_config.NumberColumn(format="%.3f") for name in number_columns},
        },
    )
    st.caption(describe_sweep_results(trial_runs))
    return trial_runs


def describe_sweep_results(trial_runs: pd.DataFrame) -> str:
    """Return how many runs a sweep has, what they measure, and the best configuration."""
    finished_runs = trial_runs[trial_runs["number"] >= 0].drop_duplicates(["number", "seed"])
    configuration_count = finished_runs["number"].nunique()
    text = (
        f"{markdown_and_errors.pluralize(len(finished_runs), 'run')} of"
        f" {markdown_and_errors.pluralize(configuration_count, 'configuration')} so far."
    )
    if len(finished_runs) > configuration_count:
        text += " Means over seeds on the validation programs; ± is the standard deviation."
    else:
        text += " Measured on the validation programs, with one seed."
    text += " Aligned code versus aligned audio. Test programs are left for the report."
    best_number = find_best_configuration_number_or_none(trial_runs)
    if best_number is None:
        return text
    names = trial_runs.drop_duplicates("number").set_index("number")["name"]
    return (
        f"{text} Best by debiased CKA: {markdown_and_errors.escape_markdown(names[best_number])}."
    )


def find_best_configuration_number_or_none(trial_runs: pd.DataFrame) -> int | None:
    """Return the number of the best configuration; None while no run has a value."""
    try:
        return sweep_results.find_best_configuration_number(trial_runs, BEST_METRIC)
    except EarshotError:  # No run has finished.
        return None


def draw_best_configuration_button(corpus: Corpus, sweep_id: str, trial_runs: pd.DataFrame) -> None:
    """Draw the button that trains the best configuration as an alignment of the corpus."""
    best_number = find_best_configuration_number_or_none(trial_runs)
    if best_number is None or workspace.is_workspace_read_only():
        return
    argv = build_training_command(corpus, sweep_id, best_number)
    job_panel.draw_latest_job_unless_done(*argv)
    job_panel.draw_job_start_button(
        "Train the best",
        argv,
        f"Train the best configuration of {sweep_results.describe_sweep(corpus, sweep_id)}",
        icon=":material/model_training:",
    )


def draw_sweep_parallel_coordinates(corpus: Corpus, sweep_id: str) -> None:
    """Draw each configuration as a line across its settings and metrics."""
    figure = build_sweep_configuration_figure(corpus, sweep_id)
    if figure is None:
        return
    st.plotly_chart(
        figure,
        key="sweep-coordinates",
        config={"displayModeBar": False},
        alt="Settings and metrics of each configuration, one line per configuration",
    )
    st.caption(
        "One line per configuration, coloured by debiased CKA. Drag along an axis to keep only the"
        " lines through that range; click the axis to keep all again."
    )
    figure_and_table_download.draw_figure_download(
        f"sweep-{sweep_id}-coordinates", lambda: figure, title_sweep_figure(sweep_id)
    )


def build_sweep_result_table(trial_runs: pd.DataFrame) -> pd.DataFrame:
    """Return one row per configuration, first the baseline without an alignment."""
    summary = sweep_results.summarize_sweep_results(trial_runs)
    run_counts = trial_runs[trial_runs["number"] >= 0].groupby("number")["seed"].nunique()
    has_deviations = bool((run_counts > 1).any())
    columns: dict[str, list[Any]] = {
        "Configuration": [name for _, name in summary.index],
        "Runs": [int(run_counts.get(number, 0)) or None for number, _ in summary.index],
    }
    for metric, label in METRIC_LABELS.items():
        if (metric, "mean") in summary:
            columns[label] = summary[metric, "mean"].tolist()
            if has_deviations:
                columns[f"{label} ±"] = summary[metric, "sd"].tolist()
    return pd.DataFrame(columns)
