"""Commands and jobs on a small real corpus: real Sonic Pi, real encoders, real processes."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core import jobs, workspace
from core.corpus import Corpus
from core.jobs import processes

TEMPLATES = ("02_1_beeps", "02_3_synths", "03_1_samples")
BUILD = ("--templates", *TEMPLATES, "--seconds", "1", "--preset", "offline")
PATIENCE_S = 300


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(workspace.PROJECT_FOLDER)}


def earshot(*argv: str, **options) -> subprocess.CompletedProcess:
    """Run a command as ./run does."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "core", *argv],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        **options,
    )


def until(true) -> None:
    end = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EARSHOT_WORKSPACE", str(tmp_path_factory.mktemp("workspace")))
        patch.delenv("EARSHOT_JOB", raising=False)
        yield workspace.get_workspace_root()
        for job in jobs.list_jobs():
            processes.kill_job_processes(job.folder)


@pytest.fixture(scope="module")
def built(home):
    """A corpus that a job has built."""
    job = jobs.start_job(["build", "beats", "--per-template", "6", *BUILD], "Build corpus beats")
    until(lambda: not jobs.get_job(job.id).is_active)
    return jobs.get_job(job.id)


@pytest.fixture(scope="module")
def trained(built):
    """The same corpus with an alignment, and what the command said."""
    done = earshot("train", "beats", "--epochs", "3", "--patience", "0", "--json")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_job_builds_a_corpus_and_reports_each_step(built):
    assert built.state == "done", built.log_tail()
    counts = Corpus.open("beats").count_programs_by_state()
    assert counts["programs"] == counts["ok"] == 18
    assert built.progress.steps and all(s.done == s.total for s in built.progress.steps)
    assert "18 programs" in built.log_tail()
    assert "18 clips to make: about 1 min and 1 MB as flac" in built.log_tail()


def test_training_prints_metrics_with_their_split_and_reading(trained):
    assert {"metric", "split", "reading", "value"} <= set(trained[0])
    assert {"validation", "test"} <= {row["split"] for row in trained}


def test_metrics_come_as_a_table_and_as_json(trained):
    assert [json.loads(line) for line in earshot("evaluate", "beats", "--json").stdout.splitlines()]
    text = earshot("evaluate", "beats").stdout
    assert "cka" in text and "test, " in text and "before" in text


def test_neighbours_of_a_snippet_on_standard_input(trained):
    done = earshot("neighbours", "beats", "--snippet", "-", "-k", "3", "--json", input="play 60")
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["rank"] for row in found] == [1, 2, 3]
    similarities = [row["similarity"] for row in found]
    assert similarities == sorted(similarities, reverse=True)
    known = set(Corpus.open("beats").load_programs()["program"])
    for row in found:
        assert set(row) == {"rank", "similarity", "program", "template", "audio"}
        assert row["program"] in known and row["template"] in TEMPLATES
        assert Path(row["audio"]).is_file()


def test_what_is_no_program_to_read_is_refused(trained, tmp_path: Path):
    (tmp_path / "sound.rb").write_bytes(b"\xff\xfe\x00play")
    done = earshot("neighbours", "beats", "--snippet", str(tmp_path / "sound.rb"))
    assert done.returncode == 1 and "sound.rb" in done.stderr and "Traceback" not in done.stderr


def test_the_map_is_laid_out(trained):
    done = earshot("map", "beats", "--json")
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rows) == 36 and {row["modality"] for row in rows} == {"code", "audio"}


def test_another_encoder_is_added_in_the_background(built):
    done = earshot("embed", "beats", "--audio-encoder", "log-mel", "--background")
    assert done.returncode == 0, done.stderr
    job_id = jobs.list_jobs()[0].id
    assert job_id in done.stdout
    followed = earshot("jobs", "follow", job_id)
    assert followed.returncode == 0 and "18 of clips" in followed.stdout
    assert ("log-mel", "audio", 18) in Corpus.open("beats").list_encoders()
    listed = [json.loads(line) for line in earshot("jobs", "--json").stdout.splitlines()]
    assert listed[0]["id"] == job_id and listed[0]["state"] == "done"


def test_rendering_tells_of_each_file_and_fails_if_one_does(tmp_path: Path):
    (tmp_path / "good one.rb").write_text("play 60\nsleep 1")
    (tmp_path / "bad.rb").write_text("play 60\nsleeep 1\n")
    done = earshot("render", str(tmp_path), "--out", str(tmp_path), "--seconds", "1", "--json")
    assert done.returncode == 1
    rows = {Path(row["file"]).name: row for row in map(json.loads, done.stdout.splitlines())}
    good, bad = rows["good one.rb"], rows["bad.rb"]
    wanted = {"file", "ok", "audio", "seconds", "rms", "peak", "render_s", "error"}
    assert wanted <= set(good) and good["ok"] and Path(good["audio"]).is_file()
    assert not bad["ok"] and bad["error"]["line"] == 2
    text = earshot("render", str(tmp_path), "--out", str(tmp_path), "--seconds", "1")
    assert text.returncode == 1
    assert "line 2" in text.stdout and "1 of 2 programs" in text.stderr


def test_rendering_reads_standard_input(tmp_path: Path):
    argv = ("render", "-", "--out", str(tmp_path), "--seconds", "1", "--format", "wav")
    assert earshot(*argv, input="play 60").returncode == 0
    assert [file.suffix for file in tmp_path.iterdir()] == [".wav"]


def clips(corpus: str) -> int:
    return Corpus.open(corpus).count_programs_by_state()["ok"]


def test_a_cancelled_build_keeps_what_it_did_and_goes_on(home):
    argv = ["build", "stopped", "--per-template", "8", *BUILD]
    job = jobs.start_job(argv, "Build corpus stopped")
    until(lambda: any(e["step"].startswith("Rendering") and e["done"] for e in job.read_events()[0]))
    job = jobs.get_job(job.id).cancel()
    kept = clips("stopped")
    assert kept > 0 and (job.state == "cancelled" or kept == 24), job.read_log_tail()
    assert processes.find_job_pids(job.folder) == []
    done = earshot(*argv, "--json")
    assert done.returncode == 0, done.stderr
    assert clips("stopped") == 24
    assert json.loads(done.stdout)["rendered"] <= 24 - kept


@pytest.fixture
def heard_ctrl_c():
    """A shell's background command has SIGINT ignored, and so have all that it starts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_ends_a_command_in_a_sentence(home, heard_ctrl_c):
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "core", "build", "short", "--per-template", "8", *BUILD],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    for line in process.stderr:
        if line.startswith("Rendering"):
            break
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, out) == (130, "")
    assert err.endswith("./run build: stopped.\n") and "Traceback" not in err


def test_a_failing_command_is_a_failed_job_that_says_why(home):
    job = jobs.start_job(["train", "nowhere"], "Train nowhere")
    until(lambda: not jobs.get_job(job.id).is_active)
    job = jobs.get_job(job.id)
    assert job.state == "failed" and "nowhere" in job.error.message
    followed = earshot("jobs", "follow", job.id)
    assert followed.returncode == 1 and "nowhere" in followed.stderr
