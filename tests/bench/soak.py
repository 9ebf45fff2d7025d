"""Benchmark: memory and open files of the server while every page is used and jobs run.

Rows of the server compare the thirds of the time (medians), rows of jobs the first half of the jobs
of a kind with the second half (peaks). The last column is last third / middle third, or second half
/ first half.
"""

from __future__ import annotations

import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from _dashboard import CHROMIUM, CHROMIUM_FLAGS, serve_dashboard
from playwright.sync_api import Error, Locator, Page, sync_playwright

from core import jobs
from core.workspace import PROJECT_FOLDER

HEADERS = ("measure", "first third or half", "middle third", "last third or half", "last / before")
PAGES = ("Home", "Generate", "Corpus", "Train", "Map", "Listen", "Compare", "Studies", "Jobs")
SAMPLE_INTERVAL_S = 5.0
COURSE_PARTS = 12
MAX_SHOWN_ERRORS = 5
CORPUS_NAME = "soak"
TEMPLATES = ["02_1_beeps", "02_3_synths", "03_1_samples", "09_1_live_loop"]
BUILD = [
    "build",
    CORPUS_NAME,
    "--templates",
    *TEMPLATES,
    "--per-template",
    "6",
    "--seconds",
    "4",
    "--preset",
    "offline",
]
FIRST_TRAINING = ["train", CORPUS_NAME, "--epochs", "30"]
# Started one after the other, again and again. "{}" stands for the workspace.
JOBS = (
    ["map", CORPUS_NAME],
    ["check", CORPUS_NAME],
    ["train", CORPUS_NAME, "--epochs", "60", "--width", "64"],
    ["export", CORPUS_NAME, "--format", "zip", "--out", "{}/soak.zip"],
    ["evaluate", CORPUS_NAME],
)
SNIPPETS = ("use_synth :prophet\nplay {}, release: 2", "sample :loop_amen\nplay {}")

Row = tuple[str, str, str, str, str]


@dataclass
class ResourceUse:
    """Resources that a process and its descendants hold at one moment."""

    memory_mb: float = 0.0
    open_files: int = 0
    threads: int = 0


@dataclass
class Observations:
    """Everything that is recorded while the benchmark runs.

    Attributes
    ----------
    server : list of ResourceUse
        Samples of the server without the jobs that it started.
    jobs : dict of command to dict of job id to list of ResourceUse
        Samples of every job.
    end_delays_s : dict of command to float
        Longest time from a job's last progress event to its end.
    round_count : int
        How often all pages were visited.
    errors : list of str
        Errors on pages, and jobs that failed.
    """

    server: list[ResourceUse] = field(default_factory=list)
    jobs: dict[str, dict[str, list[ResourceUse]]] = field(default_factory=dict)
    end_delays_s: dict[str, float] = field(default_factory=dict)
    round_count: int = 0
    errors: list[str] = field(default_factory=list)


def run(minutes: float = 30) -> list[Row]:
    """Use the dashboard for some time; return rows with the columns `HEADERS`.

    Parameters
    ----------
    minutes : float
        Duration, without the build and the first training.
    """
    observations = Observations()
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"EARSHOT_WORKSPACE": folder, "HF_HUB_OFFLINE": "1"}
        for argv in (BUILD, FIRST_TRAINING):
            command = [sys.executable, "-m", "core", *argv]
            # The result is on standard output, which is for this benchmark's rows.
            subprocess.run(command, cwd=PROJECT_FOLDER, check=True, stdout=sys.stderr)
        with serve_dashboard() as dashboard:
            stop = threading.Event()
            threads = [
                threading.Thread(target=_keep_jobs_running, args=(folder, observations, stop)),
                threading.Thread(
                    target=_sample_resources, args=(dashboard.pid, observations, stop)
                ),
            ]
            for thread in threads:
                thread.start()
            try:
                _visit_pages(dashboard.url, observations, time.monotonic() + 60 * minutes)
            finally:
                stop.set()
                for thread in threads:
                    thread.join()
    return _build_rows(observations)


# -- Load -------------------------------------------------------------------------------------


def _keep_jobs_running(folder: str, observations: Observations, stop: threading.Event) -> None:
    for template in itertools.cycle(JOBS):
        argv = [argument.replace("{}", folder) for argument in template]
        Path(folder, "soak.zip").unlink(missing_ok=True)
        job = jobs.start_job(argv, " ".join(argv[:2]), cwd=PROJECT_FOLDER)
        while jobs.get_job(job.id).is_active:
            if stop.wait(0.5):
                jobs.get_job(job.id).cancel(request_grace_s=0)
                return
        job = jobs.get_job(job.id)
        if job.state != "done":
            observations.errors.append(f"job {job.title}: {job.error}")
        events, _ = job.read_progress_events()
        if events and job.ended:
            delay = job.ended - events[-1]["time"]
            previous = observations.end_delays_s.get(argv[0], 0.0)
            observations.end_delays_s[argv[0]] = max(previous, delay)


