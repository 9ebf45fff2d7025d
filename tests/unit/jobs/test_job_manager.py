"""Jobs as real processes: running, ending, waiting, cancelling and restarting."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from core import jobs, workspace
from core.errors import EarshotError
from core.jobs import (
    Job,
    JobError,
    JobStep,
    job_end_record_fields,
    job_exit_reason,
    job_manager,
    job_record_file,
    process_liveness_and_killing,
)

PROGRAM = [sys.executable, "-P", str(Path(__file__).with_name("jobs_program.py"))]
TIMEOUT_S = 60


@pytest.fixture(autouse=True)
def jobs_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Set a workspace with a space in its name; kill the processes of its jobs afterwards."""
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path / "my workspace"))
    monkeypatch.delenv("EARSHOT_JOB", raising=False)
    yield workspace.get_jobs_folder()
    for job in jobs.list_jobs():
        process_liveness_and_killing.kill_job_processes(job.folder)


def start(*argv: str, title: str = "a test") -> Job:
    return jobs.start_job(argv, title, command_prefix=PROGRAM)


def wait_until(job: Job, condition: Callable[[Job], object]) -> Job:
    """Return the job as soon as a condition holds for it."""
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        job = jobs.get_job(job.id)
        if condition(job):
            return job
        time.sleep(0.02)
    raise AssertionError(f"the condition never held: {job}\n{job.read_log_tail()}")


def wait_for_end(job: Job) -> Job:
    return wait_until(job, lambda job: not job.is_active)


def has_reported(job: Job) -> bool:
    return bool(job.read_progress_events()[0])


def test_a_job_saves_its_state_progress_events_and_log(jobs_folder):
    job = wait_for_end(start("count", "30", title="Count to thirty"))
    assert (job.state, job.exit_status, job.error) == ("done", 0, None)
    assert job.title == "Count to thirty" and job.argv == ("count", "30")
    assert (job.progress.step, job.progress.done, job.progress.total) == ("Counting", 30, 30)
    assert job.progress.note == "number 30" and job.progress.finished_fraction == 1.0
    assert job.progress.steps == (JobStep("Counting", 30, 30),)
    events, offset = job.read_progress_events()
    # No event with data may be lost.
    assert [event["data"]["n"] for event in events] == list(range(1, 31))
    assert job.read_progress_events(offset) == ([], offset)
    assert job.read_log_tail() == "counted\n"
    assert job.created <= job.started <= job.ended
    assert json.loads((jobs_folder / job.id / "job.json").read_text())["state"] == "done"


def test_data_events_are_read_once_and_returned_to_all_callers(monkeypatch: pytest.MonkeyPatch):
    job = wait_for_end(start("count", "5"))
    assert [event["data"]["n"] for event in jobs.read_job_data_events(job.id)] == [1, 2, 3, 4, 5]
    offsets = []
    read_events = Job.read_progress_events

    def record_offset(self: Job, offset: int):
        offsets.append(offset)
        return read_events(self, offset)

    monkeypatch.setattr(Job, "read_progress_events", record_offset)
    assert [event["data"]["n"] for event in jobs.read_job_data_events(job.id, seen_count=3)] == [
        4,
        5,
    ]
    with open(job.folder / "events.jsonl", "a") as file:
        file.write('{"step": "Counting", "data": null}\n{"step": "Counting", "data": {"n": 6}}\n')
    assert [event["data"]["n"] for event in jobs.read_job_data_events(job.id, seen_count=5)] == [6]
    assert offsets[0] == offsets[1] > 0  # where the first call ended


def test_an_earshot_error_is_saved_with_place_and_remedy():
    job = wait_for_end(start("refuse"))
    assert (job.state, job.exit_status) == ("failed", 1)
    assert job.error == JobError("The corpus is gone.", "corpus beats", "Build it again.")


def test_a_bug_is_summarized_in_a_line_and_traced_in_the_log():
    job = wait_for_end(start("break"))
    assert job.state == "failed"
    assert "ZeroDivisionError: division of one by zero" in job.error.message
    assert "Traceback" not in job.error.message
    # Python prints the traceback after the job has recorded its end.
    wait_until(job, lambda job: "Traceback" in job.read_log_tail())


@pytest.mark.parametrize(("status", "state"), [(0, "done"), (3, "failed")])
def test_an_exit_status_ends_a_job(status, state):
    job = wait_for_end(start("exit", str(status)))
    assert (job.state, job.exit_status) == (state, status)


def test_a_command_that_fails_at_import_has_failed():
    job = jobs.start_job(["x"], "x", command_prefix=[sys.executable, "-c", "import missing_module"])
    # The end of the process may be noticed before its exit status is known.
    job = wait_until(job, lambda job: job.exit_status is not None)
    assert (job.state, job.exit_status) == ("failed", 1)
    assert "status 1" in job.error.message and "missing_module" in job.read_log_tail()


