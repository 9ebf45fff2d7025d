"""The dashboard's main script: navigation, and the parts around the open page."""

from __future__ import annotations

import os

import streamlit as st

# Title and icon of each page, by the folder that holds its `page.py`, which is also its URL.
PAGES = {
    "home": ("Home", ":material/home:"),
    "generate": ("Generate", ":material/tune:"),
    "corpus": ("Corpus", ":material/library_music:"),
    "train": ("Train", ":material/model_training:"),
    "map": ("Map", ":material/scatter_plot:"),
    "listen": ("Listen", ":material/hearing:"),
    "suggest": ("Suggest", ":material/lightbulb:"),
    "compare": ("Compare", ":material/compare_arrows:"),
    "studies": ("Studies", ":material/science:"),
    "jobs": ("Jobs", ":material/list:"),
}


def draw_dashboard() -> None:
    """Draw the navigation, the header, the open page and the end of the sidebar."""
    st.set_page_config(
        page_title="Earshot",
        page_icon="pages/components/icon.svg",
        layout="wide",
        initial_sidebar_state=200,
    )
    page = st.navigation(
        [
            st.Page(
                f"pages/{name}/page.py",
                title=title,
                icon=icon,
                url_path=name,
                default=name == "home",
            )
            for name, (title, icon) in PAGES.items()
        ],
        position="hidden" if _is_unauthorized_visitor() else "sidebar",
    )
    # Imported after the navigation is drawn: importing these takes a new server a second.
    from pages.components import login, page_header_and_sidebar

    page_header_and_sidebar.draw_page_header()
    if login.draw_login_unless_authorized():
        page.run()
        page_header_and_sidebar.draw_sidebar_footer(page.title)


def _is_unauthorized_visitor() -> bool:
    """Return whether this visitor must log in first; then not even the pages' names are shown."""
    if "EARSHOT_OPEN" not in os.environ:
        return False
    # Imported only where a login exists, as above.
    from pages.components import login

    return not login.is_visitor_authorized()


draw_dashboard()
