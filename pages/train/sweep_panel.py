"""A sweep: many configurations trained with several seeds, and the table that they fill."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core import jobs, workspace
from core.alignment.grid import GRIDS, SEED_COUNT, list_trials
from core.corpus import Corpus
from core.errors import EarshotError
from core.jobs import Job
from core.pipeline import sweep
from core.pipeline.estimate import estimate_sweep_seconds
from pages.components import job_panel, formatting

GRID_LABELS = {
    "paper": "The paper's: layers, width, temperature, learning rate",
    "ablation": "Ablation: what each piece of the method brings",
    "trade": "Temperature: near neighbours against the whole structure",
}
METRIC_LABELS = {
    "cka": "CKA",
    "overlap@3": "Overlap@3",
    "spearman": "Spearman",
    "recall@1 code->audio": "Recall@1",
}
MAX_TABLE_HEIGHT_PX = 400  # pixels


def draw_sweep_panel(corpus: Corpus) -> None:
    """Draw what starts a sweep, how far it is, and the tables of those that there are."""
    if not corpus.settings.get("encoders"):
        st.info(
            f"{formatting.escape_markdown(corpus.name)} has not been built yet: nothing in it is embedded.",
            icon=":material/info:",
        )
        return
    st.caption(
        "Trains every configuration of a grid with several seeds, so that differences can be told"
        " from luck. It goes on where it was stopped."
    )
    running = job_panel.find_latest_job("sweep", corpus.name)
    active = running is not None and running.is_active
    if not workspace.is_read_only():
        draw_sweep_form(corpus, active)
    if running is not None and running.state != "done":
        job_panel.draw_job_panel(running, draw_live_sweep)
    if not active:
        draw_finished_sweeps(corpus)


def draw_sweep_form(corpus: Corpus, is_running: bool) -> None:
    """Draw the choice of a grid, what it takes, and the button."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        grid = st.selectbox(
            "Grid", list(GRIDS), key="sweep:grid", format_func=GRID_LABELS.get, persist_state="session"
        )
        seeds = st.number_input(
            "Seeds",
            1,
            20,
            SEED_COUNT,
            key="sweep:seeds",
            persist_state="session",
            width=110,
            help="Runs of each configuration.",
        )
        st.button(
            "Start the sweep",
            icon=":material/grid_on:",
            disabled=is_running,
            on_click=start_sweep_job,
            args=(corpus.name,),
        )
    plan = list_trials(grid)
    expected = estimate_sweep_seconds(
        corpus.count_programs_by_state()["ok"], [trial.build_config(0) for trial in plan], int(seeds), sweep.DEFAULT_WORKERS
    )
    st.caption(
        f"{formatting.format_count(len(plan), 'configuration')}, {formatting.format_count(int(seeds), 'seed')} each:"
        f" {formatting.format_duration(expected)} at most; most runs stop earlier."
    )


def start_sweep_job(corpus_name: str) -> None:
    """Start a sweep; for callbacks, so of what the controls say by now."""
    grid, seeds = st.session_state["sweep:grid"], int(st.session_state["sweep:seeds"])
    with formatting.catch_and_show_errors():
        jobs.start_job(
            ["sweep", corpus_name, "--grid", grid, "--seeds", str(seeds)], f"Sweep {grid} of {corpus_name}"
        )


def draw_live_sweep(sweep_job: Job) -> None:
    """Draw the table as far as it is filled."""
    told = [event["data"] for event in sweep_job.read_events()[0] if (event.get("data") or {}).get("sweep")]
    if not told:
        st.caption("The first runs are being trained …")
        return
    with formatting.catch_and_show_errors():
        draw_sweep_table(Corpus.open(sweep_job.argv[1]), told[-1]["sweep"])


def draw_finished_sweeps(corpus: Corpus) -> None:
    """Draw one of the sweeps that were run before."""
    known = list(reversed(sweep.list_sweeps(corpus)))
    if not known:
        st.info("No sweep of this corpus yet.", icon=":material/grid_off:")
        return
    chosen = known[0]
    if len(known) > 1:
        chosen = st.selectbox("Sweep", known, key=f"sweep:{corpus.name}")
    draw_sweep_table(corpus, chosen)


def draw_sweep_table(corpus: Corpus, sweep_id: str) -> None:
    """Draw what each configuration reached: means over its seeds, the best marked."""
    found = sweep.load_sweep(corpus, sweep_id)
    rows = build_sweep_table(found)
    done = found[found["number"] >= 0].drop_duplicates(["number", "seed"])
    configurations = done["number"].nunique()
    st.dataframe(
        rows,
        hide_index=True,
        height=min(MAX_TABLE_HEIGHT_PX, 36 + 33 * len(rows)),
        placeholder="–",
        alt="Configurations of the sweep and what they reached, a row each",
        column_config={
            "Configuration": st.column_config.TextColumn(width="medium", pinned=True),
            **{
                label: st.column_config.NumberColumn(format="%.3f")
                for label in rows.columns
                if label not in ("Configuration", "Runs")
            },
        },
    )
    caption = (
        f"{formatting.format_count(len(done), 'run')} of {formatting.format_count(configurations, 'configuration')} so far."
        " Means over seeds on the validation programs, aligned code against aligned audio; ± is"
        " the standard deviation. Test programs are left for the report."
    )
    try:
        names = found.drop_duplicates("number").set_index("number")["name"]
        caption += f" Best by CKA: {formatting.escape_markdown(names[sweep.find_best_configuration(found, 'cka')].strip())}."
    except EarshotError:  # no run is done yet
        pass
    st.caption(caption)


def build_sweep_table(trial_runs: pd.DataFrame) -> pd.DataFrame:
    """One row a configuration, the unaligned baseline first, for a reader."""
    summary = sweep.summarize_sweep(trial_runs)
    runs = trial_runs[trial_runs["number"] >= 0].groupby("number")["seed"].nunique()
    columns: dict[str, list] = {
        "Configuration": [name for _, name in summary.index],
        "Runs": [int(runs.get(number, 0)) or None for number, _ in summary.index],
    }
    for metric, label in METRIC_LABELS.items():
        if (metric, "mean") in summary:
            columns[label] = summary[metric, "mean"].tolist()
            columns[f"{label} ±"] = summary[metric, "sd"].tolist()
    return pd.DataFrame(columns)
