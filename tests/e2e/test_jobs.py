"""The page Jobs in a real browser: start, see from every page, wait, cancel, go on, remove."""

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
ELSEWHERE = ("Generate", "Corpus", "Map", "Listen", "Studies")


@pytest.fixture
def holder(stocked: Dashboard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A job that has the turn until a file is there: what is started meanwhile waits."""
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(stocked.workspace))
    monkeypatch.delenv("EARSHOT_JOB", raising=False)
    go = tmp_path / "go"
    job = jobs.start_job(["wait", str(go), "heavy"], "Hold the turn", command_prefix=PROGRAM)
    yield go
    go.touch()
    jobs.get_job(job.id).cancel(request_grace_s=0)


def box(page: Page, job: jobs.Job) -> Locator:
    """Where a job is drawn: among what is active, or what has ended."""
    return page.locator(f".st-key-job-{job.id}, .st-key-ended-{job.id}")


def newest(kind: str) -> jobs.Job:
    return next(job for job in jobs.list_jobs() if job.argv[0] == kind)


def test_a_job_is_queued_shown_cancelled_resumed_and_removed(
    stocked: Dashboard, holder: Path, page: Page
) -> None:
    # Start one from a page; another has the turn.
    page.goto(f"{stocked.url}?corpus=starter")
    page_steps.settled(page)
    page_steps.open_page(page, "Corpus")
    page.get_by_role("button", name="Check", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Check", exact=True).click()
    expect(page.get_by_text("Next in the queue").first).to_be_visible()
    job = newest("check")

    # Every page says what runs and what waits; what is said survives a reload.
    for name in ELSEWHERE:
        page_steps.open_page(page, name)
        sidebar = page.get_by_test_id("stSidebar")
        expect(sidebar.get_by_text("Hold the turn · running")).to_be_visible()
        expect(sidebar.get_by_text("Check starter · Next in the queue")).to_be_visible()
    page.get_by_test_id("stSidebar").get_by_role("link", name="All jobs").click()
    page_steps.settled(page)
    for _ in range(2):
        mine = box(page, job)
        expect(mine.get_by_text("Next in the queue")).to_be_visible()
        expect(mine.get_by_text("Starts when the jobs before", exact=False)).to_be_visible()
        page.reload()
        page_steps.settled(page)

    # Cancelling asks first.
    mine.get_by_role("button", name="Cancel").click()
    expect(mine.get_by_text("Stop this job? Finished work is kept")).to_be_visible()
    mine.get_by_role("button", name="Keep running").click()
    mine.get_by_role("button", name="Cancel").click()
    mine.get_by_role("button", name="Stop job").click()
    expect(mine.get_by_text("Cancelled")).to_be_visible()
    assert jobs.get_job(job.id).state == "cancelled"

    # Gone on with, it waits again, gets its turn, and its log says what came of it.
    mine.get_by_role("button", name="Resume").click()
    expect(page.get_by_text("Next in the queue").first).to_be_visible()
    again = newest("check")
    assert again.id != job.id and again.argv == job.argv
    holder.touch()
    done = box(page, again)
    expect(done.get_by_text("Done", exact=True)).to_be_visible(timeout=PATIENCE_MS)
    page_steps.settled(page)
    ended = page.locator(f".st-key-ended-{again.id}")
    ended.get_by_text("Log", exact=True).first.click()
    expect(ended.get_by_text("no faults found").first).to_be_visible()

    # Removed, it is gone; what it checked stays.
    for each in (again, job):
        box(page, each).get_by_role("button", name="Remove").click()
        expect(box(page, each)).to_have_count(0)
    assert not {again.id, job.id} & {each.id for each in jobs.list_jobs()}
