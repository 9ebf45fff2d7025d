"""Login and authorization of a dashboard that is open to others."""

from __future__ import annotations

import functools
import json
import os
from typing import Any

import streamlit as st
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit import config
from streamlit.auth_util import get_cookie_with_chunks
from streamlit.web.server.server_util import get_cookie_secret
from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from core.dashboard_login_policy import LOCAL_HOSTS, AccessPolicy, read_access_policy
from core.errors import EarshotError
from pages.components import markdown_and_errors

# These paths give or take data without running a page. Everything else is a file of Streamlit's
# own or comes through a page, which calls `draw_login_unless_authorized`.
PROTECTED_PATH_PREFIXES = ("/sound/", "/prediction/", "/media/", "/_stcore/upload_file/")

# In a container, the server has to listen at every address of the container. Whoever starts it
# states by this variable that only the host itself reaches the published port.
LOOPBACK_PORT_VARIABLE = "EARSHOT_LOOPBACK_PORT"


@functools.lru_cache(maxsize=1)
def load_access_policy() -> AccessPolicy | None:
    """Return who may use the dashboard; None if only this machine reaches it.

    Raises
    ------
    EarshotError
        When the server accepts other machines without having been opened by `./run --open`.
    """
    host = os.environ.get("EARSHOT_OPEN")
    if host:
        return read_access_policy(host)
    address = config.get_option("server.address")
    if address not in LOCAL_HOSTS and os.environ.get(LOOPBACK_PORT_VARIABLE) != "1":
        raise EarshotError(
            f"The server's address is {address or '0.0.0.0'}, which others reach without"
            " logging in.",
            remedy="Leave it at 127.0.0.1, or open it to chosen people: ./run --open HOST. In a"
            " container whose port is published at 127.0.0.1 of the host only, set"
            f" {LOOPBACK_PORT_VARIABLE}=1 (docs/installation.md).",
        )
    return None


def is_visitor_authorized() -> bool:
    """Return whether this visitor may see the pages."""
    policy = load_access_policy()
    if policy is None:
        return True
    return bool(st.user.is_logged_in) and policy.is_user_allowed(st.user.to_dict())


def draw_login_unless_authorized() -> bool:
    """Return whether this visitor may see the pages; if not, draw the login."""
    if load_access_policy() is None:
        return True
    if not st.user.is_logged_in:
        st.header("Earshot")
        st.write("This workspace is only for invited people.")
        st.button("Log in", on_click=st.login, type="primary", icon=":material/login:")
        return False
    if not is_visitor_authorized():
        st.error(
            f"{markdown_and_errors.escape_markdown(st.user.get('email') or 'This account')}"
            " is not invited. Ask whoever runs this dashboard.",
            icon=":material/block:",
        )
        st.button("Log out", on_click=st.logout, icon=":material/logout:")
        return False
    with st.sidebar:
        st.button("Log out", on_click=st.logout, icon=":material/logout:")
    return True


class AuthMiddleware:
    """ASGI middleware that serves clips and takes uploads only for authorized visitors."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request, as ASGI defines it."""
        if scope["type"] == "http" and scope["path"].startswith(PROTECTED_PATH_PREFIXES):
            policy = load_access_policy()
            if policy is not None and not policy.is_user_allowed(
                _read_user_from_signed_cookie(HTTPConnection(scope))
            ):
                await PlainTextResponse("Log in first.", 401)(scope, receive, send)
                return
        await self.app(scope, receive, send)


def _read_user_from_signed_cookie(connection: HTTPConnection) -> dict[str, Any]:
    """Return the user of Streamlit's signed cookie; {} if nobody is logged in."""
    secret = get_cookie_secret()

    def read_cookie(name: str) -> bytes | None:
        value = connection.cookies.get(name)
        return decode_signed_value(secret, name, value.encode("latin-1")) if value else None

    try:
        user = json.loads(get_cookie_with_chunks(read_cookie, USER_COOKIE_NAME) or b"{}")
    except ValueError:
        return {}
    return user if isinstance(user, dict) and user.get("is_logged_in") is True else {}