def test_a_missing_program_is_refused_and_leaves_no_job():
    with pytest.raises(EarshotError, match="could not be started"):
        jobs.start_job(["x"], "x", command_prefix=["/nowhere/at/all"])
    assert jobs.list_jobs() == []


def test_a_killed_job_has_failed_with_a_reason(tmp_path: Path):
    job = wait_until(start("wait", str(tmp_path / "never")), has_reported)
    os.kill(job.pid, signal.SIGKILL)
    job = wait_for_end(job)
    assert job.state == "failed"
    assert "killed" in job.error.message and "Start it again" in job.error.remedy


def test_the_reason_of_a_kill_is_the_signal_or_lack_of_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    job = wait_until(start("wait", str(tmp_path / "never")), has_reported)
    os.kill(job.pid, signal.SIGKILL)
    wait_until(job, lambda job: job.exit_status is not None)
    lost = {**job_record_file.read_job_record(job.folder), "state": "running", "exit": None}
    error = job_end_record_fields.build_lost_job_changes(job.folder, lost, -9)["error"]
    assert "SIGKILL" in error["message"] and "memory had not run out" in error["message"]
    # The kernel counts the processes that it killed for lack of memory.
    monkeypatch.setattr(job_exit_reason, "count_oom_kills", lambda: lost["memory_kills"] + 1)
    lost["memory_mb"] = 3100
    error = job_end_record_fields.build_lost_job_changes(job.folder, lost, -9)["error"]
    assert "memory ran out" in error["message"] and "3,100 MB" in error["message"]


def test_a_crash_is_recognized_without_an_exit_status():
    job = wait_for_end(start_from_ended_process("crash"))
    assert job.state == "failed" and job.exit_status is None
    assert "crashed (Segmentation fault)" in job.error.message


@pytest.mark.parametrize(
    ("kind", "message"), [("greedy", "Memory ran out"), ("full", "disk is full")]
)
def test_lack_of_memory_or_space_is_not_reported_as_a_bug(kind, message):
    job = wait_for_end(start(kind))
    assert message in job.error.message and "finished work is kept" in job.error.remedy


def test_a_cancelled_job_finishes_its_current_unit(tmp_path: Path):
    unit = tmp_path / "unit"
    job = wait_until(start("units", str(unit)), has_reported).cancel(request_grace_s=TIMEOUT_S)
    assert job.state == "cancelled" and unit.read_text().startswith("finished")


def test_an_ended_job_can_be_restarted_and_removed(tmp_path: Path):
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    job = wait_for_end(
        jobs.start_job(["refuse"], "to be restarted", command_prefix=PROGRAM, cwd=folder)
    )
    assert job.shell_command == "./run refuse"
    restarted = jobs.restart_job(job.id, command_prefix=PROGRAM)
    assert (restarted.argv, restarted.title, restarted.cwd) == (job.argv, job.title, str(folder))
    assert restarted.id != job.id
    wait_for_end(restarted)
    jobs.remove_job(job.id)
    assert [listed.id for listed in jobs.list_jobs()] == [restarted.id]
    with pytest.raises(EarshotError, match="no job"):
        jobs.remove_job(job.id)


def test_an_active_job_is_not_removed(tmp_path: Path):
    job = start("wait", str(tmp_path / "never"))
    assert jobs.restart_job(job.id).id == job.id
    with pytest.raises(EarshotError, match="is (queued|running)"):
        jobs.remove_job(job.id)


def test_the_duration_is_correct_when_the_clock_is_set_back():
    job = wait_for_end(start("count", "1"))
    job_record_file.update_job_record(
        job.folder, lambda latest: {"ended": latest["started"] - 3600}
    )
    assert 0 < jobs.get_job(job.id).elapsed_seconds < TIMEOUT_S


START_SCRIPT = """
import sys
from core import jobs
print(jobs.start_job(sys.argv[2:], "orphan", command_prefix=sys.argv[1].split("\\n")).id)
"""


def start_from_ended_process(*argv: str) -> Job:
    """Start a job from a process that has ended when this returns."""
    process = subprocess.run(
        [sys.executable, "-c", START_SCRIPT, "\n".join(PROGRAM), *argv],
        env={**os.environ, "PYTHONPATH": str(workspace.PROJECT_FOLDER)},
        capture_output=True,
        text=True,
        check=True,
    )
    return jobs.get_job(process.stdout.strip())