def _visit_pages(url: str, observations: Observations, deadline: float) -> None:
    """Use every page in a new browser context, again and again."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        while time.monotonic() < deadline:
            context = browser.new_context(viewport={"width": 1366, "height": 768})
            page = context.new_page()
            page.set_default_timeout(60_000)
            page.on("pageerror", lambda error: observations.errors.append(str(error)))
            page.goto(f"{url}?corpus={CORPUS_NAME}")
            for page_name in PAGES:
                _use_page(page, page_name, observations)
            context.close()
            observations.round_count += 1
        browser.close()


def _use_page(page: Page, page_name: str, observations: Observations) -> None:
    try:
        page.get_by_role("link", name=page_name, exact=True).click()
        _wait_for_script(page)
        if page_name == "Listen":
            number = observations.round_count
            snippet = SNIPPETS[number % len(SNIPPETS)].format(50 + number % 30)
            page.get_by_role("textbox", name="Sonic Pi code").fill(snippet)
            page.wait_for_timeout(1500)
            _press_button(page.get_by_role("button", name="Render", exact=True))
        elif page_name == "Generate":
            page.locator(f".st-key-open-template-{TEMPLATES[0]} button").first.click()
            _wait_for_script(page)
            # The name of this button also contains its keyboard shortcut.
            _press_button(page.get_by_role("button", name="Render and play"))
        elif page_name == "Map":
            figure = page.locator(".js-plotly-plot").first
            figure.wait_for()
            figure.hover()
        exceptions = page.locator('[data-testid="stException"]').all_inner_texts()
        observations.errors += [f"{page_name}: {exception}" for exception in exceptions]
    except Error as error:
        observations.errors.append(f"{page_name}: {error.message.splitlines()[0]}")


def _press_button(button: Locator) -> None:
    button.first.click()
    _wait_for_script(button.page)
    button.page.wait_for_timeout(1000)


def _wait_for_script(page: Page) -> None:
    page.wait_for_timeout(300)
    page.wait_for_function(
        "document.querySelector('[data-testid=\"stApp\"]')?.dataset.testScriptState"
        " === 'notRunning'"
    )


# -- Measurement ------------------------------------------------------------------------------


def _sample_resources(server_pid: int, observations: Observations, stop: threading.Event) -> None:
    while not stop.wait(SAMPLE_INTERVAL_S):
        all_jobs = jobs.list_jobs()
        job_pids = {job.pid for job in all_jobs if job.pid}
        observations.server.append(_measure_process_tree(server_pid, job_pids))
        for job in all_jobs:
            if job.state == "running" and job.pid:
                samples_by_job = observations.jobs.setdefault(job.argv[0], {})
                samples_by_job.setdefault(job.id, []).append(_measure_process_tree(job.pid, set()))


def _measure_process_tree(pid: int, excluded_pids: set[int]) -> ResourceUse:
    """Measure a process and its descendants, except the excluded ones and theirs."""
    total = ResourceUse()
    pending = [pid]
    while pending:
        process = Path("/proc") / str(pending.pop())
        try:
            page_count = int((process / "statm").read_text().split()[1])
            open_files = len(os.listdir(process / "fd"))
            threads = os.listdir(process / "task")
            children = [
                int(child)
                for thread in threads
                for child in (process / "task" / thread / "children").read_text().split()
            ]
        except (OSError, IndexError):  # The process has ended.
            continue
        total.memory_mb += page_count * os.sysconf("SC_PAGE_SIZE") / 1e6
        total.open_files += open_files
        total.threads += len(threads)
        pending += [child for child in children if child not in excluded_pids]
    return total


# -- Table ------------------------------------------------------------------------------------


def _build_rows(observations: Observations) -> list[Row]:
    rows = _build_server_rows(observations.server)
    for command, samples_by_job in sorted(observations.jobs.items()):
        if len(samples_by_job) > 1:
            rows += _build_job_rows(command, list(samples_by_job.values()))
    for command, delay in sorted(observations.end_delays_s.items()):
        label = f"{command}: longest time from full progress to the end"
        rows.append((label, "", "", f"{delay:.1f} s", ""))
    memory = [use.memory_mb for use in observations.server]
    parts = [part for part in np.array_split(memory, COURSE_PARTS) if part.size]
    course = " ".join(f"{np.median(part):.0f}" for part in parts)
    rows.append((f"server: memory in {COURSE_PARTS} parts of the time, MB", course, "", "", ""))
    rows.append(("rounds of all pages", str(observations.round_count), "", "", ""))
    rows.append(("errors on pages and in jobs", str(len(observations.errors)), "", "", ""))
    shown_errors = sorted(set(observations.errors))[:MAX_SHOWN_ERRORS]
    return rows + [(f"  {error[:100]}", "", "", "", "") for error in shown_errors]


def _build_server_rows(samples: list[ResourceUse]) -> list[Row]:
    columns: dict[str, list[float]] = {
        "memory, MB": [use.memory_mb for use in samples],
        "open files": [use.open_files for use in samples],
        "threads": [use.threads for use in samples],
    }
    rows = []
    for label, values in columns.items():
        first, middle, last = (statistics.median(_select_third(values, i)) for i in range(3))
        ratio = f"{last / middle:.3f}"
        rows.append((f"server: {label}", f"{first:.0f}", f"{middle:.0f}", f"{last:.0f}", ratio))
    return rows


def _select_third(values: list[float], index: int) -> list[float]:
    size = max(1, len(values) // 3)
    return values[index * size : (index + 1) * size] or values[-1:]


def _build_job_rows(command: str, samples_by_job: list[list[ResourceUse]]) -> list[Row]:
    columns: dict[str, list[float]] = {
        "peak memory, MB": [max(use.memory_mb for use in samples) for samples in samples_by_job],
        "most open files": [max(use.open_files for use in samples) for samples in samples_by_job],
    }
    rows = []
    for label, peaks in columns.items():
        half = len(peaks) // 2
        first, last = statistics.median(peaks[:half]), statistics.median(peaks[half:])
        label = f"{command}, {len(peaks)} jobs: {label}"
        rows.append((label, f"{first:.0f}", "", f"{last:.0f}", f"{last / first:.3f}"))
    return rows
