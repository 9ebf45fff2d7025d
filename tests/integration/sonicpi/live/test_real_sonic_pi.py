"""Programs go to the real server of Sonic Pi 3.2.2, and its cues and saved workspaces come back."""

import contextlib
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from streamlit.testing.v1 import AppTest

from core.cli import main
from core.corpus import Corpus
from core.programs import Program
from core.search.aligned_corpus import AlignedCorpus
from core.sonicpi import live
from core.sonicpi.live.osc_encoding import encode_osc_message
from core.workspace import PROJECT_FOLDER
from pages.components import audition_http_routes, audition_player
from tests.bench._live_sonic_pi import SERVER_PORT, LiveSonicPi
from tests.e2e.conftest import browser, page, serve
from tests.e2e.page_steps import wait_until_settled
from tests.unit.conftest import empty_workspace
from tests.unit.pages import page_steps
from tests.unit.suggest.conftest import aligned_corpus, corpus

__all__ = ["aligned_corpus", "browser", "corpus", "empty_workspace", "page"]
pytestmark = pytest.mark.skipif(
    not shutil.which("jackd"), reason="jackd, which Sonic Pi needs, is not installed"
)
TIMEOUT_SECONDS = 20
RUN_ATTEMPTS = 6


@pytest.fixture(scope="module")
def sonic_pi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSonicPi]:
    with LiveSonicPi(tmp_path_factory.mktemp("sonic_pi")) as running:
        yield running


def wait_for_message(
    sonic_pi: LiveSonicPi, pattern: bytes, timeout_s: float = TIMEOUT_SECONDS
) -> bytes:
    """Return the first message to Sonic Pi's editor that matches a pattern."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        try:
            message = sonic_pi.editor.recv(65_536)
        except TimeoutError:
            continue
        if re.search(pattern, message):
            return message
    raise AssertionError(f"no message {pattern!r}")


def test_a_program_is_played_and_its_cue_comes_back(sonic_pi: LiveSonicPi) -> None:
    assert live.find_running_server() == live.RunningServer("3.2", SERVER_PORT)
    server = live.play_in_sonic_pi("# ä\ncue :earshot, 42\nplay 60, release: 0.1\n")
    assert server.is_proven_version
    assert b"[42]" in wait_for_message(sonic_pi, rb"^/incoming/osc.*/cue/earshot")


def test_the_command_plays_a_file_and_stops_it(sonic_pi: LiveSonicPi, tmp_path: Path) -> None:
    path = tmp_path / "loop.rb"
    path.write_text("live_loop :earshot_loop do\n  play 60, amp: 0\n  sleep 0.1\nend\n")
    assert main(["play", str(path)]) == 0
    wait_for_message(sonic_pi, rb"^/incoming/osc.*/live_loop/earshot_loop")
    assert main(["play", "--stop"]) == 0
    wait_for_message(sonic_pi, rb"^/log/info.*Stopping run")


def test_the_page_suggest_plays_the_code_of_its_editor(
    sonic_pi: LiveSonicPi, aligned_corpus: AlignedCorpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The versions need no sound here.
    monkeypatch.setattr(audition_http_routes, "open_audition_clips", lambda: None)
    monkeypatch.setattr(audition_player, "draw_audition_player", lambda *_: None)
    page = PROJECT_FOLDER / "pages/suggest/page.py"
    app = AppTest.from_file(str(page), default_timeout=page_steps.TIMEOUT_S)
    app.session_state["snippet"] = "cue :from_suggest, 17\nplay 60, release: 0.1\n"
    app.run()
    page_steps.press(app, "Play in Sonic Pi")
    assert "Sonic Pi" in app.toast[0].value
    assert b"[17]" in wait_for_message(sonic_pi, rb"^/incoming/osc.*/cue/from_suggest")
    page_steps.press(app, "Stop")
    wait_for_message(sonic_pi, rb"^/log/info.*Stopping")


def test_a_card_plays_its_program_from_the_browser(
    sonic_pi: LiveSonicPi, empty_workspace: Path, page: Page
) -> None:
    program = Program("cue :from_card, 23\nplay 60, release: 0.1\n", "one")
    Corpus.create("cards").add_programs([program])
    with serve(empty_workspace) as dashboard:
        page.goto(f"{dashboard.url}corpus?corpus=cards&program={program.id}")
        wait_until_settled(page)
        page.locator(".st-key-card").get_by_role("button", name="Use it …").click()
        menu = page.get_by_test_id("stPopoverBody")
        menu.get_by_role("button", name="Play in Sonic Pi").click()
        assert b"[23]" in wait_for_message(sonic_pi, rb"^/incoming/osc.*/cue/from_card")
        expect(page.get_by_text("plays this code")).to_be_visible()
        menu.get_by_role("button", name="Stop", exact=True).click()
        wait_for_message(sonic_pi, rb"^/log/info.*Stopping")


def test_a_workspace_that_is_run_is_followed(
    sonic_pi: LiveSonicPi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SONIC_PI_HOME", str(sonic_pi.home))
    code = "cue :from_workspace\n"
    # What the editor of Sonic Pi sends for Run.
    run = encode_osc_message(
        "/save-and-run-buffer", "earshot", "workspace_two", code, "workspace_two"
    )
    # A run that arrives while Sonic Pi stops others is stopped with them: send it again.
    for _ in range(RUN_ATTEMPTS):
        sonic_pi.editor.sendto(run, ("127.0.0.1", SERVER_PORT))
        with contextlib.suppress(AssertionError):
            wait_for_message(sonic_pi, rb"^/incoming/osc.*/cue/from_workspace", timeout_s=5)
            break
    else:
        raise AssertionError("Sonic Pi has not run the workspace")
    watcher = live.SavedWorkspacesWatcher()
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while (change := watcher.read_settled_change()) is None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert change is not None and change.code == code
    assert change.path == live.get_workspace_path(2)
