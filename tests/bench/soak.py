"""Whether memory and open files stay flat while a browser uses every page and jobs run."""

from __future__ import annotations

import itertools
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Iterator

import numpy as np
from playwright.sync_api import Error, Page, sync_playwright

from core import jobs
from core.workspace import PROJECT_FOLDER

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
PAGES = ("Home", "Generate", "Corpus", "Train", "Map", "Listen", "Compare", "Studies", "Jobs")
SAMPLE_EVERY_S = 5.0
TEMPLATES = ["02_1_beeps", "02_3_synths", "03_1_samples", "09_1_live_loop"]
BUILD = [
    "build",
    "soak",
    "--templates",
    *TEMPLATES,
    "--per-template",
    "6",
    "--seconds",
    "4",
    "--preset",
    "offline",
]
# One after the other, again and again; what is there already is made anew each time.
JOBS = (
    ["map", "soak"],
    ["check", "soak"],
    ["train", "soak", "--epochs", "60", "--width", "64"],
    ["export", "soak", "--format", "zip", "--out", "{}/soak.zip"],
    ["evaluate", "soak"],
)
SNIPPETS = ("use_synth :prophet\nplay {}, release: 2", "sample :loop_amen\nplay {}")


@dataclass
class Sample:
    """What a process and all below it held at one moment."""

    at: float
    mb: float
    files: int
    threads: int


@dataclass
class Watch:
    """Samples of the server, and of each job by its kind."""

    server: list[Sample] = field(default_factory=list)
    jobs: dict[str, dict[str, list[Sample]]] = field(default_factory=dict)
    silences: dict[str, float] = field(default_factory=dict)
    rounds: int = 0
    troubles: list[str] = field(default_factory=list)


def run(variants: int = 0, minutes: float = 30) -> list[tuple[str, ...]]:
    """Soak; return rows: what, then the first third, the middle, the last, last against middle.

    Parameters
    ----------
    variants : int
        Not used.
    minutes : float
        How long the browser goes round.
    """
    watch = Watch()
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"EARSHOT_WORKSPACE": folder, "HF_HUB_OFFLINE": "1"}
        for argv in (BUILD, ["train", "soak", "--epochs", "30"]):
            subprocess.run([sys.executable, "-m", "core", *argv], cwd=PROJECT_FOLDER, check=True)
        with _server() as (address, pid):
            stop = threading.Event()
            helpers = [
                threading.Thread(target=_keep_jobs_running, args=(folder, watch, stop)),
                threading.Thread(target=_sample, args=(pid, watch, stop)),
            ]
            for helper in helpers:
                helper.start()
            try:
                _go_round(address, watch, time.monotonic() + 60 * minutes)
            finally:
                stop.set()
                for helper in helpers:
                    helper.join()
    return _table(watch)


@contextmanager
def _server() -> Iterator[tuple[str, int]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "server.py", "--server.port", str(port)],
        cwd=PROJECT_FOLDER,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}/"
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"{address}_stcore/health", timeout=5).close()
                break
            except OSError:
                time.sleep(0.2)
        yield address, server.pid
    finally:
        server.terminate()
        server.wait()


# -- What is done --------------------------------------------------------------------------


def _keep_jobs_running(folder: str, watch: Watch, stop: threading.Event) -> None:
    for argv in itertools.cycle(JOBS):
        argv = [word.replace("{}", folder) for word in argv]
        Path(folder, "soak.zip").unlink(missing_ok=True)
        job = jobs.start_job(argv, " ".join(argv[:2]), cwd=PROJECT_FOLDER)
        while jobs.get_job(job.id).is_active:
            if stop.wait(0.5):
                jobs.get_job(job.id).cancel(request_grace_s=0)
                return
        ended = jobs.get_job(job.id)
        if ended.state != "done":
            watch.troubles.append(f"job {' '.join(argv[:2])}: {ended.error}")
        events = ended.read_events()[0]
        if events and ended.ended:
            silent = ended.ended - events[-1]["time"]
            watch.silences[argv[0]] = max(watch.silences.get(argv[0], 0.0), silent)


