"""Who may reach the server over HTTP."""

from __future__ import annotations

import pytest

from core.errors import EarshotError
from core.mcp_server.http_transport import HttpAccess, read_http_access


def test_without_a_host_only_this_machine_connects(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("EARSHOT_MCP_TOKEN", raising=False)
    assert read_http_access(None) == HttpAccess(None, "")
    monkeypatch.setenv("EARSHOT_MCP_TOKEN", "x" * 32)
    assert read_http_access(None).token == "x" * 32


def test_other_machines_need_a_long_token_and_the_sandbox(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("EARSHOT_MCP_TOKEN", raising=False)
    with pytest.raises(EarshotError, match="without a token"):
        read_http_access("music.example")
    monkeypatch.setenv("EARSHOT_MCP_TOKEN", "short")
    with pytest.raises(EarshotError, match="32 ASCII characters"):
        read_http_access("music.example")
    monkeypatch.setenv("EARSHOT_MCP_TOKEN", "x" * 32)
    monkeypatch.setenv("EARSHOT_NO_SANDBOX", "1")
    with pytest.raises(EarshotError, match="without the sandbox"):
        read_http_access("music.example")
