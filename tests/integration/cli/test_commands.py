"""Commands and jobs on a small corpus, with Sonic Pi, encoders and processes."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from core import jobs, workspace
from core.corpus import Corpus, delete_corpus
from core.jobs import Job, process_liveness_and_killing

TEMPLATES = ("02_1_beeps", "02_3_synths", "03_1_samples")
PRESET = ("--preset", "offline")
BUILD = ("--templates", *TEMPLATES, "--seconds", "1", *PRESET)
OWN_SONGS = (
    "use_synth :tb303\nplay 40, release: 1",
    "sample :bd_haus\nsleep 0.5\nsample :sn_dub",
    "use_synth :hollow\nplay_chord chord(:e3, :minor), sustain: 1",
    "play_pattern_timed scale(:c4, :major), 0.125",
)
TIMEOUT_S = 300


def make_environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(workspace.PROJECT_FOLDER)}


def run_in_process(*argv: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own, as ./run does."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "core", *argv],
        env=make_environment(),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        **options,
    )


def wait_until(is_true: Callable[[], object]) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while not is_true():
        assert time.monotonic() < deadline, "timed out"
        time.sleep(0.05)


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EARSHOT_WORKSPACE", str(tmp_path_factory.mktemp("workspace")))
        patch.delenv("EARSHOT_JOB", raising=False)
        yield workspace.get_workspace_root()
        for job in jobs.list_jobs():
            process_liveness_and_killing.kill_job_processes(job.folder)


@pytest.fixture(scope="module")
def built_job(home: Path) -> Job:
    """The job that built the corpus "beats"."""
    job = jobs.start_job(["build", "beats", "--per-template", "6", *BUILD], "Build corpus beats")
    wait_until(lambda: not jobs.get_job(job.id).is_active)
    return jobs.get_job(job.id)


@pytest.fixture(scope="module")
def trained_metrics(built_job: Job) -> list[dict[str, Any]]:
    """The metrics that training an alignment of the corpus prints."""
    done = run_in_process("train", "beats", "--epochs", "3", "--patience", "0", "--json")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_job_builds_a_corpus_and_reports_each_step(built_job: Job) -> None:
    assert built_job.state == "done", built_job.read_log_tail()
    counts = Corpus.open("beats").count_programs_by_state()
    assert counts["programs"] == counts["ok"] == 18
    assert built_job.progress.steps and all(s.done == s.total for s in built_job.progress.steps)
    assert "18 programs" in built_job.read_log_tail()
    # The time is a range: how fast this machine is now is learned from its own builds.
    pattern = r"18 clips to render: \w.* (s|min) and 1 MB as flac"
    assert re.search(pattern, built_job.read_log_tail())
    durations = json.loads((workspace.get_workspace_root() / "durations.json").read_text())
    assert durations["build"][-1]["measured"] > 0


def test_training_prints_metrics_with_split_and_comparison(
    trained_metrics: list[dict[str, Any]],
) -> None:
    assert {"metric", "split", "reading", "value"} <= set(trained_metrics[0])
    assert {"validation", "test"} <= {row["split"] for row in trained_metrics}


def test_metrics_are_printed_as_a_table_and_as_json(
    trained_metrics: list[dict[str, Any]],
) -> None:
    lines = run_in_process("evaluate", "beats", "--json").stdout.splitlines()
    assert [json.loads(line) for line in lines]
    text = run_in_process("evaluate", "beats").stdout
    assert "cka" in text and "test, " in text and "before" in text


def test_neighbours_of_a_snippet_on_standard_input(
    trained_metrics: list[dict[str, Any]],
) -> None:
    done = run_in_process(
        "neighbours", "beats", "--snippet", "-", "-k", "3", "--json", input="play 60"
    )
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["rank"] for row in rows] == [1, 2, 3]
    similarities = [row["similarity"] for row in rows]
    assert similarities == sorted(similarities, reverse=True)
    program_ids = set(Corpus.open("beats").load_programs()["program"])
    for row in rows:
        always = {"rank", "similarity", "corpus", "program", "template", "audio"}
        assert set(row) == always | {"aspects", "match"}  # Training has measured the clips.
        assert set(row["aspects"]) == {"timbre", "rhythm", "pitch", "level"}
        assert row["program"] in program_ids and row["template"] in TEMPLATES
        assert Path(row["audio"]).is_file()


def test_predict_prints_neighbours_and_says_how_to_measure_clips(
    trained_metrics: list[dict[str, Any]],
) -> None:
    done = run_in_process("predict", "-", "-k", "2", "--json", input="play 60")
    assert done.returncode == 0, done.stderr
    prediction = json.loads(done.stdout)
    assert (prediction["status"], prediction["corpus"]) == ("ok", "beats")
    assert [row["rank"] for row in prediction["neighbours"]] == [1, 2]
    assert prediction["forecast"] is None  # too few programs
    unweighted = {row["program"]: row["aspects"] for row in prediction["neighbours"]}
    done = run_in_process(
        *("predict", "-", "--json", "--aspect", "rhythm=9", "--aspect", "whole=0"), input="play 60"
    )
    assert done.returncode == 0, done.stderr
    nearest = json.loads(done.stdout)["neighbours"][0]
    assert all(nearest["aspects"]["rhythm"] >= row["rhythm"] for row in unweighted.values())
    done = run_in_process("predict", "-", "-k", "2", input="play 60")
    assert "./run embed beats --audio-encoder descriptors" in done.stdout
    done = run_in_process("predict", "-", "--json", input="# nothing")
    assert done.returncode == 3 and json.loads(done.stdout)["status"] == "no_sound"


def test_own_songs_are_searched_without_training_and_together_with_another_corpus(
    trained_metrics: list[dict[str, Any]], tmp_path: Path
) -> None:
    for number, song in enumerate(OWN_SONGS):
        (tmp_path / f"song-{number}.rb").write_text(song)
    done = run_in_process("import", "songs", str(tmp_path), "--seconds", "1", *PRESET)
    assert done.returncode == 0, done.stderr
    query = ("--snippet", "-", "-k", "9", "--json")
    done = run_in_process("neighbours", "songs", *query, input=OWN_SONGS[0])
    assert done.returncode == 0, done.stderr
    assert "of corpus 'beats', trained on" in done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rows) == 4 and {row["corpus"] for row in rows} == {"songs"}
    done = run_in_process(
        "neighbours", "--corpus", "beats", "--corpus", "songs", *query, input=OWN_SONGS[0]
    )
    both = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["rank"] for row in both] == list(range(1, 10))
    assert {row["corpus"] for row in both} == {"beats", "songs"}
    similarities = {row["program"]: row["similarity"] for row in rows}
    for row in both:  # One alignment: a clip has the same similarity in both searches.
        assert row["similarity"] == similarities.get(row["program"], row["similarity"])
    done = run_in_process(
        "predict", "-", "--corpus", "songs", "--corpus", "beats", "--json", input=OWN_SONGS[0]
    )
    assert {row["corpus"] for row in json.loads(done.stdout)["neighbours"]} <= {"beats", "songs"}
    done = run_in_process("neighbours", "--snippet", "-", input="play 60")
    assert done.returncode == 1 and "No corpus is named" in done.stderr
    delete_corpus(Corpus.open("songs"))


@pytest.mark.parametrize(
    ("snippet", "status", "line"),
    [('puts "hi"', "no_sound", None), ("import os\nfor i in x:\n    print(i)", "syntax", 2)],
)
def test_a_silent_snippet_exits_with_status_3(
    trained_metrics: list[dict[str, Any]], snippet: str, status: str, line: int | None
) -> None:
    done = run_in_process("neighbours", "beats", "--snippet", "-", "--json", input=snippet)
    assert done.returncode == 3
    (row,) = [json.loads(text) for text in done.stdout.splitlines()]
    assert (row["status"], row["line"]) == (status, line)
    assert row["message"].startswith("Nothing in this code would sound")
    done = run_in_process("neighbours", "beats", "--snippet", "-", input=snippet)
    assert done.returncode == 3 and not done.stdout
    assert "Nothing in this code would sound" in done.stderr


def test_a_snippet_with_a_syntax_error_is_predicted_from_the_part_before_it(
    trained_metrics: list[dict[str, Any]],
) -> None:
    snippet = "play 60\nplay 62,,"
    done = run_in_process("neighbours", "beats", "--snippet", "-", "-k", "2", input=snippet)
    assert done.returncode == 0 and "line 2: syntax error" in done.stderr


def test_a_snippet_that_is_not_text_is_refused(
    trained_metrics: list[dict[str, Any]], tmp_path: Path
) -> None:
    (tmp_path / "sound.rb").write_bytes(b"\xff\xfe\x00play")
    done = run_in_process("neighbours", "beats", "--snippet", str(tmp_path / "sound.rb"))
    assert done.returncode == 1 and "sound.rb" in done.stderr and "Traceback" not in done.stderr


def test_map_prints_its_points(trained_metrics: list[dict[str, Any]]) -> None:
    done = run_in_process("map", "beats", "--json")
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rows) == 36 and {row["modality"] for row in rows} == {"code", "audio"}


def test_another_encoder_is_added_in_the_background(built_job: Job) -> None:
    done = run_in_process("embed", "beats", "--audio-encoder", "musicnn", "--background")
    assert done.returncode == 0, done.stderr
    job_id = jobs.list_jobs()[0].id
    assert job_id in done.stdout
    followed = run_in_process("jobs", "follow", job_id)
    assert followed.returncode == 0 and "18 audio embeddings" in followed.stdout
    assert ("musicnn", "audio", 18) in Corpus.open("beats").count_embeddings_by_encoder()
    listed = [json.loads(line) for line in run_in_process("jobs", "--json").stdout.splitlines()]
    assert listed[0]["id"] == job_id and listed[0]["state"] == "done"


def test_render_prints_each_file_and_fails_if_one_fails(tmp_path: Path) -> None:
    (tmp_path / "good one.rb").write_text("play 60\nsleep 1")
    (tmp_path / "bad.rb").write_text("sleep 0.1\nsleeep 1\n")
    done = run_in_process(
        "render", str(tmp_path), "--out", str(tmp_path), "--seconds", "1", "--json"
    )
    assert done.returncode == 1
    rows = {Path(row["file"]).name: row for row in map(json.loads, done.stdout.splitlines())}
    good, bad = rows["good one.rb"], rows["bad.rb"]
    keys = {"file", "ok", "audio", "seconds", "rms", "peak", "render_s", "error"}
    assert keys <= set(good) and good["ok"] and Path(good["audio"]).is_file()
    assert not bad["ok"] and bad["error"]["line"] == 2
    text = run_in_process("render", str(tmp_path), "--out", str(tmp_path), "--seconds", "1")
    assert text.returncode == 1
    assert "line 2" in text.stdout and "1 of 2 programs" in text.stderr


def test_render_reads_standard_input(tmp_path: Path) -> None:
    argv = ("render", "-", "--out", str(tmp_path), "--seconds", "1", "--format", "wav")
    assert run_in_process(*argv, input="play 60").returncode == 0
    assert [file.suffix for file in tmp_path.iterdir()] == [".wav"]


def count_clips(corpus_name: str) -> int:
    return Corpus.open(corpus_name).count_programs_by_state()["ok"]


def test_a_cancelled_build_keeps_its_clips_and_resumes(home: Path) -> None:
    argv = ["build", "stopped", "--per-template", "8", *BUILD]
    job = jobs.start_job(argv, "Build corpus stopped")
    wait_until(
        lambda: any(
            e["step"].startswith("Rendering") and e["done"] for e in job.read_progress_events()[0]
        )
    )
    job = jobs.get_job(job.id).cancel()
    clip_count = count_clips("stopped")
    assert clip_count > 0 and (job.state == "cancelled" or clip_count == 24), job.read_log_tail()
    assert process_liveness_and_killing.find_job_pids(job.folder) == []
    done = run_in_process(*argv, "--json")
    assert done.returncode == 0, done.stderr
    assert count_clips("stopped") == 24
    report = json.loads(done.stdout)
    assert report["clips_rendered"] == report["rendered"] <= 24 - clip_count


@pytest.fixture
def _enable_sigint() -> Iterator[None]:
    """Handle SIGINT, which a shell's background command and all its children ignore."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_enable_sigint")