def test_a_job_outlives_its_starter_and_is_noticed_when_killed(tmp_path: Path):
    go = tmp_path / "go"
    first = wait_until(start_from_ended_process("wait", str(go)), has_reported)
    assert first.state == "running" and os.getsid(first.pid) == first.pid
    go.touch()
    assert wait_for_end(first).state == "done"
    second = wait_until(start_from_ended_process("wait", str(tmp_path / "never")), has_reported)
    os.kill(second.pid, signal.SIGKILL)
    assert wait_for_end(second).state == "failed"
    # The record holds it, too.
    assert job_record_file.read_job_record(second.folder)["state"] == "failed"


def test_a_late_exit_status_makes_the_reason_more_precise(jobs_folder):
    folder = create_job_folder(jobs_folder)
    job_record_file.update_job_record(folder, lambda _record: {"pid": 1, "process_start": -1})
    assert (jobs.get_job("1").state, jobs.get_job("1").exit_status) == ("failed", None)
    job_record_file.update_job_record(
        folder, lambda latest: job_end_record_fields.build_lost_job_changes(folder, latest, 3)
    )
    assert jobs.get_job("1").exit_status == 3 and "status 3" in jobs.get_job("1").error.message
    assert (
        job_end_record_fields.build_lost_job_changes(
            folder, job_record_file.read_job_record(folder), 0
        )
        is None
    )


def test_an_exit_status_does_not_end_a_later_job_in_the_same_folder(tmp_path: Path):
    job = wait_until(start("wait", str(tmp_path / "never")), has_reported)
    job_record_file.update_job_record(job.folder, lambda record: {"created": record["created"] + 1})
    os.kill(job.pid, signal.SIGKILL)
    for thread in threading.enumerate():
        if thread.name == job.folder.name:
            thread.join(TIMEOUT_S)
    assert job_record_file.read_job_record(job.folder)["state"] == "running"


def test_a_process_that_reuses_the_pid_is_not_the_job(tmp_path: Path):
    job = wait_until(start("wait", str(tmp_path / "never")), has_reported)
    job_record_file.update_job_record(
        job.folder, lambda latest: {"process_start": latest["process_start"] - 1}
    )
    assert jobs.get_job(job.id).state == "failed"


def test_a_job_has_failed_after_a_restart_of_the_machine(tmp_path: Path):
    job = wait_until(start("wait", str(tmp_path / "never")), has_reported)
    job_record_file.update_job_record(job.folder, lambda _record: {"boot": "another"})
    job = jobs.get_job(job.id)
    assert job.state == "failed" and "restarted" in job.error.message


def test_a_job_whose_process_never_started_has_failed(jobs_folder):
    folder = create_job_folder(jobs_folder)
    assert jobs.get_job(folder.name).state == "queued"
    job_record_file.update_job_record(folder, lambda latest: {"created": latest["created"] - 3600})
    assert jobs.get_job(folder.name).state == "failed"


def create_job_folder(jobs_folder: Path) -> Path:
    """Create the folder of a job without a process."""
    jobs_folder.mkdir(parents=True, exist_ok=True)
    return job_manager._create_job_folder(jobs_folder, ["build", "x"], "without process")


def test_cancelling_ends_a_job_and_keeps_its_progress(tmp_path: Path):
    job = wait_until(start("wait", str(tmp_path / "never")), has_reported)
    job = job.cancel()
    assert (job.state, job.error) == ("cancelled", None)
    assert not process_liveness_and_killing.is_process_running(
        job.pid, job_record_file.read_job_record(job.folder)["process_start"]
    )
    assert has_reported(job) and job.progress.done == 1
    assert job.cancel().state == "cancelled"


def test_a_job_that_ignores_signals_is_killed():
    job = wait_until(start("stubborn"), has_reported).cancel(terminate_grace_s=0.1)
    assert job.state == "cancelled" and process_liveness_and_killing.find_job_pids(job.folder) == []


@pytest.mark.parametrize("kind", ["family", "fork"])
def test_cancelling_ends_child_processes(kind):
    job = wait_until(start(kind), has_reported)
    child = job.read_progress_events()[0][0]["data"]["child"]
    assert process_liveness_and_killing.read_process_start_ticks(child) is not None
    assert job.cancel().state == "cancelled"
    assert process_liveness_and_killing.read_process_start_ticks(child) is None


def test_an_ended_job_is_not_cancelled():
    assert wait_for_end(start("count", "1")).cancel().state == "done"


def test_sigterm_ends_a_job_as_cancelled(tmp_path: Path):
    job = wait_until(start("wait", str(tmp_path / "never")), has_reported)
    os.kill(job.pid, signal.SIGTERM)
    assert wait_for_end(job).state == "cancelled"


