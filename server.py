"""The dashboard's ASGI server: Streamlit, clips, the editor, the HTTP API, and middleware."""

from __future__ import annotations

import streamlit as st
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.routing import Mount
from streamlit import config
from streamlit.runtime.pages_manager import PagesManager

from core.http_api.api_application import MOUNT_PATH, build_mounted_api_application
from pages.components import (
    audition_http_routes,
    clip_http_routes,
    code_editor_http_routes,
    error_page,
    login,
    response_security_headers,
    server_start_preload,
    slider_http_routes,
    static_file_middleware,
    style_middleware,
    target_comparison_http_routes,
)

# Until app.py calls `st.navigation`, Streamlit would build a navigation from the folder pages/.
PagesManager.uses_pages_directory = False

login.load_access_policy()  # Raises before anybody is served if the wrong people could log in.

app = st.App(
    "app.py",
    lifespan=server_start_preload.preload_when_server_starts,
    routes=[
        *audition_http_routes.build_audition_routes(),
        *clip_http_routes.build_audio_routes(),
        *code_editor_http_routes.build_code_editor_routes(),
        *slider_http_routes.build_slider_routes(),
        *target_comparison_http_routes.build_comparison_routes(),
        Mount(MOUNT_PATH, build_mounted_api_application()),
    ],
    middleware=[
        # First, so that refusals have the headers too.
        Middleware(response_security_headers.SecurityHeadersMiddleware),
        # Refuses requests to a foreign host name that somebody points at this machine.
        Middleware(
            TrustedHostMiddleware,
            allowed_hosts=config.get_option("server.allowedHosts") or ["127.0.0.1", "localhost"],
            www_redirect=False,
        ),
        Middleware(static_file_middleware.StaticFileMiddleware),
        Middleware(login.AuthMiddleware),
        Middleware(style_middleware.StyleMiddleware),
    ],
    on_script_error=error_page.show_unexpected_error,
)
