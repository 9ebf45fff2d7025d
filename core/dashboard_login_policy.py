"""Access policy of a dashboard that other people can reach (``./run --open HOST``)."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from core import workspace
from core.errors import EarshotError
from core.server_token_and_sandbox import MIN_SECRET_CHARS, require_sandbox_for_server

SECRETS_PATH = Path(".streamlit/secrets.toml")
LOCAL_HOSTS = ("127.0.0.1", "localhost", "::1")
_PROVIDER_KEYS = ("client_id", "client_secret", "server_metadata_url")
_SECRETS_REMEDY = "See docs/security.md, 'Opening the dashboard to other people', for the format."


@dataclass(frozen=True)
class AccessPolicy:
    """The people who may use the dashboard.

    Attributes
    ----------
    host : str
        Host name under which other people reach the dashboard.
    allowed_emails : frozenset of str
        Lower-case e-mail addresses of the people who may log in.
    """

    host: str
    allowed_emails: frozenset[str]

    def is_user_allowed(self, claims: Mapping[str, Any]) -> bool:
        """Return whether a user may log in.

        Parameters
        ----------
        claims : mapping
            Claims of the OpenID Connect provider: "email" and, from some providers,
            "email_verified". Anybody can register an address that is not verified, so such an
            address is refused.
        """
        return (
            str(claims.get("email", "")).lower() in self.allowed_emails
            and claims.get("email_verified", True) is True
        )


def read_access_policy(host: str, secrets_path: Path | None = None) -> AccessPolicy:
    """Read and validate the access policy.

    Parameters
    ----------
    host : str
        Host name under which other people reach the dashboard.
    secrets_path : Path, optional
        Default: ``.streamlit/secrets.toml`` of the project.

    Raises
    ------
    EarshotError
        If login is not configured, its configuration is not safe, or nobody may log in.
    """
    secrets = _read_secrets_file_or_refuse_access(
        secrets_path or workspace.PROJECT_FOLDER / SECRETS_PATH
    )
    auth = secrets.get("auth")
    if not isinstance(auth, dict):
        raise _build_access_refusal_error(
            "it has no section [auth]", "without it, everyone would be let in"
        )
    for key in _PROVIDER_KEYS:
        if not str(auth.get(key, "")).strip():
            raise _build_access_refusal_error(f"[auth] has no {key}")
    if len(str(auth.get("cookie_secret", ""))) < MIN_SECRET_CHARS:
        raise _build_access_refusal_error(
            f"[auth] cookie_secret is shorter than {MIN_SECRET_CHARS} characters",
            "whoever guesses it can impersonate any user",
        )
    _validate_login_urls(auth, host)
    emails = secrets.get("earshot", {}).get("people")
    if not isinstance(emails, list) or not emails or not all("@" in str(email) for email in emails):
        raise _build_access_refusal_error(
            "[earshot] people is not a list of e-mail addresses",
            "without it, everyone with an account at that provider would be let in",
        )
    return AccessPolicy(host, frozenset(str(email).lower() for email in emails))


def require_access_policy_and_sandbox(host: str) -> AccessPolicy:
    """Read the access policy and require the sandbox in which programs run.

    Raises
    ------
    EarshotError
        As `read_access_policy`, or if the sandbox does not work or is disabled.
    """
    policy = read_access_policy(host)
    require_sandbox_for_server("The dashboard")
    return policy


def print_missing_dashboard_requirements(host: str) -> int:
    """Print what is missing for opening the dashboard; return the exit status."""
    try:
        policy = require_access_policy_and_sandbox(host)
    except EarshotError as error:
        where = f"{error.where}: " if error.where else ""
        print(f"./run --open {host}: {where}{error.message}\n{error.remedy}", file=sys.stderr)
        return 1
    print(
        f"{len(policy.allowed_emails)} people may log in at {host}."
        " Put a reverse proxy with TLS in front of it.",
        file=sys.stderr,
    )
    return 0


def _read_secrets_file_or_refuse_access(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise _build_access_refusal_error(
            "the file does not exist", "without login, everyone would be let in"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _build_access_refusal_error(f"the file cannot be read ({error})") from None


def _validate_login_urls(auth: Mapping[str, Any], host: str) -> None:
    callback = urlsplit(str(auth.get("redirect_uri", "")))
    if callback.hostname != host.lower() or callback.path != "/oauth2callback":
        raise _build_access_refusal_error(
            f"[auth] redirect_uri is not https://{host}/oauth2callback"
        )
    provider = urlsplit(str(auth["server_metadata_url"]))
    for key, url in (("redirect_uri", callback), ("server_metadata_url", provider)):
        if url.scheme != "https" and url.hostname not in LOCAL_HOSTS:
            raise _build_access_refusal_error(
                f"[auth] {key} is not https", "passwords and cookies would be readable"
            )


def _build_access_refusal_error(problem: str, consequence: str = "") -> EarshotError:
    reason = f"{problem}; {consequence}" if consequence else problem
    return EarshotError(
        f"The dashboard cannot be opened to other people: {reason}.",
        where=str(SECRETS_PATH),
        remedy=_SECRETS_REMEDY,
    )


if __name__ == "__main__":
    sys.exit(print_missing_dashboard_requirements(sys.argv[1]))
