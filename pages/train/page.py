"""Train: how, while it trains, and what came of it."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core import jobs, workspace
from core.plots import charts
from core.corpus import AlignmentRecord, Corpus
from core.errors import EarshotError
from core.jobs import Job
from core.pipeline.estimate import training_seconds
from pages.components import cache, layout, job_panel, selection, formatting
from pages.train import encoder_picker, alignment_list, sweep_panel
from pages.train.training_form import Given, choose_config, choose_method

SPLITS = {
    "test": "Test: held out from training and from stopping",
    "validation": "Validation: training stopped by it",
    "unseen templates": "Templates held out whole",
}
MOST_EPOCHS = 400  # drawn while it trains
# Metrics without a reading before alignment: there was no shared space to search.
READINGS = {
    "before": "Before",
    "aligned code ~ aligned audio": "After, aligned audio",
    "aligned code ~ raw audio": "After, raw audio",
}


ONE, BESIDE, SWEEP = VIEWS = ("One training", "Side by side", "Sweep")  # also in the address


def page() -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title("Train an alignment", width="stretch")
        views = st.container(width="content")
    with formatting.errors():
        here = selection.chosen()
        if here.corpus is None:
            selection.no_corpus()
            return
        with views:
            view = st.segmented_control(
                "View",
                VIEWS,
                default=ONE,
                required=True,
                key="view",
                bind="query-params",
                label_visibility="collapsed",
            )
        if view == BESIDE:
            alignment_list.draw(here.corpus)
        elif view == SWEEP:
            sweep_panel.draw(here.corpus)
        elif workspace.read_only():
            outcome(here)
        else:
            left, right = st.columns([4, 7], gap="large")
            with left:
                settings(here.corpus)
            with right:
                outcome(here)


def outcome(here: selection.Place) -> None:
    """Draw the training that goes on or failed, and what the chosen alignment changed."""
    training = job_panel.latest("train", here.corpus.name)
    if training and (training.active or training.state in ("failed", "cancelled")):
        job_panel.panel(training, curves)
    if here.alignment is not None:
        results(here.corpus, here.alignment)
    elif workspace.read_only():
        selection.no_alignment(here.corpus)
    elif training is None:
        st.info(
            "No alignment yet. The defaults are a good beginning: press the button.",
            icon=":material/arrow_back:",
        )


def settings(corpus: Corpus) -> None:
    """Draw the encoders, the config and the button that starts the training."""
    choice = encoder_picker.choose(corpus)
    # Above the settings, all of which have good defaults: it is seen without scrolling.
    top = st.container()
    given = choose_config(choose_method())
    with st.expander("Hold out whole templates"):
        unseen = st.multiselect(
            "Templates",
            cache.templates_of(corpus),
            key=f"unseen:{corpus.name}",
            persist_state="session",
            label_visibility="collapsed",
            format_func=lambda each: cache.titles().get(each, each),
            help="Nothing is trained on their programs, and they are judged on their own.",
        )
    with top:
        pressed = st.button(
            "Train",
            type="primary",
            icon=":material/model_training:",
            width="stretch",
            disabled=not choice.ready,
        )
        expectation(corpus, given)
    if pressed:
        with formatting.errors():
            argv = ["train", corpus.name, *choice.options, *given.options()]
            if unseen:
                argv += ["--unseen-templates", *unseen]
            jobs.start(argv, f"Train an alignment of {corpus.name}")
            st.rerun()


def expectation(corpus: Corpus, given: Given) -> None:
    """Draw how long a training with this config takes."""
    try:
        config = given.config()
    except EarshotError as error:
        formatting.show_error(error)
        return
    expected = training_seconds(cache.counts(corpus)["ok"], config)
    patience = f"; less when {config.patience} epochs bring nothing" if config.patience else ""
    st.caption(
        f":material/schedule: {formatting.duration(expected).capitalize()} with judging and the map"
        f"{patience}. &ensp; :material/hard_drive: A few MB."
    )


def curves(training: Job) -> None:
    """Draw loss, CKA and recall as far as they are known."""
    rows = [
        event["data"] for event in training.events()[0] if (event.get("data") or {}).get("epoch")
    ]
    if rows:
        # More than a screen has columns for are drawn by nobody.
        thinned = [*rows[:: max(1, len(rows) // MOST_EPOCHS)], rows[-1]]
        history = pd.DataFrame(thinned).drop_duplicates("epoch")
        st.plotly_chart(
            charts.training_curves(history),
            key="live",
            config={"displayModeBar": False},
            alt="Loss, CKA and recall by epoch",
        )
        st.caption("CKA and recall are of the validation programs, after each epoch.")
    elif training.active:
        st.caption("The first epoch is being computed …")


def results(corpus: Corpus, record: AlignmentRecord) -> None:
    """Draw what an alignment changed, on programs that it was not trained on."""
    metrics = pd.DataFrame(record.metrics.get("readings"))
    there = [] if metrics.empty else [split for split in SPLITS if split in set(metrics["split"])]
    st.subheader(f"Alignment {selection.label(record)}")
    if metrics.empty:
        unjudged(corpus, record)
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        split = st.segmented_control(
            "Judged on",
            there,
            default=there[-1] if "test" not in there else "test",
            required=True,
            key="split",
            label_visibility="collapsed",
            format_func=str.capitalize,
        )
        if st.button("Listen with it", icon=":material/hearing:"):
            st.switch_page("pages/listen/page.py")
    judged = metrics[metrics["split"] == split]
    st.caption(f"{SPLITS[split]}; {formatting.count(int(judged['programs'].max()), 'program')}.")
    # Only what is open is drawn: a browser takes a tenth of a second for each chart.
    before, curve, table = st.tabs(
        ["Before and after", "Training", "All metrics"], key="results", on_change="rerun"
    )
    if before.open:
        with before:
            compared(record, split)
    if curve.open:
        with curve:
            trained(record)
    if table.open:
        table.dataframe(readings(judged), hide_index=True, height=330)


def compared(record: AlignmentRecord, split: str) -> None:
    """Draw each metric before and after alignment."""
    st.plotly_chart(
        cache.compared_figure(record, split),
        key="compared",
        config={"displayModeBar": False},
        alt="Each metric before and after alignment, with its interval",
    )
    st.caption(
        "Lines hold 95 % of resamples. Aligned code against raw audio is the reading that no"
        " projection head can bend: only the code is projected."
    )


def trained(record: AlignmentRecord) -> None:
    """Draw how the training went, and which weights were kept."""
    course(record)
    if "best_epoch" in record.metrics:
        st.caption(
            f"The weights of epoch {record.metrics['best_epoch']} were kept, of the lowest"
            f" validation loss among {record.metrics['epochs']}."
        )


def course(record: AlignmentRecord) -> None:
    st.plotly_chart(
        cache.curves_figure(record),
        key="curves",
        config={"displayModeBar": False},
        alt="Loss, CKA and recall by epoch",
    )


def unjudged(corpus: Corpus, record: AlignmentRecord) -> None:
    """Say what an alignment lacks whose training was stopped, and draw what makes it good."""
    best, epochs = record.metrics.get("best_epoch"), record.metrics.get("epochs")
    came = (
        f"This training was stopped after {formatting.count(epochs, 'epoch')}, and kept the heads of"
        f" epoch {best}, its best: Listen can use them."
        if best and epochs
        else "Nothing was kept of how this alignment was trained. Listen can use it."
    )
    st.info(f"{came} It is not judged yet.", icon=":material/stop_circle:")
    course(record)
    if workspace.read_only():
        return
    argv = ["evaluate", corpus.name, "--alignment", record.id]
    running = job_panel.latest(*argv)
    if running is not None and running.state != "done":
        job_panel.panel(running)
    else:
        st.button(
            "Judge it",
            icon=":material/query_stats:",
            on_click=begin,
            args=(argv, f"Judge an alignment of {corpus.name}"),
        )


def begin(argv: list[str], title: str) -> None:
    """Start a job; for callbacks."""
    with formatting.errors():
        jobs.start(argv, title)


def readings(judged: pd.DataFrame) -> pd.DataFrame:
    """One row a metric, one column a reading: the value and its interval."""
    known = judged[judged["reading"].isin(READINGS)].copy()
    known["shown"] = [
        ""
        if pd.isna(r.value)
        else f"{r.value:.3f}" + ("" if pd.isna(r.low) else f"  ({r.low:.2f} to {r.high:.2f})")
        for r in known.itertuples()
    ]
    order = list(dict.fromkeys(known["metric"]))
    wide = known.pivot(index="metric", columns="reading", values="shown").reindex(order).fillna("–")
    wide = wide[[reading for reading in READINGS if reading in wide]].rename(columns=READINGS)
    wide.index = [metric_name(metric) for metric in wide.index]
    return wide.rename_axis("Metric").reset_index()


def metric_name(metric: str) -> str:
    """A metric's name for people: "Recall@1, code to audio"."""
    name, _, direction = metric.partition(" ")
    words = {"cca": "CCA", "mrr": "MRR", **dict(charts.COMPARED)}
    name = words.get(name, name.replace("_", " ").capitalize())
    return f"{name}, {direction.replace('->', ' to ')}" if direction else name


layout.show(page)
