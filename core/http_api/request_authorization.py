"""Who may call the HTTP API: programs on this machine, and programs with the token.

A page of another site in a browser on this machine could call it as well. Such a request names the
other site as its origin, or a host name that the other site has pointed at this machine (DNS
rebinding), and is refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from core.dashboard_login_policy import LOCAL_HOSTS
from core.errors import EarshotError
from core.http_api.problem_details import make_problem_response
from core.server_token_and_sandbox import (
    MIN_SECRET_CHARS,
    has_bearer_token,
    read_secret_token,
    require_sandbox_for_server,
)

TOKEN_VARIABLE = "EARSHOT_API_TOKEN"


@dataclass(frozen=True)
class ApiAccess:
    """Who may call the API.

    Attributes
    ----------
    allowed_hosts : frozenset of str
        Host names under which it is called, in lower case.
    token : str or None
        Bearer token that every request has to present; None if none is needed.
    is_closed : bool
        Whether every request is refused: others reach the server, and there is no token.
    """

    allowed_hosts: frozenset[str]
    token: str | None = None
    is_closed: bool = False


def read_api_access_and_require_sandbox(host: str, further_hosts: Iterable[str] = ()) -> ApiAccess:
    """Return who may call an API that listens at an address.

    Parameters
    ----------
    host : str
        The address at which the server listens.
    further_hosts : iterable of str
        Host names under which others reach it.

    Raises
    ------
    EarshotError
        When others reach it and there is no token, or the sandbox does not work.
    """
    token = read_secret_token(TOKEN_VARIABLE)
    hosts = frozenset(name.lower() for name in (*LOCAL_HOSTS, host, *further_hosts))
    if host in LOCAL_HOSTS:
        return ApiAccess(hosts, token)
    if token is None:
        raise EarshotError(
            f"The API cannot listen at {host} without a token: everyone would be let in.",
            where=TOKEN_VARIABLE,
            remedy=f"Set {TOKEN_VARIABLE} to a secret of at least {MIN_SECRET_CHARS} characters.",
        )
    require_sandbox_for_server("The API")
    return ApiAccess(hosts, token)


class ApiAccessMiddleware:
    """ASGI middleware that refuses foreign hosts, other sites and requests without the token."""

    def __init__(self, app: ASGIApp, access: ApiAccess):
        self.app = app
        self.access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request, as ASGI defines it."""
        if scope["type"] == "http":
            refusal = make_refusal_response_or_none(self.access, Headers(scope=scope))
            if refusal is not None:
                await refusal(scope, receive, send)
                return
        await self.app(scope, receive, send)


def make_refusal_response_or_none(access: ApiAccess, headers: Headers) -> Response | None:
    """Return the response that refuses a request; None if it is accepted."""
    host = headers.get("host", "")
    if _read_host_name(host) not in access.allowed_hosts:
        return make_problem_response(
            HTTPStatus.MISDIRECTED_REQUEST,
            "This server is not reached under that host name.",
            remedy="Use http://127.0.0.1 and the port, or the name given to --allow-host.",
        )
    origin = headers.get("origin")
    is_other_origin = origin is not None and urlsplit(origin).netloc.lower() != host.lower()
    if is_other_origin or headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        return make_problem_response(
            HTTPStatus.FORBIDDEN,
            "Pages of other sites may not call the API.",
            remedy="Call it from a program, or from a page of this server.",
        )
    if access.is_closed:
        return make_problem_response(
            HTTPStatus.FORBIDDEN,
            "The API is off, because other people reach this server and it has no token.",
            remedy=f"Set {TOKEN_VARIABLE} before starting the server.",
        )
    if access.token is not None and not has_bearer_token(headers, access.token):
        response = make_problem_response(
            HTTPStatus.UNAUTHORIZED,
            "The request has no valid token.",
            remedy="Send the header Authorization: Bearer TOKEN.",
        )
        response.headers["WWW-Authenticate"] = "Bearer"
        return response
    return None


def _read_host_name(host: str) -> str:
    """Return the host name of a Host header, without its port; "" if it is not valid."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""
