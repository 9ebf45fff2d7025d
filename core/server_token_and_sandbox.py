"""What a server that other machines can reach requires: a secret token, and the sandbox."""

from __future__ import annotations

import hmac
import os
from collections.abc import Mapping

from core.errors import EarshotError
from core.sonicpi.sandbox import check_sandbox

MIN_SECRET_CHARS = 32
TOKEN_COMMAND = "openssl rand -hex 32"


def read_secret_token(variable: str) -> str | None:
    """Return the token of an environment variable; None if there is none.

    Raises
    ------
    EarshotError
        When it is short enough to be guessed, or no header can carry it.
    """
    token = os.environ.get(variable, "").strip()
    if not token:
        return None
    if len(token) < MIN_SECRET_CHARS or not token.isascii():
        raise EarshotError(
            f"The token has fewer than {MIN_SECRET_CHARS} ASCII characters.",
            where=variable,
            remedy=f"Make one: {TOKEN_COMMAND}",
        )
    return token


def require_sandbox_for_server(server_name: str) -> None:
    """Require the sandbox in which the programs of other people run.

    Parameters
    ----------
    server_name : str
        What is opened to them, for the message: "The dashboard".

    Raises
    ------
    EarshotError
        When the sandbox does not work or is disabled.
    """
    is_working, explanation = check_sandbox()
    if os.environ.get("EARSHOT_NO_SANDBOX") or not is_working:
        raise EarshotError(
            f"{server_name} cannot be opened to other people without the sandbox: their programs"
            f" could read your files. {'It is disabled.' if is_working else explanation}",
            remedy="Unset EARSHOT_NO_SANDBOX and check the sandbox with ./run doctor.",
        )


def has_bearer_token(headers: Mapping[str, str], token: str) -> bool:
    """Return whether the header Authorization of a request presents a token.

    Examples
    --------
    >>> has_bearer_token({"authorization": "Bearer abc"}, "abc")
    True
    >>> has_bearer_token({"authorization": "Basic abc"}, "abc")
    False
    """
    scheme, _, presented = headers.get("authorization", "").partition(" ")
    # Encoded, because compare_digest refuses texts with other characters than ASCII.
    is_equal = hmac.compare_digest(presented.strip().encode(), token.encode())
    return scheme.lower() == "bearer" and is_equal
