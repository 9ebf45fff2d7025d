"""Selection of a corpus and an alignment in the sidebar, and navigation between pages."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import streamlit as st

from core import jobs, workspace
from core.corpus import AlignmentRecord, Corpus, list_corpora
from core.errors import EarshotError
from core.pipeline import import_programs
from core.search.alignment_choice_for_other_corpora import choose_prediction_alignment
from core.search.default_alignment_choice import (
    Purpose,
    build_choice_of_requested_alignment,
    choose_default_alignment,
)
from pages.components import markdown_and_errors, page_switch, session_keys
from pages.components.page_cache import cache_until_inputs_change
from pages.components.unknown_url_value_notice import (
    remember_unknown_url_value,
    warn_about_remembered_url_value,
)

AUTOMATIC_CHOICE = "Automatic"
"""Option of the choice of an alignment with which each page takes the one made for it."""
OBJECTIVE_LABELS = {
    "infonce": "InfoNCE",
    "soft_infonce": "soft InfoNCE",
    "weighted_infonce": "weighted InfoNCE",
    "ridge": "ridge",
    "kernel_ridge": "kernel ridge",
    "joint_kernel_ridge": "joint kernel ridge",
    "whitened_joint_kernel_ridge": "whitened joint kernel ridge",
}


@dataclass(frozen=True)
class Selection:
    """The corpus and alignment that a page shows.

    `core.search.aligned_corpus.open_aligned_corpus` opens them for searching.
    """

    corpus: Corpus
    alignment: AlignmentRecord


def draw_corpus_picker_in_sidebar() -> Corpus | None:
    """Draw the choice of a corpus in the sidebar; return it, or None if there is none.

    Raises
    ------
    EarshotError
        When the selected corpus is damaged, or was deleted while this page showed it. Then
        nothing that the user pressed acts on another corpus.
    """
    names = list_corpora()
    if not names:
        return None
    requested_name = session_keys.CORPUS_OF_OPENED_PAGE.get_value()
    session_keys.CORPUS_OF_OPENED_PAGE.clear()
    if requested_name in names:
        session_keys.CORPUS.set_value(requested_name)
    shown_name = session_keys.CORPUS.get_value()
    if shown_name and shown_name not in names:
        _select_other_corpus_and_raise(shown_name, names)
    if not shown_name:  # Later the session decides, and the URL follows.
        remember_unknown_url_value(session_keys.CORPUS.name, names)
    with st.sidebar:
        name = st.selectbox(
            "Corpus",
            names,
            find_default_corpus_index(names),
            key=session_keys.CORPUS.name,
            bind="query-params",
        )
    warn_about_remembered_url_value(session_keys.CORPUS.name, "corpus", name)
    return Corpus.open(name)


def _select_other_corpus_and_raise(missing_name: str, corpus_names: list[str]) -> NoReturn:
    """Select another corpus for the next run, and refuse this one."""
    corpus_name = corpus_names[find_default_corpus_index(corpus_names)]
    session_keys.CORPUS.set_value(corpus_name)
    session_keys.ALIGNMENT.clear()
    with st.sidebar:  # Drawn so that its value reaches the URL.
        st.selectbox("Corpus", corpus_names, key=session_keys.CORPUS.name, bind="query-params")
    st.button(
        f"Show {markdown_and_errors.escape_markdown(corpus_name)}",
        key="show-other-corpus",
        icon=":material/library_music:",
        type="primary",
    )
    raise EarshotError(
        f"Corpus '{missing_name}' no longer exists.",
        remedy="It was deleted or renamed in another tab or by a command. Choose another one.",
    )


def draw_alignment_picker_in_sidebar(
    corpus: Corpus, purpose: Purpose = "any"
) -> AlignmentRecord | None:
    """Draw the choice of an alignment in the sidebar; return it, or None if there is none.

    Parameters
    ----------
    corpus : Corpus
    purpose : {"prediction", "suggestion", "map", "any"}
        What the page uses the alignment for; it decides while the user chooses none.

    Raises
    ------
    EarshotError
        When the selected alignment is damaged.
    """
    labels = list_alignment_labels(corpus)
    default_choice = choose_default_alignment(corpus, purpose)
    if default_choice is None and purpose in ("prediction", "suggestion"):
        return select_searching_alignment_of_other_corpus(corpus, purpose)
    if default_choice is None:
        return None
    preselect_new_item_once(
        session_keys.ALIGNMENT, next(iter(labels)), corpus.name, AUTOMATIC_CHOICE
    )
    requested_label = st.query_params.get(session_keys.ALIGNMENT.name, "")
    accepted_labels = [AUTOMATIC_CHOICE, *labels.values()]
    if _find_alignment_by_old_label(labels, requested_label):
        accepted_labels.append(requested_label)
    remember_unknown_url_value(session_keys.ALIGNMENT.name, accepted_labels)
    session_keys.restore_old_bookmark_choice(
        session_keys.ALIGNMENT, lambda label: _find_alignment_by_old_label(labels, label)
    )
    with st.sidebar:
        selected_id = st.selectbox(
            "Alignment",
            [AUTOMATIC_CHOICE, *labels],
            key=session_keys.ALIGNMENT.name,
            bind="query-params",
            format_func=lambda option: labels.get(option, option),
            help=f"{AUTOMATIC_CHOICE}: each page uses the alignment that was made for it.",
        )
        if selected_id == AUTOMATIC_CHOICE:
            choice = default_choice
        else:
            choice = build_choice_of_requested_alignment(corpus.load_alignment(selected_id))
        label = labels.get(choice.alignment_id, choice.alignment_id)
        st.caption(
            markdown_and_errors.escape_markdown(
                f"{label} of {choice.format_training_date_or_time()}: {choice.reason}"
            )
        )
    warn_about_remembered_url_value(session_keys.ALIGNMENT.name, "alignment", selected_id, label)
    return corpus.load_alignment(choice.alignment_id)


def select_searching_alignment_of_other_corpus(
    corpus: Corpus, purpose: Purpose
) -> AlignmentRecord | None:
    """Return an alignment of another corpus that can search this one, and draw which it is."""
    choice = choose_prediction_alignment([corpus], purpose)
    if choice is None:
        return None
    with st.sidebar:
        st.caption(
            markdown_and_errors.escape_markdown(f"Alignment {choice.method} {choice.reason}")
        )
    return choice.load_chosen_alignment_record(corpus)


def _find_alignment_by_old_label(labels: dict[str, str], old_label: str) -> str | None:
    """Return the alignment that an old label such as "2 · soft targets" names by its number."""
    match = re.match(r"(\d+) · ", old_label)
    if match is None:
        return None
    return next((label for label in labels if format_alignment_number(label) == match[1]), None)


def draw_alignment_page(
    title: str, draw_content: Callable[[Selection], None], purpose: Purpose = "any"
) -> None:
    """Draw a page about one alignment; without one, a message that leads to one.

    Parameters
    ----------
    title : str
    draw_content : callable
        Draws the page.
    purpose : {"prediction", "suggestion", "map", "any"}
        What the page uses the alignment for.
    """
    st.title(title)
    with markdown_and_errors.catch_and_show_errors():
        corpus = draw_corpus_picker_in_sidebar()
        if corpus is None:
            draw_no_corpus_notice()
            return
        alignment = draw_alignment_picker_in_sidebar(corpus, purpose)
        if alignment is None:
            draw_no_alignment_notice(corpus)
        else:
            draw_content(Selection(corpus, alignment))


def find_default_corpus_index(corpus_names: list[str]) -> int:
    """Return the index of the first corpus that has an alignment, else 0."""
    for index, name in enumerate(corpus_names):
        try:
            if Corpus.open(name).list_alignment_ids():
                return index
        except EarshotError:  # A page shows the error once the damaged corpus is selected.
            continue
    return 0


def preselect_new_item_once(
    key: session_keys.SessionKey, newest_id: str | None, scope: str, option: str | None = None
) -> None:
    """Change the selection once after a new alignment or run appeared.

    Parameters
    ----------
    key : SessionKey
        The key of the selectbox.
    newest_id : str or None
    scope : str
        What the selectbox is about: a corpus.
    option : str, optional
        What to select. Default: the new item.
    """
    seen = session_keys.NEWEST_SEEN.derive_scoped_key(key.name, scope)
    if seen.is_set() and seen.get_value() != newest_id:
        key.set_value(newest_id if option is None else option)
    seen.set_value(newest_id)


def record_and_check_page_visit(page_name: str) -> None:
    """Record which page is drawn, and whether it was just opened."""
    session_keys.IS_NEW_PAGE.set_value(session_keys.CURRENT_PAGE.get_value() != page_name)
    session_keys.CURRENT_PAGE.set_value(page_name)


_url_history_component = st.components.v2.component(
    "earshot_url_history",
    js=(Path(__file__).parent / "url_history.js").read_text(encoding="utf-8"),
)


def make_browser_back_undo_choices() -> None:
    """Make the browser's Back undo a choice in a widget that is bound to the URL."""
    with st.container(key="url-history"):
        _url_history_component(key="url-history-component")


