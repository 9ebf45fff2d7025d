"""Which corpus and which alignment a page is about: chosen in the sidebar, kept in the address."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import streamlit as st

from core import jobs, workspace
from core.corpus import AlignmentRecord, Corpus, list_corpora
from core.errors import EarshotError
from pages.components import formatting


@dataclass(frozen=True)
class Selection:
    """What is chosen; None where there is nothing to choose from."""

    corpus: Corpus | None
    alignment: AlignmentRecord | None


def choose_corpus_and_alignment(*, needs_alignment: bool = True) -> Selection:
    """Draw the choices and return what is chosen.

    Parameters
    ----------
    needs_alignment : bool
        Whether the page is about one alignment.

    Raises
    ------
    EarshotError
        When the corpus or the alignment is damaged.
    """
    names = list_corpora()
    if not names:
        return Selection(None, None)
    with st.sidebar:
        name = st.selectbox("Corpus", names, find_default_corpus_index(names), key="corpus", bind="query-params")
        corpus = Corpus.open(name)
        if not needs_alignment:
            return Selection(corpus, None)
        known = list_alignment_labels(corpus)
        if not known:
            return Selection(corpus, None)
        select_new_alignment(corpus, next(iter(known)))
        picked = st.selectbox(
            "Alignment", list(known), key="alignment", bind="query-params", format_func=known.get
        )
    return Selection(corpus, corpus.load_alignment(picked))


def draw_alignment_page(title: str, draw_content: Callable[[Corpus, AlignmentRecord], None]) -> None:
    """Draw a page that is about one alignment; where there is none, the way to one.

    Parameters
    ----------
    title : str
    draw_content : callable
        Draws the page, given the corpus and the alignment.
    """
    st.title(title)
    with formatting.catch_and_show_errors():
        here = choose_corpus_and_alignment()
        if here.corpus is None:
            draw_no_corpus_notice()
        elif here.alignment is None:
            draw_no_alignment_notice(here.corpus)
        else:
            draw_content(here.corpus, here.alignment)


def find_default_corpus_index(corpus_names: list[str]) -> int:
    """Which corpus to begin with: the first one that can be searched."""
    for index, name in enumerate(corpus_names):
        try:
            if Corpus.open(name).load_newest_alignment() is not None:
                return index
        except EarshotError:  # damaged: whoever chooses it is told
            continue
    return 0


def select_new_alignment(corpus: Corpus, newest_id: str) -> None:
    """Choose an alignment that has just been trained; what was chosen before gives way once."""
    seen = st.session_state.setdefault("newest", {})
    if seen.get(corpus.name, newest_id) != newest_id:
        st.session_state["alignment"] = newest_id
    seen[corpus.name] = newest_id


def record_page_visit(page_name: str) -> None:
    """Note which page is drawn, and whether another one was before."""
    st.session_state["arrived"] = st.session_state.get("page") != page_name
    st.session_state["page"] = page_name


def get_url_param(name: str) -> str | None:
    """What the address says of `name`; to a page that was just opened, the session may.

    On the page itself the address alone counts, so that the browser's Back undoes a choice.
    """
    if name not in st.query_params and st.session_state.get("arrived", True):
        if st.session_state.get(f"kept:{name}"):
            st.query_params[name] = st.session_state[f"kept:{name}"]
    return st.query_params.get(name)


def set_url_param(name: str, value: str | None) -> None:
    """Put a choice into the address and the session; None takes it out. For callbacks, too."""
    st.session_state[f"kept:{name}"] = value
    if value is None:
        st.query_params.pop(name, None)
    else:
        st.query_params[name] = value


_url_history_component = st.components.v2.component(
    "earshot_address", js=(Path(__file__).parent / "address.js").read_text(encoding="utf-8")
)


def track_url_history() -> None:
    """Have the browser's Back undo a choice in a control that is bound to the address."""
    with st.container(key="address"):
        _url_history_component(key="address-entries")


_scroll_component = st.components.v2.component(
    "earshot_top",
    js="""
    let before;
    export default ({ data }) => {
      if (before !== undefined && data !== before)
        document.querySelector('[data-testid="stMain"]')?.scrollTo(0, 0);
      before = data;
    };
    """,
)


def scroll_to_top_on_change(content_id: str) -> None:
    """Scroll to the page's beginning whenever it has become about something else.

    Parameters
    ----------
    content_id : str
        Names what the page is about.
    """
    with st.container(key="top"):
        _scroll_component(key="scrolls-to-top", data=content_id)


def open_page_with_corpus(page_path: str, corpus_name: str) -> None:
    """Open a page on a corpus.

    The choice is made in the session, not in the address: a parameter that belongs
    to a control cannot be set there.
    """
    st.session_state["corpus"] = corpus_name
    st.switch_page(page_path)


def format_alignment_label(alignment: AlignmentRecord) -> str:
    """A name for an alignment that says how it was trained: "2 · soft targets"."""
    number = alignment.id.partition("-")[0].lstrip("0")
    objective = alignment.config.get("alignment", {}).get("objective", "")
    return f"{number} · {OBJECTIVE_LABELS.get(objective, objective)}"


def list_alignment_labels(corpus: Corpus) -> dict[str, str]:
    """What a corpus's alignments are called, by id, the newest first.

    A widget keeps what its choices are called for as long as its tab's session is kept; of
    alignments themselves that would be a megabyte each.
    """
    return {
        each: _load_alignment_label(str(corpus.path), each, corpus) for each in reversed(corpus.list_alignment_ids())
    }


@st.cache_data(max_entries=2000, show_spinner=False)
def _load_alignment_label(corpus_path: str, alignment_id: str, _corpus: Corpus) -> str:
    try:
        return format_alignment_label(_corpus.load_alignment(alignment_id))
    except EarshotError:  # damaged: whoever chooses it is told
        return alignment_id


OBJECTIVE_LABELS = {
    "infonce": "InfoNCE",
    "soft_infonce": "soft targets",
    "weighted_infonce": "weighted targets",
    "ridge": "ridge",
    "kernel_ridge": "kernel ridge",
}


def draw_no_corpus_notice() -> None:
    """Say that there is nothing yet, and lead to where it is made."""
    st.info(
        "There is no corpus yet. A corpus holds programs with their clips.",
        icon=":material/library_music:",
    )
    if not workspace.is_read_only() and st.button(
        "Make the starter corpus on Home", type="primary", icon=":material/home:"
    ):
        st.switch_page("pages/home/page.py")


def draw_no_alignment_notice(corpus: Corpus) -> None:
    """Say that the corpus has no alignment yet, and lead to where it is trained."""
    name = formatting.escape_markdown(corpus.name)
    if any(each.is_active and corpus.name in each.argv for each in jobs.list_jobs()):
        st.info(
            f"Corpus {name} is being worked on. Home shows how far it is.",
            icon=":material/hourglass_top:",
        )
        if st.button("See how far it is", type="primary", icon=":material/home:"):
            st.switch_page("pages/home/page.py")
        return
    if workspace.is_read_only():
        st.info(f"Corpus {name} has no alignment.", icon=":material/model_training:")
        return
    st.info(
        f"Corpus {name} has no alignment yet. Training one takes about a minute; after it, code"
        " finds sound.",
        icon=":material/model_training:",
    )
    if st.button("Train an alignment", type="primary", icon=":material/model_training:"):
        st.switch_page("pages/train/page.py")
