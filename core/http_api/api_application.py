"""The ASGI application of the HTTP API."""

from __future__ import annotations

import os

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse

from core import __version__
from core.dashboard_login_policy import LOCAL_HOSTS
from core.http_api.api_reference_page import build_api_reference_page
from core.http_api.api_routes import build_api_router
from core.http_api.body_size_limit import BodySizeLimitMiddleware
from core.http_api.operation_executor import OperationExecutor
from core.http_api.problem_details import add_problem_handlers
from core.http_api.request_authorization import TOKEN_VARIABLE, ApiAccess, ApiAccessMiddleware
from core.server_token_and_sandbox import read_secret_token

MOUNT_PATH = "/api"
"""Path of the API in the server of the dashboard."""


def build_api_application(access: ApiAccess, executor: OperationExecutor | None = None) -> FastAPI:
    """Build the application.

    Parameters
    ----------
    access : ApiAccess
        Who may call it.
    executor : OperationExecutor, optional
        Default: one with the default limits.

    Returns
    -------
    FastAPI
        Routes below ``/v1``, the page ``/docs`` and the schema ``/openapi.json``.
    """
    app = FastAPI(
        title="Earshot",
        version=__version__,
        description="Predict what a Sonic Pi program will sound like before it runs.",
        # FastAPI's own pages load scripts from the network.
        docs_url=None,
        redoc_url=None,
        middleware=[
            Middleware(ApiAccessMiddleware, access=access),
            Middleware(BodySizeLimitMiddleware),
        ],
    )
    add_problem_handlers(app)
    app.include_router(build_api_router(executor or OperationExecutor()))

    @app.get("/docs", include_in_schema=False)
    async def serve_reference_page() -> HTMLResponse:
        return HTMLResponse(build_api_reference_page(app.openapi()))

    return app


def build_mounted_api_application() -> FastAPI:
    """Build the application that the server of the dashboard mounts.

    Others reach a dashboard of ``./run --open HOST``, so the API then needs a token, and is off
    without one.

    Raises
    ------
    EarshotError
        When the token is too short.
    """
    host = os.environ.get("EARSHOT_OPEN", "")
    token = read_secret_token(TOKEN_VARIABLE)
    hosts = frozenset((*LOCAL_HOSTS, host.lower())) - {""}
    return build_api_application(ApiAccess(hosts, token, is_closed=bool(host) and token is None))
