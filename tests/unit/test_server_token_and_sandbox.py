"""The token and the sandbox that servers for other machines require."""

from __future__ import annotations

import pytest

from core.errors import EarshotError
from core.server_token_and_sandbox import has_bearer_token, read_secret_token

TOKEN = "0123456789abcdef" * 2


@pytest.mark.parametrize("value", ["", "  \n"])
def test_an_empty_variable_has_no_token(value: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SOME_TOKEN", value)
    assert read_secret_token("SOME_TOKEN") is None


def test_blanks_around_a_token_do_not_count(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SOME_TOKEN", f" {TOKEN}\n")
    token = read_secret_token("SOME_TOKEN")
    assert token == TOKEN
    assert has_bearer_token({"authorization": f"bearer  {TOKEN} "}, token)


@pytest.mark.parametrize("value", [TOKEN[:31], "ö" * 32])
def test_a_token_that_is_short_or_no_ascii_is_refused(value: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SOME_TOKEN", value)
    with pytest.raises(EarshotError, match="fewer than 32 ASCII characters") as caught:
        read_secret_token("SOME_TOKEN")
    assert caught.value.where == "SOME_TOKEN"


@pytest.mark.parametrize("header", [{}, {"authorization": TOKEN}, {"authorization": "Bearer ö"}])
def test_other_headers_are_refused(header: dict[str, str]):
    assert not has_bearer_token(header, TOKEN)
