"""Who may reach a dashboard that nobody has opened to others."""

from __future__ import annotations

import pytest
from streamlit import config

from core.errors import EarshotError
from pages.components import login


@pytest.fixture
def listen_at(monkeypatch):
    monkeypatch.delenv("EARSHOT_OPEN", raising=False)
    monkeypatch.delenv(login.LOOPBACK_PORT_VARIABLE, raising=False)

    def set_address(address: str) -> None:
        monkeypatch.setattr(config, "get_option", {"server.address": address}.get)
        login.load_access_policy.cache_clear()

    yield set_address
    login.load_access_policy.cache_clear()


@pytest.mark.parametrize("address", ["127.0.0.1", "localhost", "::1"])
def test_this_machine_needs_no_login(listen_at, address):
    listen_at(address)
    assert login.load_access_policy() is None


@pytest.mark.parametrize("address", ["0.0.0.0", "", "192.168.0.2"])
def test_an_address_for_others_is_refused_unless_only_the_host_reaches_its_port(
    listen_at, address, monkeypatch
):
    listen_at(address)
    for value in ("", "0", "yes"):
        monkeypatch.setenv(login.LOOPBACK_PORT_VARIABLE, value)
        with pytest.raises(EarshotError, match="without logging in.*EARSHOT_LOOPBACK_PORT=1"):
            login.load_access_policy()
    monkeypatch.setenv(login.LOOPBACK_PORT_VARIABLE, "1")
    assert login.load_access_policy() is None
