"""Browser tests of a dashboard that `./run --open` opens to others: login and access.

The identity provider is a small fake; everything else is real.
"""

import http.server
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey
from playwright.sync_api import expect

from tests.e2e.conftest import PROJECT

FILES = (
    "run",
    "app.py",
    "server.py",
    "requirements.txt",
    "requirements",
    "core",
    "pages",
    "templates",
    ".streamlit/config.toml",
)


class Provider(http.server.ThreadingHTTPServer):
    """A fake OIDC provider that logs everybody in as `email`."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), ProviderHandler)
        self.email = ""
        self.key = RSAKey.generate_key(2048, {"kid": "1", "use": "sig", "alg": "RS256"})
        self.codes: dict[str, dict] = {}
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def make_id_token(self, request: dict) -> str:
        now = int(time.time())
        claims = {
            "iss": self.url,
            "sub": self.email,
            "aud": "earshot",
            "iat": now,
            "exp": now + 600,
            "nonce": request["nonce"],
            "email": self.email,
            "email_verified": True,
        }
        return jwt.encode({"alg": "RS256", "kid": "1"}, claims, self.key)


class ProviderHandler(http.server.BaseHTTPRequestHandler):
    """The four endpoints of the provider."""

    server: Provider

    def do_GET(self):
        url_parts = urllib.parse.urlsplit(self.path)
        query = {name: values[0] for name, values in urllib.parse.parse_qs(url_parts.query).items()}
        if url_parts.path == "/authorize":
            code = secrets.token_hex(8)
            self.server.codes[code] = query
            back = urllib.parse.urlencode({"code": code, "state": query["state"]})
            self.send_response(302)
            self.send_header("Location", f"{query['redirect_uri']}?{back}")
            self.end_headers()
        elif url_parts.path == "/keys":
            self.send_json({"keys": [self.server.key.as_dict(private=False)]})
        else:
            url = self.server.url
            self.send_json(
                {
                    "issuer": url,
                    "authorization_endpoint": f"{url}/authorize",
                    "token_endpoint": f"{url}/token",
                    "jwks_uri": f"{url}/keys",
                    "id_token_signing_alg_values_supported": ["RS256"],
                }
            )

    def do_POST(self):
        form = self.rfile.read(int(self.headers["Content-Length"])).decode()
        request = self.server.codes.pop(urllib.parse.parse_qs(form)["code"][0])
        self.send_json(
            {
                "access_token": "a",
                "token_type": "Bearer",
                "expires_in": 600,
                "id_token": self.server.make_id_token(request),
            }
        )

    def send_json(self, content: dict) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())

    def log_message(self, *words):
        pass


@pytest.fixture(scope="module")
def provider():
    with Provider() as server:
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A copy of the project, with secrets of its own."""
    copy = tmp_path_factory.mktemp("open") / "project"
    for name in FILES:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        if (PROJECT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(PROJECT / name, copy / name, ignore=ignored)
        else:
            shutil.copy2(PROJECT / name, copy / name)
    (copy / ".venv").symlink_to(PROJECT / ".venv")
    (copy / "artifacts/corpora").mkdir(parents=True)
    (copy / "artifacts/corpora/private.flac").write_bytes(b"fLaC")
    return copy


@pytest.fixture(scope="module")
def url(project: Path, provider):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (project / ".streamlit/secrets.toml").write_text(f"""
[auth]
redirect_uri = "http://127.0.0.1:{port}/oauth2callback"
cookie_secret = "{secrets.token_hex(32)}"
client_id = "earshot"
client_secret = "secret"
server_metadata_url = "{provider.url}/.well-known/openid-configuration"

[earshot]
people = ["ada@example.org"]
""")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("EARSHOT_")}
    log = project / "log.txt"
    with open(log, "wb") as log_file:
        server = subprocess.Popen(
            [project / "run", "--open", "127.0.0.1", "--port", str(port)],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log_file,
            stderr=log_file,
            start_new_session=True,
        )
    try:
        for _ in range(600):
            assert server.poll() is None, log.read_text()
            if "Earshot is open at" in log.read_text():
                break
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)


@pytest.fixture
def page(url, browser):
    with browser.new_context() as context:
        opened = context.new_page()
        opened.set_default_timeout(60_000)
        yield opened


def log_in(page, url: str) -> None:
    page.goto(f"{url}/train")
    page.get_by_role("button", name="Log in").click()


def fetch_clip(page, url: str) -> int:
    return page.request.get(f"{url}/sound/file/corpora/private.flac").status


def test_an_anonymous_visitor_sees_only_the_login(page, url):
    page.goto(url)
    expect(page.get_by_role("button", name="Log in")).to_be_visible()
    expect(page.get_by_text("corpus")).to_have_count(0)
    assert fetch_clip(page, url) == 401
    upload = page.request.put(f"{url}/_stcore/upload_file/a/b", multipart={"x": "y"})
    assert upload.status == 401


def test_an_invited_person_can_log_in(page, url, provider):
    provider.email = "ada@example.org"
    log_in(page, url)
    expect(page.get_by_role("heading", name="Hear what a program")).to_be_visible()
    assert fetch_clip(page, url) == 200
    with page.expect_response(lambda response: "/auth/logout" in response.url):
        page.get_by_role("button", name="Log out").click()
    # The button may appear before the browser has followed to the address that ends the session.
    expect(page.get_by_role("button", name="Log in")).to_be_visible()
    assert fetch_clip(page, url) == 401


def test_a_person_who_is_not_invited_sees_an_error(page, url, provider):
    provider.email = "eve@example.org"
    log_in(page, url)
    expect(page.get_by_text("eve@example.org is not invited")).to_be_visible()
    expect(page.get_by_role("heading", name="Hear what a program")).to_have_count(0)
    assert fetch_clip(page, url) == 401


def test_a_forged_cookie_gives_no_access(page, url):
    forged = json.dumps({"email": "ada@example.org", "is_logged_in": True, "origin": url})
    page.context.add_cookies([{"name": "_streamlit_user", "value": forged, "url": url}])
    page.goto(url)
    expect(page.get_by_role("button", name="Log in")).to_be_visible()
    assert fetch_clip(page, url) == 401


def test_without_secrets_it_does_not_start(project: Path, url):
    bare = project.parent / "bare"
    shutil.copytree(project, bare, symlinks=True)
    (bare / ".streamlit/secrets.toml").unlink()
    (bare / ".venv").unlink()
    done = subprocess.run(
        [bare / "run", "--open", "127.0.0.1", "--port", "8599"],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=120,
    )
    assert done.returncode == 1
    assert "everyone would be let in" in done.stderr
    assert not (bare / ".venv").exists()  # It refuses before it installs anything.


def test_a_public_address_without_the_flag_is_refused(project: Path):
    done = subprocess.run(
        [
            project / ".venv/bin/python",
            "-m",
            "streamlit",
            "run",
            "server.py",
            "--server.address",
            "0.0.0.0",
            "--server.port",
            "8599",
        ],
        cwd=project,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=120,
        env={k: v for k, v in os.environ.items() if not k.startswith("EARSHOT_")},
    )
    assert done.returncode != 0
    assert "which others reach without logging in" in done.stderr + done.stdout