_scroll_component = st.components.v2.component(
    "earshot_scroll",
    js="""
    let previous;
    export default ({ data }) => {
      if (previous !== undefined && data !== previous)
        document.querySelector('[data-testid="stMain"]')?.scrollTo(0, 0);
      previous = data;
    };
    """,
)


def scroll_to_top_on_change(content_id: str) -> None:
    """Scroll to the top of the page whenever its content changes.

    Parameters
    ----------
    content_id : str
        Names the content.
    """
    with st.container(key="scroll"):
        _scroll_component(key="scroll-component", data=content_id)


def open_page_with_corpus(page_path: str, corpus_name: str) -> None:
    """Open a page with a corpus selected."""
    # The opened page selects it: once this page has drawn its own choice of a corpus, Streamlit
    # refuses to change the choice's value in the session or in the URL.
    session_keys.CORPUS_OF_OPENED_PAGE.set_value(corpus_name)
    page_switch.switch_to_page(page_path)


def format_alignment_label(alignment: AlignmentRecord) -> str:
    """Format an alignment's number and objective: "2 · soft InfoNCE"."""
    objective = alignment.config.get("alignment", {}).get("objective", "")
    return f"{format_alignment_number(alignment.id)} · {OBJECTIVE_LABELS.get(objective, objective)}"


