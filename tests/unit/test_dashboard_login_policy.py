"""Access policy: the dashboard opens to other people only if that is safe."""

import pytest

from core.dashboard_login_policy import (
    AccessPolicy,
    read_access_policy,
    require_access_policy_and_sandbox,
)
from core.errors import EarshotError

COMPLETE_SECRETS = """
[auth]
redirect_uri = "https://ear.example.org/oauth2callback"
cookie_secret = "0123456789abcdef0123456789abcdef"
client_id = "earshot"
client_secret = "secret"
server_metadata_url = "https://login.example.org/.well-known/openid-configuration"

[earshot]
people = ["Ada@example.org"]
"""


@pytest.fixture
def secrets_path(tmp_path):
    path = tmp_path / "secrets.toml"
    path.write_text(COMPLETE_SECRETS)
    return path


def test_people_are_allowed_by_verified_address(secrets_path):
    policy = read_access_policy("ear.example.org", secrets_path)
    assert policy == AccessPolicy("ear.example.org", frozenset({"ada@example.org"}))
    assert policy.is_user_allowed({"email": "ada@Example.org"})
    assert policy.is_user_allowed({"email": "ada@example.org", "email_verified": True})
    assert not policy.is_user_allowed({"email": "ada@example.org", "email_verified": False})
    assert not policy.is_user_allowed({"email": "eve@example.org", "email_verified": True})
    assert not policy.is_user_allowed({})


@pytest.mark.parametrize(
    "old, new, message",
    [
        ("[auth]", "[author]", "no section [auth]"),
        ('client_id = "earshot"', "", "no client_id"),
        ('client_secret = "secret"', 'client_secret = " "', "no client_secret"),
        ("0123456789abcdef0123456789abcdef", "guess", "cookie_secret is shorter"),
        ("https://ear.example.org/", "https://other.example.org/", "redirect_uri is not"),
        ("/oauth2callback", "/", "redirect_uri is not"),
        ("https://ear", "http://ear", "redirect_uri is not https"),
        ("https://login", "http://login", "server_metadata_url is not https"),
        ('["Ada@example.org"]', "[]", "people is not a list"),
        ('["Ada@example.org"]', '"Ada@example.org"', "people is not a list"),
        ("[auth]", "[auth", "cannot be read"),
    ],
)
def test_an_unsafe_configuration_is_refused(secrets_path, old, new, message):
    assert old in COMPLETE_SECRETS
    secrets_path.write_text(COMPLETE_SECRETS.replace(old, new))
    with pytest.raises(EarshotError, match=message.replace("[", r"\[")):
        read_access_policy("ear.example.org", secrets_path)


def test_a_missing_configuration_is_refused(tmp_path):
    with pytest.raises(EarshotError, match="everyone would be let in"):
        read_access_policy("ear.example.org", tmp_path / "none.toml")


def test_a_disabled_sandbox_is_refused(secrets_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(
        "core.dashboard_login_policy.read_access_policy",
        lambda host: read_access_policy(host, secrets_path),
    )
    assert require_access_policy_and_sandbox("ear.example.org").host == "ear.example.org"
    monkeypatch.setenv("EARSHOT_NO_SANDBOX", "1")
    with pytest.raises(EarshotError, match="without the sandbox"):
        require_access_policy_and_sandbox("ear.example.org")
