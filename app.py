"""The dashboard: `./run` opens it."""

import streamlit as st

from pages.parts import frame

st.set_page_config(
    page_title="Earshot", page_icon=frame.ICON, layout="wide", initial_sidebar_state=200
)

page = st.navigation(
    [
        st.Page("pages/home.py", title="Home", icon=":material/home:", default=True),
        st.Page("pages/generate.py", title="Generate", icon=":material/tune:"),
        st.Page("pages/train.py", title="Train", icon=":material/model_training:"),
        st.Page("pages/map.py", title="Map", icon=":material/scatter_plot:"),
        st.Page("pages/listen.py", title="Listen", icon=":material/hearing:"),
    ]
)
frame.begin()
page.run()
frame.end(page.title)
