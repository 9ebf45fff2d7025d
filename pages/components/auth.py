"""Who comes in when the dashboard is open to others; nobody is asked where it isn't."""

from __future__ import annotations

import functools
import json
import os

import streamlit as st
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit import config
from streamlit.auth_util import get_cookie_with_chunks
from streamlit.web.server.server_util import get_cookie_secret
from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from core.errors import EarshotError
from core.access_control import LOCAL_HOSTS, AccessPolicy, read_access_policy
from pages.components import formatting

# What holds or takes data without a page's code being run. All else comes through a page, which
# asks `come_in`, or is a file of Streamlit's own.
PROTECTED_PATH_PREFIXES = ("/sound/", "/media/", "/_stcore/upload_file/")


@functools.lru_cache(maxsize=1)
def load_access_policy() -> AccessPolicy | None:
    """To whom the dashboard is open; None where only this machine reaches it.

    Raises
    ------
    EarshotError
        When it listens to others without having been opened by `./run --open`.
    """
    host = os.environ.get("EARSHOT_OPEN")
    if host:
        return read_access_policy(host)
    address = config.get_option("server.address")
    if address not in LOCAL_HOSTS:
        raise EarshotError(
            f"The server's address is {address or '0.0.0.0'}, which others reach without"
            " logging in.",
            remedy="Leave it at 127.0.0.1, or open it to chosen people: ./run --open HOST",
        )
    return None


def is_authorized() -> bool:
    """Whether this visitor may see the pages."""
    allowed = load_access_policy()
    return allowed is None or (bool(st.user.is_logged_in) and allowed.is_allowed(st.user.to_dict()))


def require_login() -> bool:
    """Whether this visitor may see the pages; draws the way in if not."""
    if load_access_policy() is None:
        return True
    if not st.user.is_logged_in:
        st.header("Earshot")
        st.write("This workspace is shown to invited people.")
        st.button("Log in", on_click=st.login, type="primary", icon=":material/login:")
        return False
    if not is_authorized():
        st.error(
            f"{formatting.escape_markdown(st.user.get('email') or 'This account')} is not among the invited."
            " Ask whoever runs this dashboard.",
            icon=":material/block:",
        )
        st.button("Log out", on_click=st.logout, icon=":material/logout:")
        return False
    with st.sidebar:
        st.button("Log out", on_click=st.logout, icon=":material/logout:")
    return True


class AuthMiddleware:
    """ASGI middleware: sounds and uploads only for those who may see the pages."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(PROTECTED_PATH_PREFIXES):
            allowed = load_access_policy()
            if allowed is not None and not allowed.is_allowed(_read_signed_user(HTTPConnection(scope))):
                await PlainTextResponse("Log in first.", 401)(scope, receive, send)
                return
        await self.app(scope, receive, send)


def _read_signed_user(connection: HTTPConnection) -> dict:
    """What the provider said about the sender, by Streamlit's signed cookie; {} if nothing."""
    secret = get_cookie_secret()

    def read_cookie(name: str) -> bytes | None:
        value = connection.cookies.get(name)
        return value and decode_signed_value(secret, name, value.encode("latin-1"))

    try:
        user = json.loads(get_cookie_with_chunks(read_cookie, USER_COOKIE_NAME) or b"{}")
    except ValueError:
        return {}
    return user if isinstance(user, dict) and user.get("is_logged_in") is True else {}
