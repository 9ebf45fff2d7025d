"""Streamable HTTP for the server: allowed hosts and origins, the token, and the web server."""

from __future__ import annotations

from dataclasses import dataclass

import uvicorn
from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from core.errors import EarshotError
from core.server_token_and_sandbox import (
    TOKEN_COMMAND,
    has_bearer_token,
    read_secret_token,
    require_sandbox_for_server,
)

TOKEN_VARIABLE = "EARSHOT_MCP_TOKEN"
HTTP_PATH = "/mcp"
LOCAL_NAMES = ("127.0.0.1", "localhost")


@dataclass(frozen=True)
class HttpAccess:
    """Who may reach the server.

    Attributes
    ----------
    host : str or None
        Name under which other machines reach it; None: only this machine does.
    token : str
        What clients send as ``Authorization: Bearer``; empty: none is needed.
    """

    host: str | None = None
    token: str = ""


def read_http_access(host: str | None) -> HttpAccess:
    """Return who may reach the server; other machines need a token and the sandbox.

    Raises
    ------
    EarshotError
        When the token is missing or short, or the server is opened without the sandbox.
    """
    token = read_secret_token(TOKEN_VARIABLE) or ""
    if host is None:
        return HttpAccess(None, token)
    if not token:
        raise EarshotError(
            "The server cannot be opened to other machines without a token.",
            remedy=f"Set {TOKEN_VARIABLE}, for example to the output of: {TOKEN_COMMAND}",
        )
    require_sandbox_for_server("The server")
    return HttpAccess(host, token)


class TokenMiddleware:
    """Refuse requests without the token.

    Parameters
    ----------
    app : ASGI application
    token : str
    """

    def __init__(self, app: ASGIApp, token: str):
        self.app = app
        self.token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401, or pass the request on."""
        if scope["type"] == "http" and not has_bearer_token(Headers(scope=scope), self.token):
            response = JSONResponse(
                {"error": f"Send the token: Authorization: Bearer ${TOKEN_VARIABLE}"},
                status_code=401,
                headers={"WWW-Authenticate": "Bearer"},
            )
            await response(scope, receive, send)
            return
        await self.app(scope, receive, send)


def build_http_app(server: MCPServer, access: HttpAccess) -> ASGIApp:
    """Return the ASGI application of the server.

    Requests with another Host than this machine's or `access.host` are refused, and those that a
    web page of another origin sends: such a page could otherwise use the server through the user's
    browser.
    """
    names = [*LOCAL_NAMES, *([access.host] if access.host else [])]
    origins = [f"http://{name}:*" for name in LOCAL_NAMES]
    if access.host:
        origins += [f"https://{access.host}", f"https://{access.host}:*"]
    app = server.streamable_http_app(
        streamable_http_path=HTTP_PATH,
        transport_security=TransportSecuritySettings(
            allowed_hosts=[*names, *(f"{name}:*" for name in names)], allowed_origins=origins
        ),
    )
    if access.token:
        app.user_middleware.insert(0, Middleware(TokenMiddleware, token=access.token))
    return app


def serve_over_http(server: MCPServer, access: HttpAccess, port: int) -> None:
    """Serve until the process is interrupted.

    Parameters
    ----------
    server : MCPServer
    access : HttpAccess
        With a host, the server listens on all addresses of the machine.
    port : int
    """
    uvicorn.run(
        build_http_app(server, access),
        host="0.0.0.0" if access.host else "127.0.0.1",
        port=port,
        log_level="warning",
    )