def _go_round(address: str, watch: Watch, until: float) -> None:
    """Visit every page in a new tab, again and again, and do there what a person does."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        while time.monotonic() < until:
            context = browser.new_context(viewport={"width": 1366, "height": 768})
            page = context.new_page()
            page.set_default_timeout(60_000)
            page.on("pageerror", lambda error: watch.troubles.append(str(error)))
            page.goto(f"{address}?corpus=soak")
            for name in PAGES:
                _visit(page, name, watch)
            context.close()
            watch.rounds += 1
        browser.close()


def _visit(page: Page, name: str, watch: Watch) -> None:
    try:
        page.get_by_role("link", name=name, exact=True).click()
        _settle(page)
        if name == "Listen":
            code = SNIPPETS[watch.rounds % 2].format(50 + watch.rounds % 30)
            _press(page, "Render", code)
        elif name == "Generate":
            page.locator(f".st-key-open-template-{TEMPLATES[0]} button").first.click()
            _settle(page)
            _press(page, "Render and play")
        elif name == "Map":
            chart = page.locator(".js-plotly-plot").first
            chart.wait_for()
            chart.hover()
        exceptions = page.locator('[data-testid="stException"]').all_inner_texts()
        watch.troubles += [f"{name}: {each}" for each in exceptions]
    except Error as error:
        watch.troubles.append(f"{name}: {error.message.splitlines()[0]}")


def _press(page: Page, button: str, code: str | None = None) -> None:
    if code is not None:
        page.get_by_role("textbox", name="Sonic Pi code").fill(code)
        page.wait_for_timeout(1500)
    page.get_by_role("button", name=button, exact=True).first.click()
    _settle(page)
    page.wait_for_timeout(1000)


def _settle(page: Page) -> None:
    page.wait_for_timeout(300)
    page.wait_for_function(
        "document.querySelector('[data-testid=\"stApp\"]')?.dataset.testScriptState"
        " === 'notRunning'"
    )


# -- What is measured ----------------------------------------------------------------------


def _sample(server: int, watch: Watch, stop: threading.Event) -> None:
    while not stop.wait(SAMPLE_EVERY_S):
        watch.server.append(_held(server, apart=[job.pid for job in jobs.list_jobs() if job.pid]))
        for job in jobs.list_jobs():
            if job.state == "running" and job.pid:
                found = watch.jobs.setdefault(job.argv[0], {})
                found.setdefault(job.id, []).append(_held(job.pid))


def _held(pid: int, apart: list[int] = []) -> Sample:  # noqa: B006 - never changed
    """What a process and its children hold, without those that are jobs of their own."""
    total = Sample(time.monotonic(), 0.0, 0, 0)
    todo = [pid]
    while todo:
        process = Path("/proc") / str(todo.pop())
        try:
            pages = int((process / "statm").read_text().split()[1])
            files = len(os.listdir(process / "fd"))
            threads = os.listdir(process / "task")
            children = [
                int(child)
                for thread in threads
                for child in (process / "task" / thread / "children").read_text().split()
            ]
        except (OSError, IndexError):  # it has ended
            continue
        total.mb += pages * os.sysconf("SC_PAGE_SIZE") / 1e6
        total.files += files
        total.threads += len(threads)
        todo += [child for child in children if child not in apart]
    return total


def _table(watch: Watch) -> list[tuple[str, ...]]:
    thirds = [_third(watch.server, number) for number in range(3)]
    rows = []
    for what, of in (("MB", "mb"), ("open files", "files"), ("threads", "threads")):
        values = [statistics.median(getattr(each, of) for each in third) for third in thirds]
        rows.append(
            (
                f"server: {what}",
                *(f"{value:.0f}" for value in values),
                f"{values[2] / values[1]:.3f}",
            )
        )
    for kind, runs in sorted(watch.jobs.items()):
        peaks = [max(each.mb for each in samples) for samples in runs.values()]
        files = [max(each.files for each in samples) for samples in runs.values()]
        if len(peaks) > 1:
            half = len(peaks) // 2
            for what, values in (("MB at most", peaks), ("open files at most", files)):
                first, last = (statistics.median(part) for part in (values[:half], values[half:]))
                rows.append(
                    (
                        f"{kind}, {len(values)} jobs: {what}",
                        f"{first:.0f}",
                        "",
                        f"{last:.0f}",
                        f"{last / first:.3f}",
                    )
                )
    for kind, silent in sorted(watch.silences.items()):
        rows.append((f"{kind}: longest time at a full bar", "", "", f"{silent:.1f} s", ""))
    course = [part for part in np.array_split([each.mb for each in watch.server], 12) if part.size]
    rows.append(
        ("server: MB, twelve parts", " ".join(f"{np.median(p):.0f}" for p in course), "", "", "")
    )
    rows.append(("rounds of all pages", str(watch.rounds), "", "", ""))
    rows.append(("errors on pages", str(len(watch.troubles)), "", "", ""))
    rows += [(f"  {each[:100]}", "", "", "", "") for each in sorted(set(watch.troubles))[:5]]
    return rows


def _third(samples: list[Sample], number: int) -> list[Sample]:
    size = max(1, len(samples) // 3)
    return samples[number * size : (number + 1) * size] or samples[-1:]
