"""Jobs as real processes: how they run, end, wait, and are found again."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from core import jobs, workspace
from core.errors import EarshotError
from core.jobs import exit_reason, manager, processes, record

PROGRAM = [sys.executable, "-P", str(Path(__file__).with_name("jobs_program.py"))]
PATIENCE_S = 60


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A workspace with a space in its name, in which nothing is left running."""
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path / "my workspace"))
    monkeypatch.delenv("EARSHOT_JOB", raising=False)
    yield workspace.get_jobs_folder()
    for job in jobs.list_jobs():
        processes.kill_job_processes(job.folder)


def start(*argv: str, title: str = "a test") -> jobs.Job:
    return jobs.start_job(argv, title, command_prefix=PROGRAM)


def until(job: jobs.Job, true) -> jobs.Job:
    """The job as soon as `true` holds for it; how long that takes is no matter."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        job = jobs.get_job(job.id)
        if true(job):
            return job
        time.sleep(0.02)
    raise AssertionError(f"never came: {job}\n{job.read_log_tail()}")


def ended(job: jobs.Job) -> jobs.Job:
    return until(job, lambda j: not j.active)


def has_reported(job: jobs.Job) -> bool:
    return bool(job.read_events()[0])


def test_a_job_runs_to_its_end_and_leaves_all_it_said(home):
    job = ended(start("count", "30", title="Count to thirty"))
    assert (job.state, job.exit_status, job.error) == ("done", 0, None)
    assert job.title == "Count to thirty" and job.argv == ("count", "30")
    assert (job.progress.step, job.progress.done, job.progress.total) == ("Counting", 30, 30)
    assert job.progress.note == "number 30" and job.progress.fraction == 1.0
    assert job.progress.steps == (jobs.JobStep("Counting", 30, 30),)
    events, offset = job.read_events()
    # Each of them had data, and none of that may be lost.
    assert [event["data"]["n"] for event in events] == list(range(1, 31))
    assert job.read_events(offset) == ([], offset)
    assert job.read_log_tail() == "counted\n"
    assert job.created <= job.started <= job.ended
    assert json.loads((home / job.id / "job.json").read_text())["state"] == "done"


def test_figures_are_read_once_and_shown_to_all(home, monkeypatch: pytest.MonkeyPatch):
    job = ended(start("count", "5"))
    assert [event["data"]["n"] for event in jobs.read_data_events(job.id)] == [1, 2, 3, 4, 5]
    read = []
    real = jobs.Job.read_events
    monkeypatch.setattr(jobs.Job, "events", lambda self, at: read.append(at) or real(self, at))
    assert [event["data"]["n"] for event in jobs.read_data_events(job.id, seen_count=3)] == [4, 5]
    with open(job.folder / "events.jsonl", "a") as file:
        file.write('{"step": "Counting", "data": null}\n{"step": "Counting", "data": {"n": 6}}\n')
    assert [event["data"]["n"] for event in jobs.read_data_events(job.id, seen_count=5)] == [6]
    assert read[0] == read[1] > 0  # from where the first look ended


def test_an_error_for_the_user_is_kept_with_place_and_remedy():
    job = ended(start("refuse"))
    assert (job.state, job.exit_status) == ("failed", 1)
    assert job.error == jobs.JobError("The corpus is gone.", "corpus beats", "Build it again.")


def test_a_defect_is_told_in_a_line_and_traced_in_the_log():
    job = ended(start("break"))
    assert job.state == "failed"
    assert "ZeroDivisionError: one by nought" in job.error.message
    assert "Traceback" in job.read_log_tail() and "Traceback" not in job.error.message


@pytest.mark.parametrize(("status", "state"), [(0, "done"), (3, "failed")])
def test_leaving_with_a_status_is_an_end(status, state):
    job = ended(start("exit", str(status)))
    assert (job.state, job.exit_status) == (state, status)


def test_a_command_that_cannot_even_begin_has_failed():
    job = jobs.start_job(["x"], "x", command_prefix=[sys.executable, "-c", "import nothing_like_it"])
    # That it is gone may be seen a moment before its exit status is known.
    job = until(job, lambda j: j.exit is not None)
    assert (job.state, job.exit_status) == ("failed", 1)
    assert "status 1" in job.error.message and "nothing_like_it" in job.read_log_tail()


def test_a_program_that_is_not_there_is_refused_and_leaves_nothing(home):
    with pytest.raises(EarshotError, match="could not be started"):
        jobs.start_job(["x"], "x", command_prefix=["/nowhere/at/all"])
    assert jobs.list_jobs() == []


def test_a_killed_job_has_failed_and_says_so(tmp_path: Path):
    job = until(start("wait", str(tmp_path / "never")), has_reported)
    os.kill(job.pid, signal.SIGKILL)
    job = ended(job)
    assert job.state == "failed"
    assert "killed" in job.error.message and "Start it again" in job.error.remedy


def test_why_a_job_was_killed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    job = until(start("wait", str(tmp_path / "never")), has_reported)
    os.kill(job.pid, signal.SIGKILL)
    until(job, lambda j: j.exit is not None)
    gone = {**record.read_record(job.folder), "state": "running", "exit": None}
    told = record.build_lost_job_changes(job.folder, gone, -9)["error"]
    assert "SIGKILL" in told["message"] and "memory had not run out" in told["message"]
    # The kernel counts what it ended for lack of memory.
    monkeypatch.setattr(exit_reason, "count_oom_kills", lambda: gone["memory_kills"] + 1)
    told = record.build_lost_job_changes(job.folder, {**gone, "memory_mb": 3100}, -9)["error"]
    assert "memory ran out" in told["message"] and "3,100 MB" in told["message"]


def test_a_crash_is_named_though_nobody_took_the_exit_status():
    job = ended(start_elsewhere("crash"))
    assert job.state == "failed" and job.exit_status is None
    assert "crashed (Segmentation fault)" in job.error.message


@pytest.mark.parametrize(("kind", "said"), [("greedy", "Memory ran out"), ("full", "disk is full")])
def test_what_the_machine_lacks_is_no_defect_of_ours(kind, said):
    job = ended(start(kind))
    assert said in job.error.message and "finished is kept" in job.error.remedy


def test_a_cancelled_job_finishes_the_unit_that_it_is_at(tmp_path: Path):
    unit = tmp_path / "unit"
    job = until(start("units", str(unit)), has_reported).cancel(request_grace_s=PATIENCE_S)
    assert job.state == "cancelled" and unit.read_text().startswith("finished")


def test_an_ended_job_goes_on_and_can_be_removed(tmp_path: Path, home):
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    job = ended(jobs.start_job(["refuse"], "again and again", command_prefix=PROGRAM, cwd=folder))
    assert job.shell_command == "./run refuse"
    other = jobs.restart_job(job.id, command_prefix=PROGRAM)
    assert (other.argv, other.title, other.cwd) == (job.argv, job.title, str(folder))
    assert other.id != job.id
    ended(other)
    jobs.remove_job(job.id)
    assert [each.id for each in jobs.list_jobs()] == [other.id]
    with pytest.raises(EarshotError, match="no job"):
        jobs.remove_job(job.id)


def test_an_active_job_is_not_removed(tmp_path: Path):
    job = start("wait", str(tmp_path / "never"))
    assert jobs.restart_job(job.id).id == job.id
    with pytest.raises(EarshotError, match="is (queued|running)"):
        jobs.remove_job(job.id)


def test_how_long_a_job_ran_stands_when_the_clock_is_set_back():
    job = ended(start("count", "1"))
    record.update_record(job.folder, lambda found: {"ended": found["started"] - 3600})
    assert 0 < jobs.get_job(job.id).elapsed_seconds < PATIENCE_S


STARTER = """
import sys
from core import jobs
print(jobs.start(sys.argv[2:], "left alone", command=sys.argv[1].split("\\n")).id)
"""


def start_elsewhere(*argv: str) -> jobs.Job:
    """Start a job from a process that has ended when this returns."""
    done = subprocess.run(
        [sys.executable, "-c", STARTER, "\n".join(PROGRAM), *argv],
        env={**os.environ, "PYTHONPATH": str(workspace.PROJECT_FOLDER)},
        capture_output=True,
        text=True,
        check=True,
    )
    return jobs.get_job(done.stdout.strip())


def test_a_job_outlives_who_started_it_and_is_missed_when_killed(tmp_path: Path):
    go = tmp_path / "go"
    one = until(start_elsewhere("wait", str(go)), has_reported)
    assert one.state == "running" and os.getsid(one.pid) == one.pid
    go.touch()
    assert ended(one).state == "done"
    other = until(start_elsewhere("wait", str(tmp_path / "never")), has_reported)
    os.kill(other.pid, signal.SIGKILL)
    assert ended(other).state == "failed"
    # It is written down, not only seen.
    assert record.read_record(other.folder)["state"] == "failed"


def test_an_exit_status_that_comes_late_tells_more(home):
    folder = manager._create_job_folder(home_made(home), ["build", "x"], "gone")
    record.update_record(folder, lambda found: {"pid": 1, "process_start": -1})
    assert (jobs.get_job("1").state, jobs.get_job("1").exit_status) == ("failed", None)
    record.update_record(folder, lambda found: record.build_lost_job_changes(folder, found, 3))
    assert jobs.get_job("1").exit_status == 3 and "status 3" in jobs.get_job("1").error.message
    assert record.build_lost_job_changes(folder, record.read_record(folder), 0) is None


def test_a_pid_that_was_given_out_again_is_not_the_job(tmp_path: Path):
    job = until(start("wait", str(tmp_path / "never")), has_reported)
    record.update_record(job.folder, lambda found: {"process_start": found["process_start"] - 1})
    assert jobs.get_job(job.id).state == "failed"


def test_nothing_runs_on_after_the_machine_was_restarted(tmp_path: Path):
    job = until(start("wait", str(tmp_path / "never")), has_reported)
    record.update_record(job.folder, lambda found: {"boot": "another"})
    job = jobs.get_job(job.id)
    assert job.state == "failed" and "restarted" in job.error.message


def test_a_job_whose_process_never_came_up_has_failed(home):
    folder = manager._create_job_folder(home_made(home), ["build", "x"], "never")
    assert jobs.get_job(folder.name).state == "queued"
    record.update_record(folder, lambda found: {"created": found["created"] - 3600})
    assert jobs.get_job(folder.name).state == "failed"


def home_made(home: Path) -> Path:
    home.mkdir(parents=True, exist_ok=True)
    return home


def test_cancelling_ends_a_job_and_keeps_what_it_did(tmp_path: Path):
    job = until(start("wait", str(tmp_path / "never")), has_reported)
    job = job.cancel()
    assert (job.state, job.error) == ("cancelled", None)
    assert not processes.is_process_running(job.pid, record.read_record(job.folder)["process_start"])
    assert has_reported(job) and job.progress.done == 1
    assert job.cancel().state == "cancelled"


def test_a_job_that_will_not_listen_is_killed():
    job = until(start("stubborn"), has_reported).cancel(terminate_grace_s=0.1)
    assert job.state == "cancelled" and processes.find_job_pids(job.folder) == []


@pytest.mark.parametrize("kind", ["family", "fork"])
def test_cancelling_ends_its_children_too(kind):
    job = until(start(kind), has_reported)
    child = job.read_events()[0][0]["data"]["child"]
    assert processes.read_process_start(child) is not None
    assert job.cancel().state == "cancelled"
    assert processes.read_process_start(child) is None


def test_an_ended_job_is_not_cancelled():
    assert ended(start("count", "1")).cancel().state == "done"


def test_sigterm_ends_a_job_as_cancelled(tmp_path: Path):
    job = until(start("wait", str(tmp_path / "never")), has_reported)
    os.kill(job.pid, signal.SIGTERM)
    assert ended(job).state == "cancelled"


def test_heavy_jobs_run_one_at_a_time_in_order(tmp_path: Path):
    go = [tmp_path / f"go{n}" for n in range(3)]
    first, second, third = (start("wait", str(g), "heavy") for g in go)
    until(first, lambda j: j.state == "running")
    second = until(second, lambda j: first.id in j.progress.note)
    third = until(third, lambda j: j.progress.note)
    assert second.state == third.state == "queued"
    assert [j.queue_position for j in jobs.list_jobs()] == [2, 1, None]
    assert jobs.get_job(third.id).queue_position == 2
    go[0].touch()
    second = until(second, lambda j: j.state == "running")
    assert jobs.get_job(third.id).state == "queued"
    assert third.cancel().state == "cancelled"
    go[1].touch()
    assert ended(second).state == "done"
    assert jobs.get_job(first.id).ended <= jobs.get_job(second.id).started


def test_the_turn_passes_on_when_its_holder_is_killed(tmp_path: Path):
    # Forked workers that outlive the killed holder must not keep the others waiting.
    first = until(start("fork", "heavy"), has_reported)
    second = until(start("count", "1", "heavy"), lambda j: j.progress.note)
    os.kill(first.pid, signal.SIGKILL)
    assert ended(second).state == "done"
    processes.kill_job_processes(first.folder)


def test_a_light_job_does_not_wait(tmp_path: Path):
    until(start("wait", str(tmp_path / "never"), "heavy"), has_reported)
    assert ended(start("count", "1")).state == "done"


def test_the_same_command_asked_for_twice_is_one_job(tmp_path: Path):
    argv = ("wait", str(tmp_path / "go"))
    found = []
    threads = [threading.Thread(target=lambda: found.append(start(*argv).id)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4 and len(set(found)) == 1
    (tmp_path / "go").touch()
    ended(jobs.get_job(found[0]))
    assert start(*argv).id != found[0]


def test_old_jobs_are_pruned_and_the_newest_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(manager, "MAX_STORED_ENDED_JOBS", 3)
    ids = [ended(start("count", "1")).id for _ in range(5)]
    active = start("wait", str(tmp_path / "never"))
    assert [job.id for job in jobs.list_jobs()] == [active.id, *reversed(ids[-3:])]


def test_a_job_is_found_by_its_number():
    job = ended(start("count", "1"))
    assert jobs.get_job("1").id == job.id == "00001-count"


@pytest.mark.parametrize("name", ["99", "00099-count", "../../etc", "", "a/b"])
def test_what_is_no_job_is_refused(name):
    with pytest.raises(EarshotError):
        jobs.get_job(name)


def test_a_torn_record_or_event_does_not_hide_the_others(home):
    good, bad = ended(start("count", "1")), ended(start("count", "2"))
    (bad.folder / "job.json").write_text('{"id": "00')
    assert [job.id for job in jobs.list_jobs()] == [good.id]
    with open(good.folder / "events.jsonl", "a") as file:
        file.write('torn{\n{"step": "half a li')
    events, offset = good.read_events()
    assert len(events) == 1
    assert offset == (good.folder / "events.jsonl").read_bytes().rindex(b"\n") + 1


FULL_DISK = """
import os, sys, time
from core import jobs, workspace
job = jobs.start(["wait", sys.argv[2]], "on a full disk", command=sys.argv[1].split("\\n"))
while not jobs.job(job.id).events()[0]:
    time.sleep(0.02)
try:
    with open(workspace.root() / "filler", "wb", buffering=0) as filler:
        while True:
            filler.write(bytes(4096))
except OSError:
    open(sys.argv[2], "w").close()
while jobs.job(job.id).active:
    time.sleep(0.02)
print(jobs.job(job.id).state, os.statvfs(workspace.root()).f_bavail)
"""


def test_a_full_disk_does_not_end_a_job(tmp_path: Path):
    root = tmp_path / "disk"
    root.mkdir()
    sandbox = ["bwrap", "--dev-bind", "/", "/", "--size", str(1 << 18), "--tmpfs", str(root)]
    if subprocess.run([*sandbox, "true"], capture_output=True).returncode:
        pytest.skip("bubblewrap may not make a small disk here")
    done = subprocess.run(
        [*sandbox, sys.executable, "-c", FULL_DISK, "\n".join(PROGRAM), str(tmp_path / "go")],
        env={
            **os.environ,
            "PYTHONPATH": str(workspace.PROJECT_FOLDER),
            "EARSHOT_WORKSPACE": str(root),
        },
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert done.stdout.split() == ["done", "0"], done.stderr
