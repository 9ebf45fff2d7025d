"""The page Jobs in its states: what runs, waits, has ended, and what can be done about it."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core import jobs, workspace
from core.jobs import manager, processes, record
from core.workspace import PROJECT_FOLDER

PROGRAM = [sys.executable, "-P", str(Path(__file__).parents[1] / "jobs" / "jobs_program.py")]
MARKS = "[me](https://example.org) $x^2$ <b>"


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path))
    monkeypatch.delenv("EARSHOT_JOB", raising=False)
    yield
    for job in jobs.list_jobs():
        processes.kill_job_processes(job.folder)


def noted(state: str, argv: tuple[str, ...] = ("build", "tiny"), **more) -> str:
    """Write down a job that this process, which lives, pretends to be; return its id."""
    home = workspace.get_jobs_folder()
    home.mkdir(parents=True, exist_ok=True)
    folder = manager._create_job_folder(home, list(argv), more.pop("title", f"A {state} job"))
    me = {"pid": os.getpid(), "process_start": processes.read_process_start(os.getpid())}
    ended = {} if state in record.ACTIVE_STATES else {"ended": time.time(), "took": 65.0}
    started = (
        {}
        if state == "queued"
        else {"started": time.time() - 65, "clock": processes.read_boot_clock() - 65}
    )
    record.update_record(folder, lambda found: {**me, **started, **ended, "state": state, **more})
    return folder.name


def opened() -> AppTest:
    app = AppTest.from_file(str(PROJECT_FOLDER / "app.py"), default_timeout=120).run()
    app.switch_page("pages/jobs/page.py").run()
    assert not app.exception, app.exception
    return app


def words(app: AppTest) -> str:
    kinds = (app.markdown, app.caption, app.info, app.error, app.code)
    # Badges are Markdown: `:blue-badge[Running]`.
    return "\n".join(each.value for kind in kinds for each in kind)


def labels(app: AppTest) -> list[str]:
    return [each.label for each in app.button]


def press(app: AppTest, label: str) -> AppTest:
    next(each for each in app.button if each.label == label).click().run()
    assert not app.exception, app.exception
    return app


def bars(app: AppTest) -> list[tuple[float, str]]:
    return [(each.proto.value, each.proto.text) for each in app.get("progress")]


def test_what_runs_says_how_far_it_is_and_how_long_it_will_take():
    done = {"step": "Rendering and embedding clips", "done": 30, "total": 120}
    noted(
        "running",
        progress={
            **done,
            "note": f"beeps {MARKS}",
            "rate": 0.5,
            "remaining_s": 180.0,
            "idle_s": 1.0,
            "steps": [{"step": "Generating programs", "done": 120, "total": 120}, done],
        },
    )
    app = opened()
    ((value, text),) = bars(app)
    assert value == 25 and "30 of 120" in text and "about 3 min left" in text
    said = words(app)
    assert "Running" in said and ":material/check: Generating programs" in said
    assert MARKS not in said  # it is escaped


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"done": 119, "idle_s": 200.0}, "no progress for about 3 min"),
        ({"done": 120}, "preparing the next step"),
    ],
)
def test_a_bar_that_does_not_move_says_so(more, said):
    now = {"step": "Rendering", "total": 120, "rate": 1.0, "remaining_s": 1.0, **more}
    noted("running", progress=now)
    ((_, text),) = bars(opened())
    assert said in text and "left" not in text


def test_what_waits_says_its_place():
    noted("running")
    for title in ("Second", "Third"):
        noted("queued", ("train", title), title=title)
    said = words(opened())
    assert "Next in the queue" in said and "Number 2 in the queue" in said


def test_what_failed_says_why_and_what_to_do():
    error = {
        "message": f"Memory ran out {MARKS}.",
        "where": None,
        "remedy": "Close other programs.",
    }
    noted("failed", error=error)
    app = opened()
    assert "Memory ran out" in app.error[0].value and "Close other programs" in app.error[0].value
    assert "./run build tiny" in words(app)
    assert {"Resume", "Remove"} <= set(labels(app))
    press(app, "Remove")
    assert jobs.list_jobs() == [] and "No jobs are running" in words(app)


def test_going_on_starts_the_same_command(monkeypatch: pytest.MonkeyPatch):
    noted("cancelled", ("check", "none"))
    started = []
    monkeypatch.setattr(jobs, "restart_job", lambda job_id, **_: started.append(job_id))
    press(opened(), "Resume")
    assert started == ["00001-check"]


def test_cancelling_asks_first_and_then_ends_it(tmp_path: Path):
    job = jobs.start_job(["wait", str(tmp_path / "never")], "Wait", command_prefix=PROGRAM)
    while jobs.get_job(job.id).state != "running":
        time.sleep(0.02)
    app = press(opened(), "Cancel")
    assert jobs.get_job(
        job.id
    ).state == "running" and "Stop this job? Finished work is kept" in words(app)
    press(app, "Keep running")
    assert "Cancel" in labels(app) and jobs.get_job(job.id).state == "running"
    press(press(app, "Cancel"), "Stop job")
    end = time.monotonic() + 60
    while jobs.get_job(job.id).is_active and time.monotonic() < end:
        time.sleep(0.02)
    assert jobs.get_job(job.id).state == "cancelled"


def test_the_newest_that_have_ended_are_shown_and_all_can_be():
    for number in range(12):
        noted("done", ("check", "tiny"), title=f"Check {number:02d}")
    app = opened()
    assert "Check 11" in words(app) and "Check 01" not in words(app)
    app.toggle[0].set_value(True).run()
    assert "Check 01" in words(app)
    press(app, "Remove all ended jobs")
    assert jobs.list_jobs() == []


def test_a_workspace_that_is_only_shown_has_no_buttons_that_write(monkeypatch: pytest.MonkeyPatch):
    noted("running")
    noted("failed", error={"message": "It broke.", "where": None, "remedy": None})
    monkeypatch.setenv("EARSHOT_READ_ONLY", "1")
    app = opened()
    assert "It broke" in app.error[0].value
    assert not {"Cancel", "Resume", "Remove", "Remove all ended jobs"} & set(labels(app))
