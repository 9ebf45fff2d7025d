"""Browser test of the page Jobs: start, queue, show on every page, cancel, resume, remove."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from core import jobs
from tests.e2e import page_steps
from tests.e2e.conftest import PATIENCE_MS, PROJECT, Dashboard

pytestmark = pytest.mark.timeout(900)

PROGRAM = [sys.executable, "-P", str(PROJECT / "tests" / "unit" / "jobs" / "jobs_program.py")]
OTHER_PAGES = ("Generate", "Corpus", "Map", "Listen", "Studies")


@pytest.fixture
def release_file(stocked: Dashboard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A file for which a running job waits; jobs that are started before are queued."""
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(stocked.workspace))
    monkeypatch.delenv("EARSHOT_JOB", raising=False)
    path = tmp_path / "go"
    job = jobs.start_job(["wait", str(path), "heavy"], "Block the queue", command_prefix=PROGRAM)
    yield path
    path.touch()
    jobs.get_job(job.id).cancel(request_grace_s=0)


def locate_job(page: Page, job: jobs.Job) -> Locator:
    """Return where a job is drawn, whether it is active or ended."""
    return page.locator(f".st-key-job-{job.id}, .st-key-ended-{job.id}")


def find_newest(command: str) -> jobs.Job:
    return next(job for job in jobs.list_jobs() if job.argv[0] == command)


def test_a_job_is_queued_shown_cancelled_resumed_and_removed(
    stocked: Dashboard, release_file: Path, page: Page
) -> None:
    # Start a job while another one runs.
    page.goto(f"{stocked.url}?corpus=starter")
    page_steps.wait_until_settled(page)
    page_steps.open_page(page, "Corpus")
    page.get_by_role("button", name="Check", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Check", exact=True).click()
    expect(page.get_by_text("Next in the queue").first).to_be_visible()
    job = find_newest("check")

    # Every page shows both jobs, also after a reload.
    for name in OTHER_PAGES:
        page_steps.open_page(page, name)
        sidebar = page.get_by_test_id("stSidebar")
        expect(sidebar.get_by_text("Block the queue · running")).to_be_visible()
        expect(sidebar.get_by_text("Check starter · Next in the queue")).to_be_visible()
    page.get_by_test_id("stSidebar").get_by_role("link", name="All jobs").click()
    page_steps.wait_until_settled(page)
    for _ in range(2):
        panel = locate_job(page, job)
        expect(panel.get_by_text("Next in the queue")).to_be_visible()
        expect(panel.get_by_text("Waiting for", exact=False)).to_be_visible()
        page.reload()
        page_steps.wait_until_settled(page)

    # Cancel asks first.
    panel.get_by_role("button", name="Cancel").click()
    expect(panel.get_by_text("Stop this job? Finished work is kept")).to_be_visible()
    panel.get_by_role("button", name="Keep running").click()
    panel.get_by_role("button", name="Cancel").click()
    panel.get_by_role("button", name="Stop job").click()
    expect(panel.get_by_text("Cancelled")).to_be_visible()
    assert jobs.get_job(job.id).state == "cancelled"

    # After Resume it is queued again, runs, and its log shows the result.
    panel.get_by_role("button", name="Resume").click()
    expect(page.get_by_text("Next in the queue").first).to_be_visible()
    resumed = find_newest("check")
    assert resumed.id != job.id and resumed.argv == job.argv
    release_file.touch()
    panel = locate_job(page, resumed)
    expect(panel.get_by_text("Done", exact=True)).to_be_visible(timeout=PATIENCE_MS)
    page_steps.wait_until_settled(page)
    ended = page.locator(f".st-key-ended-{resumed.id}")
    ended.get_by_text("Log", exact=True).first.click()
    expect(ended.get_by_text("no faults found").first).to_be_visible()

    # Remove.
    for ended_job in (resumed, job):
        locate_job(page, ended_job).get_by_role("button", name="Remove").click()
        expect(locate_job(page, ended_job)).to_have_count(0)
    assert not {resumed.id, job.id} & {remaining.id for remaining in jobs.list_jobs()}
