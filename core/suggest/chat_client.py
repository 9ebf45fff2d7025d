"""Client of a language model behind an OpenAI-compatible chat endpoint."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from core.errors import EarshotError

if TYPE_CHECKING:
    import httpx

URL_VARIABLE = "EARSHOT_LLM_URL"
MODEL_VARIABLE = "EARSHOT_LLM_MODEL"
KEY_VARIABLE = "EARSHOT_LLM_KEY"
PRICE_VARIABLE = "EARSHOT_LLM_PRICE"
CHAT_PATH = "chat/completions"
MAX_ANSWER_CHARS = 200_000
MAX_ANSWER_BYTES = 4_000_000
MAX_QUOTED_CHARS = 200
RETRIED_STATUSES = (408, 409, 425, 429, 500, 502, 503, 504)
FIRST_RETRY_SECONDS = 0.5
MAX_RETRY_SECONDS = 10.0
INSTALL_HINT = "To install it: .venv/bin/pip install -r requirements/language-model.lock"


@dataclass(frozen=True)
class ChatSettings:
    """Where a language model is, and how long to wait for it.

    Attributes
    ----------
    url : str
        Base address of the API, such as "http://127.0.0.1:11434/v1".
    model : str
    api_key : str
        Sent as bearer token; "" for none. It is in no message, log or file.
    timeout_seconds : float
        For the whole answer, all attempts together.
    max_retries : int
        Further attempts after a failed one.
    price_per_million_tokens : (float, float)
        Of the prompt and of the answer, in the user's currency; 0 where it is free.

    Raises
    ------
    EarshotError
        When the address is not that of a web server.
    """

    url: str
    model: str
    api_key: str = field(default="", repr=False)
    timeout_seconds: float = 60.0
    max_retries: int = 2
    price_per_million_tokens: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise EarshotError(
                f"{self.url[:MAX_QUOTED_CHARS]!r} is not the address of a language model.",
                remedy=f"Set {URL_VARIABLE}, for example to http://127.0.0.1:11434/v1.",
            )


@dataclass(frozen=True)
class ChatAnswer:
    """The answer of a language model.

    Attributes
    ----------
    text : str
    prompt_tokens, answer_tokens : int
        As the server counts them; 0 when it does not.
    seconds : float
    cost : float
        By the prices of the settings.
    attempts : int
    is_cut : bool
        Whether the answer was longer than 200,000 characters, or than the time limit.
    """

    text: str
    prompt_tokens: int
    answer_tokens: int
    seconds: float
    cost: float
    attempts: int
    is_cut: bool = False


def read_chat_settings(environment: Mapping[str, str] | None = None) -> ChatSettings:
    """Return the settings that the environment names.

    Raises
    ------
    EarshotError
        When it names no address or no model, or the price is not two numbers.

    Examples
    --------
    >>> read_chat_settings({"EARSHOT_LLM_URL": "http://127.0.0.1:1/v1", "EARSHOT_LLM_MODEL": "m"})
    ChatSettings(url='http://127.0.0.1:1/v1', model='m', timeout_seconds=60.0, max_retries=2, \
price_per_million_tokens=(0.0, 0.0))
    """
    environment = os.environ if environment is None else environment
    url, model = environment.get(URL_VARIABLE, ""), environment.get(MODEL_VARIABLE, "")
    if not url or not model:
        raise EarshotError(
            "No language model is set.",
            remedy=f"Set {URL_VARIABLE} and {MODEL_VARIABLE}; {KEY_VARIABLE} if it needs a key.",
        )
    prices = environment.get(PRICE_VARIABLE, "0,0").split(",")
    try:
        prompt_price, answer_price = (float(price) for price in prices)
    except ValueError:
        raise EarshotError(
            f"{PRICE_VARIABLE} is not two numbers.",
            remedy="Write the prices of a million tokens of prompt and answer: 0.5,1.5",
        ) from None
    return ChatSettings(
        url,
        model,
        environment.get(KEY_VARIABLE, ""),
        price_per_million_tokens=(prompt_price, answer_price),
    )


def ask_language_model(settings: ChatSettings, messages: list[dict[str, str]]) -> ChatAnswer:
    """Ask a language model and return its whole answer.

    Parameters
    ----------
    settings : ChatSettings
    messages : list of dict
        With "role" and "content".

    Raises
    ------
    EarshotError
        When the client is not installed, the server cannot be reached or refuses, or its answer
        is not that of a chat endpoint.
    """
    started = time.monotonic()
    deadline = started + settings.timeout_seconds
    wait_seconds = FIRST_RETRY_SECONDS
    for attempt in range(1, settings.max_retries + 2):
        try:
            stream = _ChatStream(deadline)
            stream.request_and_read_chat_answer(settings, messages)
            return stream.make_chat_answer(settings, time.monotonic() - started, attempt)
        except _TemporaryError as error:
            wait_seconds = error.wait_seconds or wait_seconds
            is_last = attempt > settings.max_retries
            if is_last or time.monotonic() + wait_seconds >= deadline:
                raise _make_chat_error(settings, error.reason) from error
            time.sleep(wait_seconds)
            wait_seconds = min(2 * wait_seconds, MAX_RETRY_SECONDS)
    raise AssertionError("The last attempt returns or raises.")


class _TemporaryError(Exception):
    """A failure after which another attempt may succeed."""

    def __init__(self, reason: str, wait_seconds: float = 0.0):
        super().__init__(reason)
        self.reason, self.wait_seconds = reason, wait_seconds


class _ChatStream:
    """The events of one answer."""

    def __init__(self, deadline: float):
        self.deadline = deadline
        self.parts: list[str] = []
        self.char_count = 0
        self.usage: dict[str, Any] = {}
        self.is_cut = False

    def request_and_read_chat_answer(
        self, settings: ChatSettings, messages: list[dict[str, str]]
    ) -> None:
        """Request an answer and read it to its end."""
        httpx = _import_httpx()
        headers = {"Authorization": f"Bearer {settings.api_key}"} if settings.api_key else {}
        body = {
            "model": settings.model,
            "messages": messages,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        remaining = max(0.01, self.deadline - time.monotonic())
        try:
            with (
                # A redirect could carry the key elsewhere.
                httpx.Client(timeout=remaining, follow_redirects=False, trust_env=False) as client,
                client.stream(
                    "POST", f"{settings.url.rstrip('/')}/{CHAT_PATH}", json=body, headers=headers
                ) as response,
            ):
                self._raise_on_http_error_status(settings, response)
                if "json" in response.headers.get("content-type", ""):
                    self._add_answer_part(b"".join(self._iterate_limited_bytes(response)))
                else:
                    self._read_server_sent_events(response)
        except httpx.TimeoutException as error:
            self._mark_answer_cut_or_raise_on_timeout(settings, error)
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise _TemporaryError(f"it cannot be reached ({type(error).__name__})") from error
        except httpx.InvalidURL as error:
            raise _make_chat_error(settings, "its address is invalid") from error
        if not self.parts:
            raise _TemporaryError("its answer is empty or is not that of a chat endpoint")

    def _mark_answer_cut_or_raise_on_timeout(
        self, settings: ChatSettings, error: Exception
    ) -> None:
        if not self.parts:
            seconds = f"{settings.timeout_seconds:g} s"
            raise _make_chat_error(settings, f"it did not answer within {seconds}") from error
        self.is_cut = True

    def _raise_on_http_error_status(self, settings: ChatSettings, response: httpx.Response) -> None:
        if response.status_code == 200:
            return
        body = b""
        for block in self._iterate_limited_bytes(response):
            body += block
            if len(body) > MAX_QUOTED_CHARS:
                break
        text = body[:MAX_QUOTED_CHARS].decode("utf-8", "replace")
        reason = f"it refused with status {response.status_code}"
        if words := " ".join(_remove_api_key_from_text(settings, text).split()):
            reason += f": {words}"
        if response.status_code in RETRIED_STATUSES:
            raise _TemporaryError(reason, _read_retry_after(response.headers.get("retry-after")))
        raise _make_chat_error(settings, reason)

    def _iterate_limited_bytes(self, response: httpx.Response) -> Iterator[bytes]:
        """Yield the body until it is too long or the time is over."""
        byte_count = 0
        for block in response.iter_bytes():
            byte_count += len(block)
            if byte_count > MAX_ANSWER_BYTES or time.monotonic() > self.deadline:
                self.is_cut = True
                return
            yield block

    def _read_server_sent_events(self, response: httpx.Response) -> None:
        """Read server-sent events: lines that begin with "data:"."""
        rest = b""
        for block in self._iterate_limited_bytes(response):
            *lines, rest = (rest + block).split(b"\n")
            for line in lines:
                if self._read_server_sent_event_line(line):
                    return
        self._read_server_sent_event_line(rest)

    def _read_server_sent_event_line(self, line: bytes) -> bool:
        """Read a line; return whether the answer has ended."""
        line = line.strip()
        if not line.startswith(b"data:"):
            return False
        data = line[5:].strip()
        if data == b"[DONE]":
            return True
        self._add_answer_part(data)
        return self.is_cut

    def _add_answer_part(self, data: bytes) -> None:
        """Add a part of the answer; what is not such a part is ignored."""
        try:
            event = json.loads(data)
        except (ValueError, RecursionError):
            return
        if not isinstance(event, dict):
            return
        if isinstance(event.get("usage"), dict):
            self.usage = event["usage"]
        choices = event.get("choices")
        first = choices[0] if isinstance(choices, list) and choices else None
        if not isinstance(first, dict):
            return
        message = first.get("delta") or first.get("message")
        text = message.get("content") if isinstance(message, dict) else None
        if isinstance(text, str) and text:
            self.parts.append(text[: MAX_ANSWER_CHARS - self.char_count])
            self.char_count += len(self.parts[-1])
            self.is_cut |= self.char_count >= MAX_ANSWER_CHARS

    def make_chat_answer(self, settings: ChatSettings, seconds: float, attempts: int) -> ChatAnswer:
        """Return the answer that was read."""
        prompt_tokens = _read_token_count(self.usage.get("prompt_tokens"))
        answer_tokens = _read_token_count(self.usage.get("completion_tokens"))
        prompt_price, answer_price = settings.price_per_million_tokens
        cost = (prompt_tokens * prompt_price + answer_tokens * answer_price) / 1e6
        text = _remove_api_key_from_text(settings, "".join(self.parts))
        return ChatAnswer(text, prompt_tokens, answer_tokens, seconds, cost, attempts, self.is_cut)


def _import_httpx() -> Any:
    try:
        import httpx
    except ImportError as error:
        raise EarshotError(
            "The client of language models, httpx, is not installed.", remedy=INSTALL_HINT
        ) from error
    return httpx


def _read_token_count(value: object) -> int:
    return value if isinstance(value, int) and 0 <= value < 10**9 else 0


def _read_retry_after(value: str | None) -> float:
    """Return the seconds that a server asks to wait, at most 10; 0 when it does not ask."""
    try:
        return min(max(0.0, float(value or 0)), MAX_RETRY_SECONDS)
    except ValueError:
        return 0.0


def _remove_api_key_from_text(settings: ChatSettings, text: str) -> str:
    """Return a text of the server without the key, which it may repeat."""
    return text.replace(settings.api_key, "…") if settings.api_key else text


def _make_chat_error(settings: ChatSettings, reason: str) -> EarshotError:
    host = urlsplit(settings.url).netloc.rpartition("@")[2]
    return EarshotError(
        f"The language model {settings.model[:80]!r} at {host} cannot be used: {reason}.",
        remedy=f"Check {URL_VARIABLE}, {MODEL_VARIABLE} and {KEY_VARIABLE}.",
    )
