"""Hostile text in a real browser, and hostile requests: nothing runs, nothing is given away."""

from __future__ import annotations

import http.client
import subprocess
import sys
from urllib.parse import urlsplit

import pytest

from tests.e2e.conftest import PROJECT
from tests.e2e.page_steps import open_page, settled

PAGES = ("Home", "Generate", "Corpus", "Train", "Map", "Listen", "Compare", "Studies", "Jobs")
MARKS = (
    "<script>window.ran=1</script>",
    "<img src=x onerror=window.ran=1>",
    "[click](javascript:window.ran=1)",
    "![](http://tracker.invalid/a.png)",
    "$\\int_0^1 x$",
    "<b onmouseover=window.ran=1>bold</b>",
    "# Heading",
    ":material/delete: :red[red]",
)
# What would be there if a mark were taken for markup.
TRACES = (
    '[data-testid="stMain"] img[onerror], [data-testid="stSidebar"] img[onerror],'
    ' a[href^="javascript"], img[src*="tracker.invalid"], b[onmouseover], .katex,'
    ' [data-testid="stMain"] script, svg b'
)


def core(dashboard, *argv: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "core", *argv],
        cwd=PROJECT,
        env=dashboard.environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=300,
    )


@pytest.fixture(scope="module")
def hostile(dashboard, tmp_path_factory):
    """A corpus whose names, comments and errors are all marks; some programs fail."""
    folder = tmp_path_factory.mktemp("marks")
    for number in range(16):
        mark = MARKS[number % len(MARKS)]
        name = f"{number} {mark}".replace("/", "∕")[:70]
        (folder / f"{name}.rb").write_text(f"# {mark}\nplay {50 + number}\nsleep 0.5\n")
    for number, mark in enumerate(MARKS):
        (folder / f"bad {number}.rb").write_text(f"play 60\nraise {mark!r}\n")
    done = core(dashboard, "import", "marks", str(folder))
    assert done.returncode == 0, done.stderr
    done = core(dashboard, "build", "marks", "--resume", "--preset", "offline")
    assert done.returncode == 0 and "8 failed" in done.stdout, done.stdout + done.stderr
    done = core(dashboard, "train", "marks")
    assert done.returncode == 0, done.stderr
    # A job whose arguments are marks, and fails.
    core(dashboard, "build", "marks", "--templates", MARKS[1], "--background")
    return dashboard


def unharmed(page) -> None:
    settled(page)
    page.wait_for_timeout(300)
    assert page.evaluate("window.ran") is None
    assert page.locator(TRACES).all() == []


@pytest.fixture
def watched(page):
    """A page that fails on any request to another machine."""
    strangers: list[str] = []
    page.on(
        "request",
        lambda request: (
            strangers.append(request.url)
            if urlsplit(request.url).hostname not in (None, "", "127.0.0.1")
            else None
        ),
    )
    yield page
    assert strangers == []


@pytest.mark.parametrize("name", PAGES)
def test_text_from_programs_stays_text(hostile, watched, name):
    watched.goto(f"{hostile.url}?corpus=marks")
    settled(watched)
    open_page(watched, name)
    unharmed(watched)


@pytest.mark.parametrize(
    "query",
    [
        "corpus=<img src=x onerror=window.ran=1>",
        "corpus=..%2F..%2Fetc",
        "alignment=$x$",
        "corpus=marks&program=%3Cscript%3E",
        "colour=%F0%9F%8E%B5" * 50,
    ],
)
@pytest.mark.parametrize("name", ["listen", "map"])
def test_a_hostile_url_selects_nothing(hostile, watched, name, query):
    watched.goto(f"{hostile.url}{name}?{query}")
    unharmed(watched)
    assert watched.locator('[data-testid="stException"]').count() == 0


def answer(url: str, path: str, **headers: str) -> tuple[int, dict]:
    at = urlsplit(url)
    connection = http.client.HTTPConnection(at.hostname, at.port, timeout=30)
    connection.request("GET", path, headers=headers)
    got = connection.getresponse()
    connection.close()
    return got.status, dict(got.headers)


@pytest.mark.parametrize(
    "path",
    [
        "/sound/file/../../../../etc/passwd",
        "/sound/file/%2e%2e/%2e%2e/etc/passwd",
        "/sound/file//etc/passwd",
        "/sound/file/corpora/marks/corpus.sqlite",
        "/sound/file/corpora/marks%00.flac",
        "/sound/made/..%2f..%2fx.flac",
    ],
)
def test_only_clips_of_the_workspace_are_served(hostile, path):
    status, headers = answer(hostile.url, path)
    assert status in (400, 404)
    assert "passwd" not in str(headers)


def test_a_foreign_host_name_is_refused(dashboard):
    assert answer(dashboard.url, "/", Host="127.0.0.1")[0] == 200
    assert answer(dashboard.url, "/", Host="evil.example.org")[0] == 400
    assert answer(dashboard.url, "/sound/file/x.flac", Host="evil.example.org")[0] == 400


def test_a_foreign_page_gets_no_socket(dashboard):
    handshake = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }
    own = dashboard.url.rstrip("/")
    assert answer(dashboard.url, "/_stcore/stream", Origin=own, **handshake)[0] == 101
    foreign = answer(
        dashboard.url, "/_stcore/stream", Origin="http://evil.example.org", **handshake
    )
    assert foreign[0] == 403
