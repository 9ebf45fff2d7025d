"""Whether the dashboard may be opened to others: `./run --open HOST` asks here first."""

from __future__ import annotations

import os
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from core import workspace
from core.errors import EarshotError

SECRETS_PATH = Path(".streamlit/secrets.toml")
LOCAL_HOSTS = ("127.0.0.1", "localhost", "::1")
MIN_SECRET_CHARS = 32
_PROVIDER_KEYS = ("client_id", "client_secret", "server_metadata_url")
_SECRETS_REMEDY = "docs/security.md, 'Opening the dashboard to other people', shows the whole file."


@dataclass(frozen=True)
class AccessPolicy:
    """To whom the dashboard is open.

    Attributes
    ----------
    host : str
        The name under which others reach it.
    allowed_emails : frozenset of str
        E-mail addresses, lower case, of those who may come in.
    """

    host: str
    allowed_emails: frozenset[str]

    def is_allowed(self, claims: dict) -> bool:
        """Whether an OIDC provider's word about a user lets them in.

        Parameters
        ----------
        claims : dict
            Claims: "email", and "email_verified" where the provider knows. An address that the
            provider calls unverified may be anybody's.
        """
        return (
            str(claims.get("email", "")).lower() in self.allowed_emails
            and claims.get("email_verified", True) is True
        )


def read_access_policy(host: str, secrets_path: Path | None = None) -> AccessPolicy:
    """Read who may come in.

    Parameters
    ----------
    host : str
    secrets_path : Path, optional
        Default: `.streamlit/secrets.toml` of the project.

    Raises
    ------
    EarshotError
        When logging in isn't set up, is set up so that it protects nothing, or nobody is named.
    """
    path = secrets_path or workspace.PROJECT_FOLDER / SECRETS_PATH
    try:
        written = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise _make_refusal("it doesn't exist", "without logging in, everyone would be let in") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _make_refusal(f"it cannot be read ({error})") from None
    auth = written.get("auth")
    if not isinstance(auth, dict):
        raise _make_refusal("it has no section [auth]", "without it, everyone would be let in")
    for name in _PROVIDER_KEYS:
        if not str(auth.get(name, "")).strip():
            raise _make_refusal(f"[auth] has no {name}")
    if len(str(auth.get("cookie_secret", ""))) < MIN_SECRET_CHARS:
        raise _make_refusal(
            f"[auth] cookie_secret is shorter than {MIN_SECRET_CHARS} characters",
            "whoever guesses it can pretend to be anyone",
        )
    _validate_login_urls(auth, host)
    people = written.get("earshot", {}).get("people")
    if not isinstance(people, list) or not people or not all("@" in str(one) for one in people):
        raise _make_refusal(
            "[earshot] people is not a list of e-mail addresses",
            "without it, everyone with an account at that provider would be let in",
        )
    return AccessPolicy(host, frozenset(str(one).lower() for one in people))


def _validate_login_urls(auth: dict, host: str) -> None:
    callback = urlsplit(str(auth.get("redirect_uri", "")))
    if callback.hostname != host.lower() or callback.path != "/oauth2callback":
        raise _make_refusal(f"[auth] redirect_uri is not https://{host}/oauth2callback")
    provider = urlsplit(str(auth["server_metadata_url"]))
    for name, address in (("redirect_uri", callback), ("server_metadata_url", provider)):
        if address.scheme != "https" and address.hostname not in LOCAL_HOSTS:
            raise _make_refusal(f"[auth] {name} is not https", "passwords and cookies would be readable")


def require_access_policy(host: str) -> AccessPolicy:
    """As `opening`, and refuse too unless programs run in the sandbox.

    Raises
    ------
    EarshotError
        As `opening`; or when there is no sandbox, or it is switched off.
    """
    from core.sonicpi.sandbox import check_sandbox

    found = read_access_policy(host)
    works, why = check_sandbox()
    if os.environ.get("EARSHOT_NO_SANDBOX") or not works:
        raise EarshotError(
            "The dashboard is not opened to others without the sandbox: their programs could read"
            f" your files. {'It is switched off.' if works else why}",
            remedy="Unset EARSHOT_NO_SANDBOX; ./run doctor says whether the sandbox works.",
        )
    return found


def _make_refusal(problem: str, consequence: str = "") -> EarshotError:
    return EarshotError(
        f"The dashboard is not opened to others: {problem}{'; ' if consequence else ''}{consequence}.",
        where=str(SECRETS_PATH),
        remedy=_SECRETS_REMEDY,
    )


def main(host: str) -> int:
    """Say what is missing; exit status 0 if nothing is."""
    try:
        found = require_access_policy(host)
    except EarshotError as error:
        where = f"{error.where}: " if error.where else ""
        print(f"./run --open {host}: {where}{error.message}\n{error.remedy}", file=sys.stderr)
        return 1
    print(
        f"Open to {len(found.allowed_emails)} people who log in, as {host}. Put TLS before it.",
        file=sys.stderr,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
