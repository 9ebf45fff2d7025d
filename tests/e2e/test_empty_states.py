"""Browser tests of hostile text and hostile requests: nothing runs, nothing is disclosed."""

from __future__ import annotations

import http.client
import subprocess
import sys
from urllib.parse import urlsplit

import pytest

from tests.e2e.conftest import PROJECT
from tests.e2e.page_steps import open_page, wait_until_settled

PAGES = ("Home", "Generate", "Corpus", "Train", "Map", "Listen", "Compare", "Studies", "Jobs")
HOSTILE_TEXTS = (
    "<script>window.ran=1</script>",
    "<img src=x onerror=window.ran=1>",
    "[click](javascript:window.ran=1)",
    "![](http://tracker.invalid/a.png)",
    "$\\int_0^1 x$",
    "<b onmouseover=window.ran=1>bold</b>",
    "# Heading",
    ":material/delete: :red[red]",
)
# Elements that exist only if a text was interpreted as markup.
INJECTED_ELEMENTS = (
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
    """A corpus with hostile names, comments, errors and warnings; some programs fail."""
    folder = tmp_path_factory.mktemp("marks")
    for number in range(16):
        text = HOSTILE_TEXTS[number % len(HOSTILE_TEXTS)]
        name = f"{number} {text}".replace("/", "∕")[:70]
        (folder / f"{name}.rb").write_text(f"# {text}\nplay {50 + number}\nsleep 0.5\n")
    for number, text in enumerate(HOSTILE_TEXTS):
        (folder / f"bad {number}.rb").write_text(f"sleep 1\nraise {text!r}\n")
        (folder / f"partial {number}.rb").write_text(f"play 60\nraise {text!r}\n")
    done = core(dashboard, "import", "marks", str(folder), "--preset", "offline", "--seconds", "2")
    assert done.returncode == 0 and "8 failed" in done.stdout, done.stdout + done.stderr
    done = core(dashboard, "train", "marks", "--epochs", "30")
    assert done.returncode == 0, done.stderr
    # A job with hostile arguments, which fails.
    core(dashboard, "build", "marks", "--templates", HOSTILE_TEXTS[1], "--background")
    return dashboard


def assert_unharmed(page) -> None:
    wait_until_settled(page)
    page.wait_for_timeout(300)
    assert page.evaluate("window.ran") is None
    assert page.locator(INJECTED_ELEMENTS).all() == []


@pytest.fixture
def watched(page):
    """A page that must not send requests to another machine."""
    foreign_requests: list[str] = []
    page.on(
        "request",
        lambda request: (
            foreign_requests.append(request.url)
            if urlsplit(request.url).hostname not in (None, "", "127.0.0.1")
            else None
        ),
    )
    yield page
    assert foreign_requests == []


@pytest.mark.parametrize("name", PAGES)
def test_text_from_programs_stays_text(hostile, watched, name):
    watched.goto(f"{hostile.url}?corpus=marks")
    wait_until_settled(watched)
    open_page(watched, name)
    assert_unharmed(watched)


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
    assert_unharmed(watched)
    assert watched.locator('[data-testid="stException"]').count() == 0


def send_request(url: str, path: str, **headers: str) -> tuple[int, dict]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    connection.close()
    return response.status, dict(response.headers)


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
    status, headers = send_request(hostile.url, path)
    assert status in (400, 404)
    assert "passwd" not in str(headers)


def test_a_foreign_host_name_is_refused(dashboard):
    assert send_request(dashboard.url, "/", Host="127.0.0.1")[0] == 200
    assert send_request(dashboard.url, "/", Host="evil.example.org")[0] == 400
    assert send_request(dashboard.url, "/sound/file/x.flac", Host="evil.example.org")[0] == 400


def test_a_foreign_page_gets_no_socket(dashboard):
    handshake = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }
    own_origin = dashboard.url.rstrip("/")
    assert send_request(dashboard.url, "/_stcore/stream", Origin=own_origin, **handshake)[0] == 101
    foreign = send_request(
        dashboard.url, "/_stcore/stream", Origin="http://evil.example.org", **handshake
    )
    assert foreign[0] == 403


@pytest.mark.parametrize("path", ["/", "/map", "/_stcore/health", "/sound/none", "/nothing.js"])
def test_every_response_forbids_foreign_frames(dashboard, path):
    _, headers = send_request(dashboard.url, path)
    assert headers["x-frame-options"] == "SAMEORIGIN"
    assert headers["content-security-policy"] == "frame-ancestors 'self'"


def test_another_site_cannot_frame_the_dashboard(dashboard, browser, tmp_path):
    site = f'<h1>Another site</h1><iframe src="{dashboard.url}" width=900 height=600></iframe>'
    (tmp_path / "site.html").write_text(site)
    with browser.new_context() as context:
        page = context.new_page()
        refusals: list[str] = []
        page.on("console", lambda message: refusals.append(message.text))
        page.goto((tmp_path / "site.html").as_uri())
        page.wait_for_timeout(1500)
        assert any("frame-ancestors" in text for text in refusals), refusals
        assert page.frames[1].get_by_text("Earshot").count() == 0
