"""Page Train: starts a training, shows its progress and results, compares alignments, sweeps."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from core import jobs, workspace
from core.corpus import AlignmentRecord, Corpus
from core.errors import EarshotError
from core.jobs import Job
from core.pipeline.cost_estimates import estimate_training_seconds
from core.plots import training_curves
from core.plots.metrics_before_after import COMPARED_METRICS
from core.text_formatting import format_p_value
from pages.components import (
    corpus_and_alignment_picker,
    figure_and_table_download,
    job_panel,
    markdown_and_errors,
    page_cache,
    page_header_and_sidebar,
    page_switch,
    session_keys,
)
from pages.components.unknown_url_value_notice import (
    remember_unknown_url_value,
    warn_about_remembered_url_value,
)
from pages.train import (
    alignment_comparison_table,
    encoder_picker,
    sweep_panel,
    training_settings_form,
)
from pages.train.default_trainings import describe_default_trainings, list_default_configs
from pages.train.training_settings_form import TrainingFormValues

# The URL holds these labels.
SINGLE_VIEW, COMPARISON_VIEW, SWEEP_VIEW = VIEWS = ("One training", "Side by side", "Sweep")
SPLIT_DESCRIPTIONS = {
    "test": "Test: excluded from training and early stopping",
    "validation": "Validation: used for early stopping",
    "unseen templates": "Held-out templates; intervals are over templates",
    "unseen grammar styles": "Held-out grammar styles; intervals are over styles",
}
RESULT_TABS = ("Before and after", "Training", "All metrics")
MAX_PLOTTED_EPOCHS = 400  # During training: a screen has no columns for more.
# Column of the table of metrics for each reading.
READING_LABELS = {
    "before": "Before",
    "aligned code ~ aligned audio": "After, aligned audio",
    "aligned code ~ raw audio": "After, raw audio",
}
METRIC_NAMES: Mapping[str, str] = {"mrr": "MRR", **dict(COMPARED_METRICS)}
METRIC_CAPTION = (
    "Brackets: 95 % interval. After a slash: the calibrated value, 0 for permuted pairs or a random"
    " order and 1 for the maximum. p is the share of permutations that reach the value. CCA@N is"
    " the mean over the same N pairs of directions before and after; the paper does not state its"
    " number."
)


def draw_page() -> None:
    """Draw the page."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title("Train an alignment", width="stretch")
        view_container = st.container(width="content")
    with markdown_and_errors.catch_and_show_errors():
        corpus = corpus_and_alignment_picker.draw_corpus_picker_in_sidebar()
        if corpus is None:
            corpus_and_alignment_picker.draw_no_corpus_notice()
            return
        alignment = corpus_and_alignment_picker.draw_alignment_picker_in_sidebar(corpus)
        remember_unknown_url_value(session_keys.TRAIN_VIEW.name, VIEWS)
        with view_container:
            view = st.segmented_control(
                "View",
                VIEWS,
                default=SINGLE_VIEW,
                required=True,
                key=session_keys.TRAIN_VIEW.name,
                bind="query-params",
                label_visibility="collapsed",
            )
        warn_about_remembered_url_value(session_keys.TRAIN_VIEW.name, "view", view)
        if view == COMPARISON_VIEW:
            alignment_comparison_table.draw_alignment_list(corpus)
        elif view == SWEEP_VIEW:
            sweep_panel.draw_sweep_panel(corpus)
        elif workspace.is_workspace_read_only():
            draw_training_outcome(corpus, alignment)
        else:
            left, right = st.columns([4, 7], gap="large")
            with left:
                draw_training_form(corpus)
            with right:
                draw_training_outcome(corpus, alignment)


# -- the form ---------------------------------------------------------------------------------


def draw_training_form(corpus: Corpus) -> None:
    """Draw the encoders, the config and the button that starts a training."""
    encoder_choice = encoder_picker.draw_encoder_picker(corpus)
    # Above the settings, which all have good defaults: no scrolling is needed.
    button_container = st.container(key="train-button")
    method = training_settings_form.draw_training_method_picker()
    form_values = None
    if method == training_settings_form.DEFAULT_METHODS:
        st.caption(describe_default_trainings(corpus, encoder_choice.code_encoder))
    else:
        form_values = training_settings_form.draw_training_config_controls(method)
    held_out_templates = draw_held_out_template_controls(corpus)
    with button_container:
        is_pressed = st.button(
            "Train",
            type="primary",
            icon=":material/model_training:",
            width="stretch",
            disabled=not encoder_choice.has_embeddings,
        )
        draw_training_time_estimate(corpus, encoder_choice.code_encoder, form_values)
    if is_pressed:
        with markdown_and_errors.catch_and_show_errors():
            argv = ["train", corpus.name]
            argv += encoder_choice.cli_options
            if form_values is not None:
                argv += form_values.format_train_command_options()
            if held_out_templates:
                argv += ["--unseen-templates", *held_out_templates]
            count = "alignments" if form_values is None else "an alignment"
            jobs.start_job(argv, f"Train {count} of {corpus.name}")
            st.rerun()


