"""Several at once: processes that build one corpus, equal commands, two tabs with one button."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from core import jobs
from core.workspace import PROJECT_FOLDER
from tests.faults.conftest import ReferenceRun
from tests.faults.fork_server_client import ForkServer
from tests.faults.job_control import wait_for_job
from tests.faults.stages import (
    AUDIO_ENCODER,
    CODE_ENCODER,
    CORPUS_NAME,
    PROGRAMS_PER_TEMPLATE,
    TEMPLATES,
)

PROCESS_TIMEOUT_S = 120
REQUEST_COUNT = 4
# Without the queue of jobs, which would let one process wait for the other.
BUILD_CODE = f"""
import sys
from core.errors import EarshotError
from core.pipeline.generate_and_add_missing_programs import BuildOptions
from core.pipeline.generate_render_and_embed_corpus import ClipFormat, EncoderChoice, build_corpus
from core.pipeline.executors import LocalExecutor
try:
    build_corpus(
        {CORPUS_NAME!r},
        BuildOptions({TEMPLATES!r}, {PROGRAMS_PER_TEMPLATE}),
        EncoderChoice(code_encoder={CODE_ENCODER!r}, audio_encoder={AUDIO_ENCODER!r}),
        ClipFormat(0.5),
        executor=LocalExecutor(1),
    )
except EarshotError as error:
    sys.exit(f"refused: {{error}}")
"""
START_JOB_CODE = """
import json, sys
from core import jobs
print(jobs.start_job(json.loads(sys.argv[1]), "a title").id)
"""


@pytest.mark.fault("Two processes that build the same corpus")
def test_one_of_two_processes_builds_a_corpus_and_the_other_is_refused(
    fork_server: ForkServer, reference_run: ReferenceRun, workspace: Path
) -> None:
    shutil.copytree(reference_run.get_workspace_before("build"), workspace)
    processes = [fork_server.open_process(BUILD_CODE, stderr=subprocess.PIPE) for _ in range(2)]
    results = [
        (process.communicate(timeout=PROCESS_TIMEOUT_S)[1], process.returncode)
        for process in processes
    ]
    assert 0 in [status for _, status in results], results
    for errors, status in results:
        assert status == 0 or "refused: " in errors and "is being written by process" in errors
    reference_run.assert_same_result("build", workspace)


@pytest.mark.fault("The same command in several processes at the same moment", each=REQUEST_COUNT)
def test_equal_commands_from_several_processes_are_one_job(
    fork_server: ForkServer, workspace: Path
) -> None:
    argv = json.dumps(["build", "none-such", "--templates", "none-such"])
    processes = [
        fork_server.open_process(START_JOB_CODE, argv, stdout=subprocess.PIPE)
        for _ in range(REQUEST_COUNT)
    ]
    job_ids = {process.communicate(timeout=PROCESS_TIMEOUT_S)[0].strip() for process in processes}
    assert [job.id for job in jobs.list_jobs()] == list(job_ids)
    assert wait_for_job(jobs.list_jobs()[0]).state == "failed"


@pytest.mark.fault("Two tabs that press the same button without seeing each other")
def test_the_same_button_in_two_tabs_starts_one_job(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from streamlit.testing.v1 import AppTest

    # Python 3.11 cannot read syntax trees in two threads at once, so nothing is prefetched.
    monkeypatch.setattr("pages.components.search_prefetch.start_search_prefetch", lambda: None)
    monkeypatch.setenv("EARSHOT_STARTER_TEMPLATES", "02_1_beeps")
    monkeypatch.setenv("EARSHOT_STARTER_PER_TEMPLATE", "1")
    app = str(PROJECT_FOLDER / "app.py")
    tabs = [AppTest.from_file(app, default_timeout=120).run() for _ in range(2)]
    # Both tabs were drawn before either button is pressed. They are pressed one after the other,
    # because two AppTests interfere with each other; the test above has concurrent requests.
    for tab in tabs:
        button = next(button for button in tab.button if button.label == "Build the starter corpus")
        button.click().run()
    (job,) = jobs.list_jobs()
    assert not any(tab.exception for tab in tabs)
    job.cancel(request_grace_s=0)
