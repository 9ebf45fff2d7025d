"""Tests of the page Jobs: running, queued and ended jobs, and their buttons."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core import jobs, workspace
from core.jobs import job_manager, job_record_file, process_liveness_and_killing
from core.workspace import PROJECT_FOLDER

PROGRAM = [sys.executable, "-P", str(Path(__file__).parents[1] / "jobs" / "jobs_program.py")]
MARKDOWN_NOTE = "[me](https://example.org) $x^2$ <b>"


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path))
    monkeypatch.delenv("EARSHOT_JOB", raising=False)
    yield
    for job in jobs.list_jobs():
        process_liveness_and_killing.kill_job_processes(job.folder)


def write_job(state: str, argv: tuple[str, ...] = ("build", "tiny"), **more) -> str:
    """Write the record of a job whose process is this one; return its id."""
    home = workspace.get_jobs_folder()
    home.mkdir(parents=True, exist_ok=True)
    folder = job_manager._create_job_folder(home, list(argv), more.pop("title", f"A {state} job"))
    me = {
        "pid": os.getpid(),
        "process_start": process_liveness_and_killing.read_process_start_ticks(os.getpid()),
    }
    ended = {} if state in job_record_file.ACTIVE_STATES else {"ended": time.time(), "took": 65.0}
    started = (
        {}
        if state == "queued"
        else {
            "started": time.time() - 65,
            "clock": process_liveness_and_killing.read_seconds_since_boot() - 65,
        }
    )
    job_record_file.update_job_record(
        folder, lambda _: {**me, **started, **ended, "state": state, **more}
    )
    return folder.name


def open_page() -> AppTest:
    app = AppTest.from_file(str(PROJECT_FOLDER / "app.py"), default_timeout=120).run()
    app.switch_page("pages/jobs/page.py").run()
    assert not app.exception, app.exception
    return app


def get_text(app: AppTest) -> str:
    kinds = (app.markdown, app.caption, app.info, app.error, app.code)
    # Badges are Markdown: `:blue-badge[Running]`.
    return "\n".join(element.value for kind in kinds for element in kind)


def list_labels(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


def press(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception, app.exception
    return app


def list_progress_bars(app: AppTest) -> list[tuple[float, str]]:
    return [(element.proto.value, element.proto.text) for element in app.get("progress")]


def test_a_running_job_shows_its_progress_and_remaining_time():
    done = {"step": "Rendering and embedding clips", "done": 30, "total": 120}
    write_job(
        "running",
        progress={
            **done,
            "note": f"beeps {MARKDOWN_NOTE}",
            "rate": 0.5,
            "remaining_s": 180.0,
            "remaining_range_s": [130.0, 310.0],
            "idle_s": 1.0,
            "steps": [{"step": "Generating programs", "done": 120, "total": 120}, done],
            "cluster": {
                "nodes": 2,
                "workers": 3,
                "failures": 1,
                "last_failure": f"10.0.0.7: {MARKDOWN_NOTE}",
            },
        },
    )
    app = open_page()
    ((value, text),) = list_progress_bars(app)
    assert value == 25 and "30 of 120" in text and "2 to 5 min left" in text
    text = get_text(app)
    assert "Running" in text and ":material/check: Generating programs" in text
    assert "3 cores on 2 nodes, 1 failure · 0.5 per second · last failure: 10" in text
    assert MARKDOWN_NOTE not in text  # It is escaped.


@pytest.mark.parametrize(
    ("more", "description"),
    [
        ({"done": 119, "idle_s": 200.0}, "no progress for about 3 min"),
        ({"done": 120}, "preparing the next step"),
    ],
)
def test_a_stalled_job_is_described(more, description):
    now = {"step": "Rendering", "total": 120, "rate": 1.0, "remaining_s": 1.0, **more}
    write_job("running", progress=now)
    ((_, text),) = list_progress_bars(open_page())
    assert description in text and "left" not in text


def test_a_queued_job_shows_its_position():
    write_job("running")
    for title in ("Second", "Third"):
        write_job("queued", ("train", title), title=title)
    text = get_text(open_page())
    assert "Next in the queue" in text and "Number 2 in the queue" in text


def test_a_failed_job_shows_its_error_and_remedy():
    error = {
        "message": f"Memory ran out {MARKDOWN_NOTE}.",
        "where": None,
        "remedy": "Close other programs.",
    }
    write_job("failed", error=error)
    app = open_page()
    assert "Memory ran out" in app.error[0].value and "Close other programs" in app.error[0].value
    assert "./run build tiny" in get_text(app)
    assert {"Resume", "Remove"} <= set(list_labels(app))
    press(app, "Remove")
    assert jobs.list_jobs() == [] and "No jobs are running" in get_text(app)


def test_resume_starts_the_same_command(monkeypatch: pytest.MonkeyPatch):
    write_job("cancelled", ("check", "none"))
    started = []
    monkeypatch.setattr(jobs, "restart_job", lambda job_id, **_: started.append(job_id))
    press(open_page(), "Resume")
    assert started == ["00001-check"]


def test_cancel_asks_before_it_stops_a_job(tmp_path: Path):
    job = jobs.start_job(["wait", str(tmp_path / "never")], "Wait", command_prefix=PROGRAM)
    while jobs.get_job(job.id).state != "running":
        time.sleep(0.02)
    app = press(open_page(), "Cancel")
    assert jobs.get_job(
        job.id
    ).state == "running" and "Stop this job? Finished work is kept" in get_text(app)
    press(app, "Keep running")
    assert "Cancel" in list_labels(app) and jobs.get_job(job.id).state == "running"
    press(press(app, "Cancel"), "Stop job")
    end = time.monotonic() + 60
    while jobs.get_job(job.id).is_active and time.monotonic() < end:
        time.sleep(0.02)
    assert jobs.get_job(job.id).state == "cancelled"


def test_the_newest_ended_jobs_are_shown_and_all_on_request():
    for number in range(12):
        write_job("done", ("check", "tiny"), title=f"Check {number:02d}")
    app = open_page()
    assert "Check 11" in get_text(app) and "Check 01" not in get_text(app)
    app.toggle[0].set_value(True).run()
    assert "Check 01" in get_text(app)
    press(app, "Remove all ended jobs")
    assert jobs.list_jobs() == []


def test_a_read_only_workspace_has_no_buttons_that_write(monkeypatch: pytest.MonkeyPatch):
    write_job("running")
    write_job("failed", error={"message": "It broke.", "where": None, "remedy": None})
    for job in jobs.list_jobs():
        (job.folder / "log.txt").write_text("in /home/owner/secret.rb")
    assert "secret.rb" in get_text(open_page())
    monkeypatch.setenv("EARSHOT_READ_ONLY", "1")
    app = open_page()
    # The log and the command name the owner's files.
    assert "secret.rb" not in get_text(app) and "./run" not in get_text(app)
    assert "It broke" in app.error[0].value
    assert not {"Cancel", "Resume", "Remove", "Remove all ended jobs"} & set(list_labels(app))