def draw_held_out_template_controls(corpus: Corpus) -> list[str]:
    """Draw the choice of templates to hold out; return their ids."""
    titles = page_cache.load_template_titles()
    with st.expander("Hold out whole templates"):
        return st.multiselect(
            "Templates",
            page_cache.list_corpus_templates(corpus),
            key=session_keys.HELD_OUT_TEMPLATES.derive_scoped_key(corpus.name).name,
            persist_state="session",
            label_visibility="collapsed",
            format_func=lambda option: titles.get(option, option),
            help="Excluded from training and evaluated separately.",
        )


def draw_training_time_estimate(
    corpus: Corpus, code_encoder: str | None, form_values: TrainingFormValues | None
) -> None:
    """Draw how long a training takes, or which value is invalid; None: the default trainings."""
    try:
        configs = (
            list_default_configs(corpus, code_encoder)
            if form_values is None
            else [form_values.to_alignment_config()]
        )
    except EarshotError as error:
        markdown_and_errors.show_error(error)
        return
    clip_count = page_cache.count_programs_by_state(corpus)["ok"]
    seconds = sum(estimate_training_seconds(clip_count, config) for config in configs)
    duration = job_panel.estimate_and_format_work_duration("train", seconds)
    patience = max(config.patience for config in configs)
    early_stop = f"; less if {patience} epochs bring no improvement" if patience else ""
    st.caption(
        f":material/schedule: {duration.capitalize()} including evaluation and map{early_stop}."
        " &ensp; :material/hard_drive: A few MB."
    )


# -- progress and results ---------------------------------------------------------------------


def draw_training_outcome(corpus: Corpus, alignment: AlignmentRecord | None) -> None:
    """Draw the unfinished training, and the results of the selected alignment."""
    job = job_panel.draw_latest_job_unless_done(
        "train", corpus.name, draw_details=draw_live_training_curves
    )
    if alignment is not None:
        draw_alignment_results(corpus, alignment)
    elif workspace.is_workspace_read_only():
        corpus_and_alignment_picker.draw_no_alignment_notice(corpus)
    elif job is None:
        st.info(
            "No alignment yet. The default settings are a good start. Press Train.",
            icon=":material/arrow_back:",
        )


