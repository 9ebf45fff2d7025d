"""The command `./run api` as a process: the examples of docs/api.md, by curl."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile

from core.workspace import PROJECT_FOLDER

PAGE = (PROJECT_FOLDER / "docs/api.md").read_text(encoding="utf-8")
CURL_LINES = re.findall(r"^    (curl .*)$", PAGE, re.MULTILINE)


@pytest.fixture(scope="module")
def server_url(measured_workspace: Path) -> Iterator[str]:
    """The address of a server at a free port."""
    environment = {**os.environ, "EARSHOT_WORKSPACE": str(measured_workspace)}
    environment.pop("EARSHOT_API_TOKEN", None)
    script = (
        "import core.cli.commands.serve_api as c, sys; from core.cli import main;"
        " c.parse_positive_int = int; sys.exit(main(['api', '--port', '0']))"
    )
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", script],
        stderr=subprocess.PIPE,
        text=True,
        env={**environment, "PYTHONPATH": str(PROJECT_FOLDER)},
    )
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if match := re.search(r"http://[0-9.]+:[0-9]+", line):
                yield match[0]
                break
        else:
            pytest.fail("The server ended.")
    finally:
        process.terminate()
        process.wait(timeout=30)
        process.stderr.close()


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_examples_of_the_page_run(server_url: str, tmp_path: Path):
    answers = {}
    for line in CURL_LINES:
        url = re.search(r"http://127\.0\.0\.1:8600/v1/(\w+)", line)
        assert url, line
        arguments = shlex.split(line.replace("http://127.0.0.1:8600", server_url))
        run = subprocess.run(
            [*arguments, "--silent", "--show-error"], cwd=tmp_path, capture_output=True, timeout=120
        )
        assert run.returncode == 0, (line, run.stdout, run.stderr)
        if run.stdout:
            answers[url[1]] = json.loads(run.stdout)
    assert set(answers) == set(re.findall(r"^\| `\w+ /v1/(\w+)`", PAGE, re.MULTILINE))
    statuses = [item["status"] for item in answers["predict"]["predictions"]]
    assert statuses == ["ok", "no_sound"]
    assert len(answers["suggest"]["picks"]) == len(answers["rank"]["ranking"]) == 2
    assert soundfile.info(str(tmp_path / "clip.flac")).duration == 2
    assert len(answers["search"]["neighbours"]) == 3
    assert answers["render"]["seconds"] == 2