def format_alignment_number(alignment_id: str) -> str:
    """Return an alignment's number within its corpus: "2" for "0002-1f2e3d4c"."""
    return alignment_id.partition("-")[0].lstrip("0")


def list_alignment_labels(corpus: Corpus) -> dict[str, str]:
    """Return the labels of a corpus's alignments by id, newest first."""
    # A widget keeps its options for as long as the session lives, so these are ids: records
    # would take a megabyte each.
    return {
        alignment_id: _load_alignment_label(corpus, alignment_id)
        for alignment_id in reversed(corpus.list_alignment_ids())
    }


@cache_until_inputs_change(2000, ttl_s=None)
def _load_alignment_label(corpus: Corpus, alignment_id: str) -> str:
    try:
        return format_alignment_label(corpus.load_alignment(alignment_id))
    except EarshotError:  # A page shows the error once the damaged alignment is selected.
        return alignment_id


def draw_no_corpus_notice() -> None:
    """Draw that there is no corpus, with a button to the page that builds one."""
    st.info(
        "There is no corpus yet. A corpus holds programs with their clips.",
        icon=":material/library_music:",
    )
    if not workspace.is_workspace_read_only() and st.button(
        "Build the starter corpus on Home", type="primary", icon=":material/home:"
    ):
        page_switch.switch_to_page("pages/home/page.py")


def draw_no_alignment_notice(corpus: Corpus) -> None:
    """Draw that a corpus has no alignment, with a button to the page that trains one."""
    name = markdown_and_errors.escape_markdown(corpus.name)
    if any(job.is_active and corpus.name in job.argv for job in jobs.list_jobs()):
        st.info(
            f"Corpus {name} has a running job. Home shows its progress.",
            icon=":material/hourglass_top:",
        )
        if st.button("Show progress", type="primary", icon=":material/home:"):
            page_switch.switch_to_page("pages/home/page.py")
        return
    if workspace.is_workspace_read_only():
        st.info(f"Corpus {name} has no alignment.", icon=":material/model_training:")
        return
    if hint := import_programs.describe_search_without_training(corpus):
        st.info(
            markdown_and_errors.escape_markdown(f"{corpus.name}: {hint}"),
            icon=":material/search:",
        )
        if st.button("Build the starter corpus on Home", type="primary", icon=":material/home:"):
            page_switch.switch_to_page("pages/home/page.py")
        return
    st.info(
        f"Corpus {name} has no alignment yet. After a training you can search its clips by code.",
        icon=":material/model_training:",
    )
    if st.button("Train an alignment", type="primary", icon=":material/model_training:"):
        page_switch.switch_to_page("pages/train/page.py")
