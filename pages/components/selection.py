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
class Place:
    """What is chosen; None where there is nothing to choose from."""

    corpus: Corpus | None
    alignment: AlignmentRecord | None


def chosen(*, alignment: bool = True) -> Place:
    """Draw the choices and return what is chosen.

    Parameters
    ----------
    alignment : bool
        Whether the page is about one alignment.

    Raises
    ------
    EarshotError
        When the corpus or the alignment is damaged.
    """
    names = list_corpora()
    if not names:
        return Place(None, None)
    with st.sidebar:
        name = st.selectbox("Corpus", names, first_choice(names), key="corpus", bind="query-params")
        corpus = Corpus.open(name)
        if not alignment:
            return Place(corpus, None)
        known = labels(corpus)
        if not known:
            return Place(corpus, None)
        prefer_newest(corpus, next(iter(known)))
        picked = st.selectbox(
            "Alignment", list(known), key="alignment", bind="query-params", format_func=known.get
        )
    return Place(corpus, corpus.load_alignment(picked))


def on_alignment(title: str, draw: Callable[[Corpus, AlignmentRecord], None]) -> None:
    """Draw a page that is about one alignment; where there is none, the way to one.

    Parameters
    ----------
    title : str
    draw : callable
        Draws the page, given the corpus and the alignment.
    """
    st.title(title)
    with formatting.errors():
        here = chosen()
        if here.corpus is None:
            no_corpus()
        elif here.alignment is None:
            no_alignment(here.corpus)
        else:
            draw(here.corpus, here.alignment)


def first_choice(names: list[str]) -> int:
    """Which corpus to begin with: the first one that can be searched."""
    for index, name in enumerate(names):
        try:
            if Corpus.open(name).newest_alignment() is not None:
                return index
        except EarshotError:  # damaged: whoever chooses it is told
            continue
    return 0


def prefer_newest(corpus: Corpus, newest: str) -> None:
    """Choose an alignment that has just been trained; what was chosen before gives way once."""
    seen = st.session_state.setdefault("newest", {})
    if seen.get(corpus.name, newest) != newest:
        st.session_state["alignment"] = newest
    seen[corpus.name] = newest


def arrive(page: str) -> None:
    """Note which page is drawn, and whether another one was before."""
    st.session_state["arrived"] = st.session_state.get("page") != page
    st.session_state["page"] = page


def kept(name: str) -> str | None:
    """What the address says of `name`; to a page that was just opened, the session may.

    On the page itself the address alone counts, so that the browser's Back undoes a choice.
    """
    if name not in st.query_params and st.session_state.get("arrived", True):
        if st.session_state.get(f"kept:{name}"):
            st.query_params[name] = st.session_state[f"kept:{name}"]
    return st.query_params.get(name)


def keep(name: str, value: str | None) -> None:
    """Put a choice into the address and the session; None takes it out. For callbacks, too."""
    st.session_state[f"kept:{name}"] = value
    if value is None:
        st.query_params.pop(name, None)
    else:
        st.query_params[name] = value


_entries = st.components.v2.component(
    "earshot_address", js=(Path(__file__).parent / "address.js").read_text(encoding="utf-8")
)


def entries() -> None:
    """Have the browser's Back undo a choice in a control that is bound to the address."""
    with st.container(key="address"):
        _entries(key="address-entries")


_top = st.components.v2.component(
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


def begin_at_top(what: str) -> None:
    """Scroll to the page's beginning whenever it has become about something else.

    Parameters
    ----------
    what : str
        Names what the page is about.
    """
    with st.container(key="top"):
        _top(key="scrolls-to-top", data=what)


def go(page: str, corpus_name: str) -> None:
    """Open a page on a corpus.

    The choice is made in the session, not in the address: a parameter that belongs
    to a control cannot be set there.
    """
    st.session_state["corpus"] = corpus_name
    st.switch_page(page)


def label(record: AlignmentRecord) -> str:
    """A name for an alignment that says how it was trained: "2 · soft targets"."""
    number = record.id.partition("-")[0].lstrip("0")
    objective = record.config.get("alignment", {}).get("objective", "")
    return f"{number} · {OBJECTIVES.get(objective, objective)}"


def labels(corpus: Corpus) -> dict[str, str]:
    """What a corpus's alignments are called, by id, the newest first.

    A widget keeps what its choices are called for as long as its tab's session is kept; of
    alignments themselves that would be a megabyte each.
    """
    return {
        each: _label(str(corpus.path), each, corpus) for each in reversed(corpus.alignment_ids())
    }


@st.cache_data(max_entries=2000, show_spinner=False)
def _label(path: str, alignment_id: str, _corpus: Corpus) -> str:
    try:
        return label(_corpus.load_alignment(alignment_id))
    except EarshotError:  # damaged: whoever chooses it is told
        return alignment_id


OBJECTIVES = {
    "infonce": "InfoNCE",
    "soft": "soft targets",
    "weighted": "weighted targets",
    "ridge": "ridge",
    "kernel": "kernel ridge",
}


def no_corpus() -> None:
    """Say that there is nothing yet, and lead to where it is made."""
    st.info(
        "There is no corpus yet. A corpus holds programs with their clips.",
        icon=":material/library_music:",
    )
    if not workspace.read_only() and st.button(
        "Make the starter corpus on Home", type="primary", icon=":material/home:"
    ):
        st.switch_page("pages/home/page.py")


def no_alignment(corpus: Corpus) -> None:
    """Say that the corpus has no alignment yet, and lead to where it is trained."""
    name = formatting.plain(corpus.name)
    if any(each.active and corpus.name in each.argv for each in jobs.jobs()):
        st.info(
            f"Corpus {name} is being worked on. Home shows how far it is.",
            icon=":material/hourglass_top:",
        )
        if st.button("See how far it is", type="primary", icon=":material/home:"):
            st.switch_page("pages/home/page.py")
        return
    if workspace.read_only():
        st.info(f"Corpus {name} has no alignment.", icon=":material/model_training:")
        return
    st.info(
        f"Corpus {name} has no alignment yet. Training one takes about a minute; after it, code"
        " finds sound.",
        icon=":material/model_training:",
    )
    if st.button("Train an alignment", type="primary", icon=":material/model_training:"):
        st.switch_page("pages/train/page.py")