def test_ctrl_c_stops_a_command_with_one_message(home: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "core", "build", "short", "--per-template", "8", *BUILD],
        env=make_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    for line in process.stderr:
        if line.startswith("Rendering"):
            break
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=TIMEOUT_S)
    assert (process.returncode, out) == (130, "")
    assert err.endswith("./run build: stopped.\n") and "Traceback" not in err


def test_a_failing_command_is_a_failed_job_with_its_error(home: Path) -> None:
    job = jobs.start_job(["train", "nowhere"], "Train nowhere")
    wait_until(lambda: not jobs.get_job(job.id).is_active)
    job = jobs.get_job(job.id)
    assert job.state == "failed" and "nowhere" in job.error.message
    followed = run_in_process("jobs", "follow", job.id)
    assert followed.returncode == 1 and "nowhere" in followed.stderr


def test_figures_of_a_corpus_are_written_as_files(
    trained_metrics: list[dict[str, Any]], tmp_path: Path
) -> None:
    done = run_in_process(
        "figures", "beats", "--out", str(tmp_path / "out"), "--format", "svg", "pdf", "--json"
    )
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert {row["figure"] for row in rows} >= {"map", "metrics", "training"}
    assert all(Path(row["path"]).stat().st_size > 1000 for row in rows)
    unknown = run_in_process("figures", "beats", "--only", "maps")
    assert unknown.returncode == 1
    assert "no figure 'maps'" in unknown.stderr and "It has: map" in unknown.stderr
