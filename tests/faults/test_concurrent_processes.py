"""Two at once: processes that build one corpus, commands that are one job, tabs and their buttons."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from core import jobs
from core.workspace import PROJECT_FOLDER
from tests.faults.conftest import (
    AUDIO,
    CODE,
    PER_TEMPLATE,
    TEMPLATES,
    ended,
    same,
)

# Not through the queue, which would let one wait: right at the corpus itself.
DIRECT = f"""
from core.errors import EarshotError
from core.pipeline.build import BuildOptions, ClipFormat, EncoderChoice, build_corpus
from core.pipeline.render_executor import LocalExecutor
try:
    build_corpus("tiny", BuildOptions({TEMPLATES!r}, {PER_TEMPLATE}),
                 EncoderChoice(code_encoder={CODE!r}, audio_encoder={AUDIO!r}), ClipFormat(0.5),
                 executor=LocalExecutor(1))
except EarshotError as error:
    sys.exit(f"refused: {{error}}")
"""


@pytest.mark.fault("Two processes that build the same corpus")
def test_two_processes_build_the_same_corpus(nursery, undisturbed, workspace):
    shutil.copytree(undisturbed.before("build"), workspace)
    pair = [
        subprocess.Popen(
            [*nursery.command, "python", DIRECT], cwd=PROJECT_FOLDER, stderr=-1, text=True
        )
        for _ in range(2)
    ]
    ends = [(each.communicate(timeout=120)[1], each.returncode) for each in pair]
    assert 0 in [status for _, status in ends], ends
    for said, status in ends:
        assert status == 0 or "is being written by process" in said
    same("build", undisturbed, workspace)


ASK = "import sys, json; from core import jobs; print(jobs.start_job(json.loads(sys.argv[1]), 'x').id)"


@pytest.mark.fault("The same command in several processes at the same moment", each=4)
def test_the_same_command_from_processes_at_once_is_one_job(nursery, workspace):
    argv = json.dumps(["build", "none-such", "--templates", "none-such"])
    asking = [
        subprocess.Popen(
            [*nursery.command, "python", ASK, argv], cwd=PROJECT_FOLDER, stdout=-1, text=True
        )
        for _ in range(4)
    ]
    ids = {each.communicate(timeout=120)[0].strip() for each in asking}
    assert [job.id for job in jobs.list_jobs()] == list(ids)
    assert ended(jobs.list_jobs()[0]).state == "failed"


@pytest.mark.fault("Two tabs that press the same button without seeing each other")
def test_two_tabs_press_the_same_button(workspace, monkeypatch: pytest.MonkeyPatch):
    from streamlit.testing.v1 import AppTest

    # Nothing is loaded ahead: Python 3.11 can't read syntax trees in two threads at once.
    monkeypatch.setattr("pages.components.prefetch.start_prefetch", lambda: None)
    monkeypatch.setenv("EARSHOT_STARTER_TEMPLATES", "02_1_beeps")
    monkeypatch.setenv("EARSHOT_STARTER_PER_TEMPLATE", "1")
    tabs = [
        AppTest.from_file(str(PROJECT_FOLDER / "app.py"), default_timeout=120).run() for _ in "12"
    ]
    # Drawn before either was pressed. One after the other, for two AppTests at once get in each
    # other's way; at the same moment press the processes of the test above.
    for tab in tabs:
        next(b for b in tab.button if b.label == "Build the starter corpus").click().run()
    (job,) = jobs.list_jobs()
    assert not any(tab.exception for tab in tabs)
    job.cancel(request_grace_s=0)
