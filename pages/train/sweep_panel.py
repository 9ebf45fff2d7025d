"""A sweep: many configurations trained with several seeds, and the table that they fill."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core import jobs, workspace
from core.alignment.grid import GRIDS, SEEDS, trials
from core.corpus import Corpus
from core.errors import EarshotError
from core.jobs import Job
from core.pipeline import sweep
from core.pipeline.estimate import sweep_seconds
from pages.components import job_panel, formatting

WORDS = {
    "paper": "The paper's: layers, width, temperature, learning rate",
    "ablation": "Ablation: what each piece of the method brings",
    "trade": "Temperature: near neighbours against the whole structure",
}
METRICS = {
    "cka": "CKA",
    "overlap@3": "Overlap@3",
    "spearman": "Spearman",
    "recall@1 code->audio": "Recall@1",
}
SHOWN = 400  # pixels


def draw(corpus: Corpus) -> None:
    """Draw what starts a sweep, how far it is, and the tables of those that there are."""
    if not corpus.settings.get("encoders"):
        st.info(
            f"{formatting.plain(corpus.name)} has not been built yet: nothing in it is embedded.",
            icon=":material/info:",
        )
        return
    st.caption(
        "Trains every configuration of a grid with several seeds, so that differences can be told"
        " from luck. It goes on where it was stopped."
    )
    running = job_panel.latest("sweep", corpus.name)
    active = running is not None and running.active
    if not workspace.read_only():
        start(corpus, active)
    if running is not None and running.state != "done":
        job_panel.panel(running, live)
    if not active:
        finished(corpus)


def start(corpus: Corpus, active: bool) -> None:
    """Draw the choice of a grid, what it takes, and the button."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        grid = st.selectbox(
            "Grid", list(GRIDS), key="sweep:grid", format_func=WORDS.get, persist_state="session"
        )
        seeds = st.number_input(
            "Seeds",
            1,
            20,
            SEEDS,
            key="sweep:seeds",
            persist_state="session",
            width=110,
            help="Runs of each configuration.",
        )
        st.button(
            "Start the sweep",
            icon=":material/grid_on:",
            disabled=active,
            on_click=begin,
            args=(corpus.name,),
        )
    plan = trials(grid)
    expected = sweep_seconds(
        corpus.counts()["ok"], [trial.config(0) for trial in plan], int(seeds), sweep.WORKERS
    )
    st.caption(
        f"{formatting.count(len(plan), 'configuration')}, {formatting.count(int(seeds), 'seed')} each:"
        f" {formatting.duration(expected)} at most; most runs stop earlier."
    )


def begin(name: str) -> None:
    """Start a sweep; for callbacks, so of what the controls say by now."""
    grid, seeds = st.session_state["sweep:grid"], int(st.session_state["sweep:seeds"])
    with formatting.errors():
        jobs.start(
            ["sweep", name, "--grid", grid, "--seeds", str(seeds)], f"Sweep {grid} of {name}"
        )


def live(of: Job) -> None:
    """Draw the table as far as it is filled."""
    told = [event["data"] for event in of.events()[0] if (event.get("data") or {}).get("sweep")]
    if not told:
        st.caption("The first runs are being trained …")
        return
    with formatting.errors():
        table(of.argv[1], told[-1]["sweep"])


def finished(corpus: Corpus) -> None:
    """Draw one of the sweeps that were run before."""
    known = list(reversed(sweep.sweeps(corpus.name)))
    if not known:
        st.info("No sweep of this corpus yet.", icon=":material/grid_off:")
        return
    chosen = known[0]
    if len(known) > 1:
        chosen = st.selectbox("Sweep", known, key=f"sweep:{corpus.name}")
    table(corpus.name, chosen)


def table(corpus_name: str, sweep_id: str) -> None:
    """Draw what each configuration reached: means over its seeds, the best marked."""
    found = sweep.load(corpus_name, sweep_id)
    rows = filled(found)
    done = found[found["number"] >= 0].drop_duplicates(["number", "seed"])
    configurations = done["number"].nunique()
    st.dataframe(
        rows,
        hide_index=True,
        height=min(SHOWN, 36 + 33 * len(rows)),
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
        f"{formatting.count(len(done), 'run')} of {formatting.count(configurations, 'configuration')} so far."
        " Means over seeds on the validation programs, aligned code against aligned audio; ± is"
        " the standard deviation. Test programs are left for the report."
    )
    try:
        names = found.drop_duplicates("number").set_index("number")["name"]
        caption += f" Best by CKA: {formatting.plain(names[sweep.best(found, 'cka')].strip())}."
    except EarshotError:  # no run is done yet
        pass
    st.caption(caption)


def filled(found: pd.DataFrame) -> pd.DataFrame:
    """One row a configuration, the unaligned baseline first, for a reader."""
    summary = sweep.summary(found)
    runs = found[found["number"] >= 0].groupby("number")["seed"].nunique()
    columns: dict[str, list] = {
        "Configuration": [name for _, name in summary.index],
        "Runs": [int(runs.get(number, 0)) or None for number, _ in summary.index],
    }
    for metric, label in METRICS.items():
        if (metric, "mean") in summary:
            columns[label] = summary[metric, "mean"].tolist()
            columns[f"{label} ±"] = summary[metric, "sd"].tolist()
    return pd.DataFrame(columns)
