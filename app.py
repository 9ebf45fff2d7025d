"""The dashboard: `./run` opens it."""

import os

import streamlit as st


def main() -> None:
    """Draw the navigation, the frame, and the page that is open."""
    st.set_page_config(
        page_title="Earshot",
        page_icon="pages/components/icon.svg",
        layout="wide",
        initial_sidebar_state=200,
    )
    page = st.navigation(
        [
            st.Page("pages/home/page.py", title="Home", icon=":material/home:", default=True),
            st.Page("pages/generate/page.py", title="Generate", icon=":material/tune:"),
            st.Page("pages/corpus/page.py", title="Corpus", icon=":material/library_music:"),
            st.Page("pages/train/page.py", title="Train", icon=":material/model_training:"),
            st.Page("pages/map/page.py", title="Map", icon=":material/scatter_plot:"),
            st.Page("pages/listen/page.py", title="Listen", icon=":material/hearing:"),
            st.Page("pages/compare/page.py", title="Compare", icon=":material/compare_arrows:"),
            st.Page("pages/studies/page.py", title="Studies", icon=":material/science:"),
            st.Page("pages/jobs/page.py", title="Jobs", icon=":material/list:"),
        ],
        position="hidden" if _is_unauthorized_visitor() else "sidebar",
    )
    # Not before: until the navigation is there, a new server shows the names of the files in
    # pages/ instead, and what the frame needs takes a second to load.
    from pages.components import auth, layout

    layout.draw_page_header()
    if auth.require_login():
        page.run()
        layout.draw_sidebar_footer(page.title)


def _is_unauthorized_visitor() -> bool:
    """Whether people log in here and this visitor may not come in: not even the pages' names show."""
    if "EARSHOT_OPEN" not in os.environ:
        return False
    from pages.components import auth

    return not auth.is_authorized()


main()
