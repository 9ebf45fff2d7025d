"""Errors of the HTTP API as problem details (RFC 9457): message, place and remedy."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from core.errors import EarshotError
from core.operations.corpus_opening import UnknownCorpusError
from core.workspace import is_workspace_read_only

PROBLEM_MEDIA_TYPE = "application/problem+json"
MAX_LISTED_FIELDS = 20
_FIELD_REMEDY = "The page /docs of this server lists every route and field."
_BODY_MESSAGE = "The body of the request cannot be read as JSON"
_BODY_REMEDY = "Send one JSON object in UTF-8, with the header Content-Type: application/json."


class InvalidField(BaseModel):
    """A field of a request that is not valid."""

    field: str = Field(description="Path of the field, as in body.programs.0.")
    message: str


class ProblemDetails(BaseModel):
    """An error as RFC 9457 defines it, with the place and the remedy."""

    type: str = Field("about:blank", description="Always about:blank: the status says it all.")
    title: str = Field(description="Reason phrase of the status.")
    status: int = Field(description="HTTP status.")
    detail: str = Field(description="What happened, in one sentence.")
    where: str | None = Field(None, description="The place: a line, a corpus, a field.")
    remedy: str | None = Field(None, description="What to do about it.")
    errors: list[InvalidField] = Field([], description="The invalid fields of a request.")


class OperationUnavailableError(EarshotError):
    """The server cannot answer now; `status` is the HTTP status.

    Parameters
    ----------
    status : int
    message, remedy : str
    """

    def __init__(self, status: int, message: str, remedy: str):
        super().__init__(message, remedy=remedy)
        self.status = status


def make_problem_response(
    status: int,
    detail: str,
    *,
    where: str | None = None,
    remedy: str | None = None,
    errors: list[InvalidField] | None = None,
) -> JSONResponse:
    """Return an error as the response that all errors of the API have."""
    problem = ProblemDetails(
        type="about:blank",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        where=where,
        remedy=remedy,
        errors=errors or [],
    )
    headers = {"Retry-After": "2"} if status == HTTPStatus.SERVICE_UNAVAILABLE else None
    return JSONResponse(
        problem.model_dump(), status, headers=headers, media_type=PROBLEM_MEDIA_TYPE
    )


def choose_error_status(error: EarshotError) -> int:
    """Return the HTTP status of an error that the user can fix."""
    if isinstance(error, OperationUnavailableError):
        return error.status
    if isinstance(error, UnknownCorpusError):
        return HTTPStatus.NOT_FOUND
    if is_workspace_read_only() and "read-only" in error.message:
        return HTTPStatus.FORBIDDEN
    return HTTPStatus.UNPROCESSABLE_ENTITY


def add_problem_handlers(app: FastAPI) -> None:
    """Make an application answer every error with problem details."""
    app.add_exception_handler(EarshotError, _answer_earshot_error)
    app.add_exception_handler(RequestValidationError, _answer_validation_error)
    app.add_exception_handler(HTTPException, _answer_http_exception)
    app.add_exception_handler(Exception, _answer_unexpected_exception)


async def _answer_earshot_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, EarshotError)
    return make_problem_response(
        choose_error_status(error), error.message, where=error.where, remedy=error.remedy
    )


async def _answer_validation_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    syntax_error = next((item for item in error.errors() if item["type"] == "json_invalid"), None)
    if syntax_error is not None:
        reason = str(syntax_error.get("ctx", {}).get("error", "")).rstrip(".")
        detail = f"{_BODY_MESSAGE}: {reason}, character {syntax_error['loc'][-1]}."
        return make_problem_response(
            HTTPStatus.UNPROCESSABLE_ENTITY, detail, where="body", remedy=_BODY_REMEDY
        )
    if error.errors()[0]["loc"] == ("body",) and not _is_json_content(request):
        return make_problem_response(
            HTTPStatus.UNPROCESSABLE_ENTITY, f"{_BODY_MESSAGE}.", where="body", remedy=_BODY_REMEDY
        )
    fields = [_make_invalid_field(item) for item in error.errors()[:MAX_LISTED_FIELDS]]
    detail = "The request is not valid."
    if fields:
        detail = f"{fields[0].field}: {fields[0].message}."
    return make_problem_response(
        HTTPStatus.UNPROCESSABLE_ENTITY, detail, remedy=_FIELD_REMEDY, errors=fields
    )


def _is_json_content(request: Request) -> bool:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return media_type == "application/json" or media_type.endswith("+json")


def _make_invalid_field(item: dict[str, Any]) -> InvalidField:
    path = ".".join(str(part)[:80] for part in item.get("loc", ()))
    # A key or a value may hold half a character, which no response can be encoded with.
    path = path.encode("utf-8", "replace").decode("utf-8")
    return InvalidField(field=path, message=str(item.get("msg", "")))


async def _answer_http_exception(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    # FastAPI raises this status only where the body is not UTF-8 or too deeply nested.
    if error.status_code == HTTPStatus.BAD_REQUEST:
        return make_problem_response(
            HTTPStatus.BAD_REQUEST, f"{_BODY_MESSAGE}.", where="body", remedy=_BODY_REMEDY
        )
    response = make_problem_response(
        error.status_code, f"{str(error.detail).rstrip('.')}.", remedy=_FIELD_REMEDY
    )
    for name, value in (error.headers or {}).items():
        response.headers[name] = value
    return response


async def _answer_unexpected_exception(_request: Request, _error: Exception) -> JSONResponse:
    return make_problem_response(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "This is a defect of Earshot.",
        remedy="The server's terminal shows where. Report it with the request.",
    )
