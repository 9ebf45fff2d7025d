"""The dashboard's server: Streamlit runs app.py; clips come by addresses of their own."""

import streamlit as st
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from streamlit import config
from streamlit.runtime.pages_manager import PagesManager

from pages.components import auth, error_page, audio_server, style_middleware

# Until app.py has called `st.navigation`, Streamlit would take the files in pages/ for it.
PagesManager.uses_pages_directory = False

auth.load_access_policy()  # Nobody is served where the wrong people could be.

app = st.App(
    "app.py",
    routes=audio_server.build_routes(),
    # A name that somebody points at this machine is not ours: not for pages, not for sounds.
    middleware=[
        Middleware(
            TrustedHostMiddleware,
            allowed_hosts=config.get_option("server.allowedHosts") or ["127.0.0.1", "localhost"],
            www_redirect=False,
        ),
        Middleware(auth.AuthMiddleware),
        Middleware(style_middleware.StyleMiddleware),
    ],
    on_script_error=error_page.show_unexpected_error,
)
