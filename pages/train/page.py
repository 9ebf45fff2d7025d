"""Train: how, while it trains, and what came of it."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core import jobs, workspace
from core.plots import charts
from core.corpus import AlignmentRecord, Corpus
from core.errors import EarshotError
from core.jobs import Job
from core.pipeline.estimate import estimate_training_seconds
from pages.components import cache, layout, job_panel, selection, formatting
from pages.train import encoder_picker, alignment_list, sweep_panel
from pages.train.training_form import TrainingFormValues, choose_training_config, choose_training_method

SPLIT_DESCRIPTIONS = {
    "test": "Test: held out from training and from stopping",
    "validation": "Validation: training stopped by it",
    "unseen templates": "Templates held out whole",
}
MAX_PLOTTED_EPOCHS = 400  # drawn while it trains
# Metrics without a reading before alignment: there was no shared space to search.
COMPARISON_LABELS = {
    "before": "Before",
    "aligned code ~ aligned audio": "After, aligned audio",
    "aligned code ~ raw audio": "After, raw audio",
}


SINGLE_VIEW, COMPARISON_VIEW, SWEEP_VIEW = VIEWS = ("One training", "Side by side", "Sweep")  # also in the address


def draw_page() -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title("Train an alignment", width="stretch")
        views = st.container(width="content")
    with formatting.catch_and_show_errors():
        here = selection.choose_corpus_and_alignment()
        if here.corpus is None:
            selection.draw_no_corpus_notice()
            return
        with views:
            view = st.segmented_control(
                "View",
                VIEWS,
                default=SINGLE_VIEW,
                required=True,
                key="view",
                bind="query-params",
                label_visibility="collapsed",
            )
        if view == COMPARISON_VIEW:
            alignment_list.draw_alignment_list(here.corpus)
        elif view == SWEEP_VIEW:
            sweep_panel.draw_sweep_panel(here.corpus)
        elif workspace.is_read_only():
            draw_training_outcome(here)
        else:
            left, right = st.columns([4, 7], gap="large")
            with left:
                draw_training_form(here.corpus)
            with right:
                draw_training_outcome(here)


def draw_training_outcome(here: selection.Selection) -> None:
    """Draw the training that goes on or failed, and what the chosen alignment changed."""
    training = job_panel.find_latest_job("train", here.corpus.name)
    if training and (training.is_active or training.state in ("failed", "cancelled")):
        job_panel.draw_job_panel(training, draw_live_curves)
    if here.alignment is not None:
        draw_alignment_results(here.corpus, here.alignment)
    elif workspace.is_read_only():
        selection.draw_no_alignment_notice(here.corpus)
    elif training is None:
        st.info(
            "No alignment yet. The defaults are a good beginning: press the button.",
            icon=":material/arrow_back:",
        )


def draw_training_form(corpus: Corpus) -> None:
    """Draw the encoders, the config and the button that starts the training."""
    choice = encoder_picker.choose_encoders(corpus)
    # Above the settings, all of which have good defaults: it is seen without scrolling.
    top = st.container()
    given = choose_training_config(choose_training_method())
    with st.expander("Hold out whole templates"):
        unseen = st.multiselect(
            "Templates",
            cache.list_corpus_templates(corpus),
            key=f"unseen:{corpus.name}",
            persist_state="session",
            label_visibility="collapsed",
            format_func=lambda each: cache.load_template_titles().get(each, each),
            help="Nothing is trained on their programs, and they are judged on their own.",
        )
    with top:
        pressed = st.button(
            "Train",
            type="primary",
            icon=":material/model_training:",
            width="stretch",
            disabled=not choice.is_embedded,
        )
        draw_time_estimate(corpus, given)
    if pressed:
        with formatting.catch_and_show_errors():
            argv = ["train", corpus.name, *choice.cli_options, *given.to_cli_options()]
            if unseen:
                argv += ["--unseen-templates", *unseen]
            jobs.start_job(argv, f"Train an alignment of {corpus.name}")
            st.rerun()


def draw_time_estimate(corpus: Corpus, form_values: TrainingFormValues) -> None:
    """Draw how long a training with this config takes."""
    try:
        config = form_values.to_config()
    except EarshotError as error:
        formatting.show_error(error)
        return
    expected = estimate_training_seconds(cache.count_programs_by_state(corpus)["ok"], config)
    patience = f"; less when {config.patience} epochs bring nothing" if config.patience else ""
    st.caption(
        f":material/schedule: {formatting.format_duration(expected).capitalize()} with judging and the map"
        f"{patience}. &ensp; :material/hard_drive: A few MB."
    )


def draw_live_curves(training_job: Job) -> None:
    """Draw loss, CKA and recall as far as they are known."""
    rows = [
        event["data"] for event in training_job.read_events()[0] if (event.get("data") or {}).get("epoch")
    ]
    if rows:
        # More than a screen has columns for are drawn by nobody.
        thinned = [*rows[:: max(1, len(rows) // MAX_PLOTTED_EPOCHS)], rows[-1]]
        history = pd.DataFrame(thinned).drop_duplicates("epoch")
        st.plotly_chart(
            charts.draw_training_curves(history),
            key="live",
            config={"displayModeBar": False},
            alt="Loss, CKA and recall by epoch",
        )
        st.caption("CKA and recall are of the validation programs, after each epoch.")
    elif training_job.is_active:
        st.caption("The first epoch is being computed …")


def draw_alignment_results(corpus: Corpus, alignment: AlignmentRecord) -> None:
    """Draw what an alignment changed, on programs that it was not trained on."""
    metrics = pd.DataFrame(alignment.metrics.get("readings"))
    there = [] if metrics.empty else [split for split in SPLIT_DESCRIPTIONS if split in set(metrics["split"])]
    st.subheader(f"Alignment {selection.format_alignment_label(alignment)}")
    if metrics.empty:
        draw_unevaluated_alignment(corpus, alignment)
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
    st.caption(f"{SPLIT_DESCRIPTIONS[split]}; {formatting.format_count(int(judged['programs'].max()), 'program')}.")
    # Only what is open is drawn: a browser takes a tenth of a second for each chart.
    before, curve, table = st.tabs(
        ["Before and after", "Training", "All metrics"], key="results", on_change="rerun"
    )
    if before.open:
        with before:
            draw_metric_comparison(alignment, split)
    if curve.open:
        with curve:
            draw_training_summary(alignment)
    if table.open:
        table.dataframe(build_metric_table(judged), hide_index=True, height=330)


def draw_metric_comparison(alignment: AlignmentRecord, split: str) -> None:
    """Draw each metric before and after alignment."""
    st.plotly_chart(
        cache.plot_metrics_before_after(alignment, split),
        key="compared",
        config={"displayModeBar": False},
        alt="Each metric before and after alignment, with its interval",
    )
    st.caption(
        "Lines hold 95 % of resamples. Aligned code against raw audio is the reading that no"
        " projection head can bend: only the code is projected."
    )


def draw_training_summary(alignment: AlignmentRecord) -> None:
    """Draw how the training went, and which weights were kept."""
    draw_training_curves(alignment)
    if "best_epoch" in alignment.metrics:
        st.caption(
            f"The weights of epoch {alignment.metrics['best_epoch']} were kept, of the lowest"
            f" validation loss among {alignment.metrics['epochs']}."
        )


def draw_training_curves(alignment: AlignmentRecord) -> None:
    st.plotly_chart(
        cache.plot_training_curves(alignment),
        key="curves",
        config={"displayModeBar": False},
        alt="Loss, CKA and recall by epoch",
    )


def draw_unevaluated_alignment(corpus: Corpus, alignment: AlignmentRecord) -> None:
    """Say what an alignment lacks whose training was stopped, and draw what makes it good."""
    best, epochs = alignment.metrics.get("best_epoch"), alignment.metrics.get("epochs")
    came = (
        f"This training was stopped after {formatting.format_count(epochs, 'epoch')}, and kept the heads of"
        f" epoch {best}, its best: Listen can use them."
        if best and epochs
        else "Nothing was kept of how this alignment was trained. Listen can use it."
    )
    st.info(f"{came} It is not judged yet.", icon=":material/stop_circle:")
    draw_training_curves(alignment)
    if workspace.is_read_only():
        return
    argv = ["evaluate", corpus.name, "--alignment", alignment.id]
    running = job_panel.find_latest_job(*argv)
    if running is not None and running.state != "done":
        job_panel.draw_job_panel(running)
    else:
        st.button(
            "Judge it",
            icon=":material/query_stats:",
            on_click=start_job,
            args=(argv, f"Judge an alignment of {corpus.name}"),
        )


def start_job(argv: list[str], title: str) -> None:
    """Start a job; for callbacks."""
    with formatting.catch_and_show_errors():
        jobs.start_job(argv, title)


def build_metric_table(metrics: pd.DataFrame) -> pd.DataFrame:
    """One row a metric, one column a reading: the value and its interval."""
    known = metrics[metrics["reading"].isin(COMPARISON_LABELS)].copy()
    known["shown"] = [
        ""
        if pd.isna(r.value)
        else f"{r.value:.3f}" + ("" if pd.isna(r.low) else f"  ({r.low:.2f} to {r.high:.2f})")
        for r in known.itertuples()
    ]
    order = list(dict.fromkeys(known["metric"]))
    wide = known.pivot(index="metric", columns="reading", values="shown").reindex(order).fillna("–")
    wide = wide[[reading for reading in COMPARISON_LABELS if reading in wide]].rename(columns=COMPARISON_LABELS)
    wide.index = [format_metric_name(metric) for metric in wide.index]
    return wide.rename_axis("Metric").reset_index()


def format_metric_name(metric: str) -> str:
    """A metric's name for people: "Recall@1, code to audio"."""
    name, _, direction = metric.partition(" ")
    words = {"cca": "CCA", "mrr": "MRR", **dict(charts.COMPARED_METRICS)}
    name = words.get(name, name.replace("_", " ").capitalize())
    return f"{name}, {direction.replace('->', ' to ')}" if direction else name


layout.run_page(draw_page)