def draw_live_training_curves(job: Job) -> None:
    """Draw loss, CKA and recall of a running training."""
    epochs = [
        event["data"] for event in jobs.read_job_data_events(job.id) if event["data"].get("epoch")
    ]
    epochs = _select_current_training(epochs)
    if epochs:
        step = max(1, len(epochs) // MAX_PLOTTED_EPOCHS)
        history = pd.DataFrame([*epochs[::step], epochs[-1]]).drop_duplicates("epoch")
        st.plotly_chart(
            training_curves.build_training_curves_figure(history),
            key="live",
            config={"displayModeBar": False},
            alt="Loss, CKA and recall by epoch",
        )
        st.caption("CKA and recall are of the validation programs, after each epoch.")
    elif job.is_active:
        st.caption("Computing the first epoch …")


def _select_current_training(epochs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the epochs of the last training of a job that trains one after the other."""
    start = 0
    for index in range(1, len(epochs)):
        if epochs[index]["epoch"] <= epochs[index - 1]["epoch"]:
            start = index
    return epochs[start:]


def draw_alignment_results(corpus: Corpus, alignment: AlignmentRecord) -> None:
    """Draw the metrics of an alignment on programs that it was not trained on."""
    st.subheader(f"Alignment {corpus_and_alignment_picker.format_alignment_label(alignment)}")
    metrics = pd.DataFrame(alignment.metrics.get("readings"))
    if metrics.empty:
        draw_unevaluated_alignment(corpus, alignment)
        return
    evaluated_splits = set(metrics["split"])
    splits = [split for split in SPLIT_DESCRIPTIONS if split in evaluated_splits]
    with st.container(horizontal=True, vertical_alignment="center"):
        split = st.segmented_control(
            "Evaluated on",
            splits,
            default="test" if "test" in splits else splits[-1],
            required=True,
            key=session_keys.EVALUATED_SPLIT.name,
            label_visibility="collapsed",
            format_func=str.capitalize,
        )
        if st.button("Open in Listen", icon=":material/hearing:"):
            page_switch.switch_to_page("pages/listen/page.py")
    split_metrics = metrics[metrics["split"] == split]
    program_count = int(split_metrics["programs"].max())
    st.caption(
        f"{SPLIT_DESCRIPTIONS[split]}; {markdown_and_errors.pluralize(program_count, 'program')}."
    )
    draw_alignment_result_tabs(alignment, split, split_metrics)


def draw_alignment_result_tabs(
    alignment: AlignmentRecord, split: str, split_metrics: pd.DataFrame
) -> None:
    """Draw the results in tabs; only the open one, since each chart takes a browser 0.1 s."""
    comparison_tab, training_tab, metrics_tab = st.tabs(
        RESULT_TABS, key=session_keys.RESULT_TAB.name, on_change="rerun"
    )
    if comparison_tab.open:
        with comparison_tab:
            draw_metric_comparison(alignment, split)
    if training_tab.open:
        with training_tab:
            draw_training_summary(alignment)
    if metrics_tab.open:
        with metrics_tab:
            st.dataframe(build_metric_table(split_metrics), hide_index=True, height=330)
            st.caption(METRIC_CAPTION)
            figure_and_table_download.draw_table_download(
                f"{alignment.id}-metrics-table", split_metrics, f"Metrics of {alignment.id}."
            )


def draw_metric_comparison(alignment: AlignmentRecord, split: str) -> None:
    """Draw each metric before and after alignment."""
    st.plotly_chart(
        page_cache.plot_metrics_before_after(alignment, split),
        key="metric-comparison",
        config={"displayModeBar": False},
        alt="Each metric before and after alignment, with its interval",
    )
    figure_and_table_download.draw_figure_download(
        f"{alignment.id}-metrics", lambda: page_cache.plot_metrics_before_after(alignment, split)
    )
    st.caption(
        "Lines are 95 % intervals; grey bars show what permuted pairs reach. In “aligned code ~ raw"
        " audio” only the code is projected, so no projection of the audio can improve it."
    )


def draw_training_summary(alignment: AlignmentRecord) -> None:
    """Draw the training curves, and which epoch was saved."""
    draw_training_curves(alignment)
    if "best_epoch" in alignment.metrics:
        st.caption(
            f"The weights of epoch {alignment.metrics['best_epoch']} were saved: the lowest"
            f" validation loss of {alignment.metrics['epochs']} epochs."
        )


def draw_training_curves(alignment: AlignmentRecord) -> None:
    """Draw loss, CKA and recall by epoch."""
    st.plotly_chart(
        page_cache.plot_training_curves(alignment),
        key="curves",
        config={"displayModeBar": False},
        alt="Loss, CKA and recall by epoch",
    )
    figure_and_table_download.draw_figure_download(
        f"{alignment.id}-training", lambda: page_cache.plot_training_curves(alignment)
    )


def draw_unevaluated_alignment(corpus: Corpus, alignment: AlignmentRecord) -> None:
    """Draw an alignment whose training was stopped, and the button that evaluates it."""
    best_epoch = alignment.metrics.get("best_epoch")
    epoch_count = alignment.metrics.get("epochs")
    if best_epoch and epoch_count:
        history = (
            f"Training was stopped after {markdown_and_errors.pluralize(epoch_count, 'epoch')}. The"
            f" heads of epoch {best_epoch}, the best, were saved; Listen can use them."
        )
    else:
        history = "This alignment has no training history. Listen can use it."
    st.info(f"{history} Not evaluated yet.", icon=":material/stop_circle:")
    draw_training_curves(alignment)
    argv = ("evaluate", corpus.name, "--alignment", alignment.id)
    if workspace.is_workspace_read_only() or job_panel.draw_latest_job_unless_done(*argv):
        return
    job_panel.draw_job_start_button(
        "Evaluate",
        argv,
        f"Evaluate an alignment of {corpus.name}",
        icon=":material/query_stats:",
    )


def build_metric_table(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return one row per metric and one column per reading, with values and intervals as text."""
    metrics = metrics[metrics["reading"].isin(READING_LABELS)].copy()
    metrics["text"] = [
        _format_metric_with_interval(*numbers)
        for numbers in metrics.reindex(columns=["value", "low", "high", "calibrated", "p"])
        .astype(float)
        .itertuples(index=False)
    ]
    metric_order = list(dict.fromkeys(metrics["metric"]))
    table = metrics.pivot(index="metric", columns="reading", values="text")
    table = table.reindex(metric_order).fillna("–")
    readings = [reading for reading in READING_LABELS if reading in table]
    table = table[readings].rename(columns=READING_LABELS)
    table.index = pd.Index([format_metric_name(metric) for metric in table.index], name="Metric")
    return table.reset_index()


def _format_metric_with_interval(
    value: float, low: float, high: float, calibrated: float, p: float
) -> str:
    if pd.isna(value):
        return ""
    interval = "" if pd.isna(low) else f"  ({low:.2f} to {high:.2f})"
    suffix = "" if pd.isna(calibrated) else f"  / {calibrated:.2f}"
    return f"{value:.3f}{interval}{suffix}  {format_p_value(p)}".rstrip()


def format_metric_name(metric: str) -> str:
    """Return a metric's name for display: "Recall@1, code to audio"."""
    name, _, direction = metric.partition(" ")
    pool, _, arrow = direction.rpartition(" ")  # "of 100", "within template"
    label = METRIC_NAMES.get(name, name.replace("_", " ").capitalize())
    label = re.sub("^(Cca|Cka)", lambda match: match[0].upper(), label)
    label = f"{label} {pool}" if pool else label
    return f"{label}, {arrow.replace('->', ' to ')}" if arrow else label


page_header_and_sidebar.run_page(draw_page)