def test_heavy_jobs_run_one_at_a_time_in_order(tmp_path: Path):
    go_files = [tmp_path / f"go{n}" for n in range(3)]
    first, second, third = (start("wait", str(go_file), "heavy") for go_file in go_files)
    wait_until(first, lambda job: job.state == "running")
    second = wait_until(second, lambda job: first.id in job.progress.note)
    third = wait_until(third, lambda job: job.progress.note)
    assert second.state == third.state == "queued"
    assert [job.queue_position for job in jobs.list_jobs()] == [2, 1, None]
    assert jobs.get_job(third.id).queue_position == 2
    go_files[0].touch()
    second = wait_until(second, lambda job: job.state == "running")
    assert jobs.get_job(third.id).state == "queued"
    assert third.cancel().state == "cancelled"
    go_files[1].touch()
    assert wait_for_end(second).state == "done"
    assert jobs.get_job(first.id).ended <= jobs.get_job(second.id).started


def test_the_next_job_runs_when_the_running_one_is_killed():
    # Forked processes that outlive the killed job must not hold its lock.
    first = wait_until(start("fork", "heavy"), has_reported)
    second = wait_until(start("count", "1", "heavy"), lambda job: job.progress.note)
    os.kill(first.pid, signal.SIGKILL)
    assert wait_for_end(second).state == "done"
    process_liveness_and_killing.kill_job_processes(first.folder)


def test_a_light_job_does_not_wait(tmp_path: Path):
    wait_until(start("wait", str(tmp_path / "never"), "heavy"), has_reported)
    assert wait_for_end(start("count", "1")).state == "done"


def test_the_same_command_started_several_times_is_one_job(tmp_path: Path):
    argv = ("wait", str(tmp_path / "go"))
    ids = []
    threads = [threading.Thread(target=lambda: ids.append(start(*argv).id)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 4 and len(set(ids)) == 1
    (tmp_path / "go").touch()
    wait_for_end(jobs.get_job(ids[0]))
    assert start(*argv).id != ids[0]


def test_only_the_newest_ended_jobs_are_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(job_manager, "MAX_STORED_ENDED_JOBS", 3)
    ids = [wait_for_end(start("count", "1")).id for _ in range(5)]
    active = start("wait", str(tmp_path / "never"))
    assert [job.id for job in jobs.list_jobs()] == [active.id, *reversed(ids[-3:])]


def test_a_job_is_found_by_its_number():
    job = wait_for_end(start("count", "1"))
    assert jobs.get_job("1").id == job.id == "00001-count"


@pytest.mark.parametrize("name", ["99", "00099-count", "../../etc", "", "a/b"])
def test_an_id_without_a_job_is_refused(name):
    with pytest.raises(EarshotError):
        jobs.get_job(name)


def test_a_damaged_record_or_event_does_not_hide_the_others():
    intact, damaged = wait_for_end(start("count", "1")), wait_for_end(start("count", "2"))
    (damaged.folder / "job.json").write_text('{"id": "00')
    assert [job.id for job in jobs.list_jobs()] == [intact.id]
    with open(intact.folder / "events.jsonl", "a") as file:
        file.write('damaged{\n{"step": "half a li')
    events, offset = intact.read_progress_events()
    assert len(events) == 1
    assert offset == (intact.folder / "events.jsonl").read_bytes().rindex(b"\n") + 1


FULL_DISK_SCRIPT = """
import os, sys, time
from core import jobs, workspace
command_prefix = sys.argv[1].split("\\n")
job = jobs.start_job(["wait", sys.argv[2]], "on a full disk", command_prefix=command_prefix)
while not jobs.get_job(job.id).read_progress_events()[0]:
    time.sleep(0.02)
try:
    with open(workspace.get_workspace_root() / "filler", "wb", buffering=0) as filler:
        while True:
            filler.write(bytes(4096))
except OSError:
    open(sys.argv[2], "w").close()
while jobs.get_job(job.id).is_active:
    time.sleep(0.02)
print(jobs.get_job(job.id).state, os.statvfs(workspace.get_workspace_root()).f_bavail)
"""


def test_a_full_disk_does_not_end_a_job(tmp_path: Path):
    root = tmp_path / "disk"
    root.mkdir()
    sandbox = ["bwrap", "--dev-bind", "/", "/", "--size", str(1 << 18), "--tmpfs", str(root)]
    if subprocess.run([*sandbox, "true"], capture_output=True).returncode:
        pytest.skip("bubblewrap cannot create a small disk here")
    process = subprocess.run(
        [
            *sandbox,
            sys.executable,
            "-c",
            FULL_DISK_SCRIPT,
            "\n".join(PROGRAM),
            str(tmp_path / "go"),
        ],
        env={
            **os.environ,
            "PYTHONPATH": str(workspace.PROJECT_FOLDER),
            "EARSHOT_WORKSPACE": str(root),
        },
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )
    assert process.stdout.split() == ["done", "0"], process.stderr
