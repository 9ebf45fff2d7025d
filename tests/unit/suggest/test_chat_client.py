"""The chat client against a local server: good, slow, broken, huge and malicious answers."""

from __future__ import annotations

import time

import pytest

from core.errors import EarshotError
from core.suggest.chat_client import (
    MAX_ANSWER_CHARS,
    ChatSettings,
    ask_language_model,
    read_chat_settings,
)
from tests.unit.suggest.chat_server import run_chat_server

MESSAGES = [{"role": "user", "content": "play 60"}]
KEY = "sk-secret-123"


def make_settings(url: str, **changes: object) -> ChatSettings:
    return ChatSettings(url, "model", **{"api_key": KEY, "timeout_seconds": 4.0, **changes})


def test_a_stream_is_read_and_counted() -> None:
    with run_chat_server("stream", text="play 60\n# é") as server:
        settings = make_settings(server.url, price_per_million_tokens=(1.0, 2.0))
        answer = ask_language_model(settings, MESSAGES)
    assert answer.text == "play 60\n# é" and not answer.is_cut
    assert (answer.prompt_tokens, answer.answer_tokens, answer.cost) == (1000, 500, 0.002)
    body, authorization = server.requests[0]
    assert body["model"] == "model" and body["stream"] is True and body["messages"] == MESSAGES
    assert authorization == f"Bearer {KEY}"


def test_an_answer_that_is_not_streamed_is_read() -> None:
    with run_chat_server("json") as server:
        assert ask_language_model(make_settings(server.url), MESSAGES).text == "play 60"


def test_a_busy_server_is_asked_again() -> None:
    with run_chat_server("busy", "stream") as server:
        assert ask_language_model(make_settings(server.url), MESSAGES).attempts == 2
    with run_chat_server("busy") as server:
        with pytest.raises(EarshotError, match="status 429: try later"):
            ask_language_model(make_settings(server.url, max_retries=1), MESSAGES)
        assert len(server.requests) == 2


def test_the_key_is_in_no_message() -> None:
    with run_chat_server("refuse") as server:
        settings = make_settings(server.url)
        with pytest.raises(EarshotError, match="status 401: bad key Bearer …") as caught:
            ask_language_model(settings, MESSAGES)
        assert len(server.requests) == 1
    assert KEY not in f"{caught.value!r} {caught.value} {settings!r}"
    with run_chat_server("stream", text=f"the key is {KEY}") as server:
        assert KEY not in ask_language_model(make_settings(server.url), MESSAGES).text


def test_a_redirect_is_not_followed() -> None:
    with run_chat_server("redirect") as server:
        with pytest.raises(EarshotError, match="status 307"):
            ask_language_model(make_settings(server.url), MESSAGES)


def test_a_silent_server_is_left_after_the_time_limit() -> None:
    started = time.monotonic()
    with run_chat_server("slow") as server:
        with pytest.raises(EarshotError, match="did not answer within 0.3 s"):
            ask_language_model(make_settings(server.url, timeout_seconds=0.3), MESSAGES)
    assert time.monotonic() - started < 4


@pytest.mark.parametrize("behaviour", ["drip", "huge"])
def test_an_endless_answer_is_cut(behaviour: str) -> None:
    with run_chat_server(behaviour) as server:
        answer = ask_language_model(make_settings(server.url, timeout_seconds=1.0), MESSAGES)
    assert answer.is_cut and 0 < len(answer.text) <= MAX_ANSWER_CHARS


@pytest.mark.parametrize("behaviour", ["endless_line", "garbage"])
def test_an_answer_that_is_not_of_the_protocol_is_refused(behaviour: str) -> None:
    with run_chat_server(behaviour) as server:
        settings = make_settings(server.url, max_retries=0, timeout_seconds=10.0)
        with pytest.raises(EarshotError, match="empty or is not that of a chat endpoint"):
            ask_language_model(settings, MESSAGES)


def test_a_broken_connection_is_reported() -> None:
    with run_chat_server("cut") as server:
        with pytest.raises(EarshotError, match="cannot be reached"):
            ask_language_model(make_settings(server.url, max_retries=0), MESSAGES)
    with pytest.raises(EarshotError, match="cannot be reached"):
        ask_language_model(make_settings(server.url, max_retries=0), MESSAGES)


@pytest.mark.parametrize("url", ["", "ftp://x", "file:///etc/passwd", "localhost:1", "http://"])
def test_an_address_that_is_not_of_a_web_server_is_refused(url: str) -> None:
    with pytest.raises(EarshotError, match="not the address of a language model"):
        ChatSettings(url, "model")


def test_settings_come_from_the_environment() -> None:
    environment = {
        "EARSHOT_LLM_URL": "http://127.0.0.1:1",
        "EARSHOT_LLM_MODEL": "m",
        "EARSHOT_LLM_KEY": KEY,
        "EARSHOT_LLM_PRICE": "0.5,1.5",
    }
    settings = read_chat_settings(environment)
    assert settings.api_key == KEY and settings.price_per_million_tokens == (0.5, 1.5)
    with pytest.raises(EarshotError, match="No language model is set"):
        read_chat_settings({})
    with pytest.raises(EarshotError, match="not two numbers"):
        read_chat_settings({**environment, "EARSHOT_LLM_PRICE": "free"})
