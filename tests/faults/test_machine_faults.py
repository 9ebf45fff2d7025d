"""Faults of the machine: full disk, read-only folder, damaged files, clock, encoder, memory."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import time
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from core import jobs
from core.corpus import Corpus
from core.encoders import find_encoder_spec
from core.errors import EarshotError
from core.jobs import Job
from core.programs import Program
from tests.faults.conftest import ReferenceRun
from tests.faults.corpus_state import (
    assert_intact,
    digest_stage_result,
    list_finished_work,
)
from tests.faults.fault_injection import VARIABLE
from tests.faults.fork_server_client import ForkServer
from tests.faults.job_control import make_rng, wait_for_job
from tests.faults.stages import (
    AUDIO_ENCODER,
    BUILD,
    CODE_ENCODER,
    CORPUS_NAME,
    PROGRAM_COUNT,
    STAGES,
    build_stage_command,
)

# The fork server runs these, because only its forks see the small disk.
COPY_TO_EMPTY_DISK_CODE = """
import os, shutil, sys
source, destination, disk = sys.argv[1:]
for name in os.listdir(disk):
    path = os.path.join(disk, name)
    shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
shutil.copytree(source, destination)
"""
FILL_DISK_CODE = """
import os, sys
disk, free_bytes = sys.argv[1], int(sys.argv[2])
with open(os.path.join(disk, "filler"), "wb", buffering=0) as filler:
    status = os.statvfs(disk)
    filler.write(bytes(max(0, status.f_bavail * status.f_frsize - free_bytes)))
"""
FREE_DISK_CODE = """
import os, sys
os.unlink(os.path.join(sys.argv[1], "filler"))
"""
LIST_FINISHED_WORK_CODE = """
import json
from tests.faults.corpus_state import assert_intact, list_finished_work
assert_intact()
print(json.dumps(sorted(list_finished_work())))
"""
DIGEST_CODE = """
import json, sys
from pathlib import Path
from tests.faults.corpus_state import digest_stage_result
print(json.dumps(digest_stage_result(sys.argv[1], Path(sys.argv[2]))))
"""
# Bytes left on the disk when a stage begins: each starts its work and does not complete it.
FREE_BYTES = {"build": 1_200_000, "import": 60_000, "export": 30_000}
DEFAULT_FREE_BYTES = 8192
DATABASE_PAGE_BYTES = 16_384
DAMAGE_BYTES = 200
DAMAGE_COUNT = 6
EMBEDDING_COUNT, STORED_COUNT, EMBEDDING_DIM = 10_000, 9_000, 8


@pytest.mark.fault("A full disk (a small tmpfs) during each stage")
@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_that_filled_the_disk_is_completed_later(
    fork_server: ForkServer,
    reference_run: ReferenceRun,
    monkeypatch: pytest.MonkeyPatch,
    stage: str,
) -> None:
    disk, workspace = str(fork_server.small_disk), fork_server.small_disk / stage
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(workspace))
    source = str(reference_run.get_workspace_before(stage))
    fork_server.run_successfully(["python", COPY_TO_EMPTY_DISK_CODE, source, str(workspace), disk])
    free_bytes = str(FREE_BYTES.get(stage, DEFAULT_FREE_BYTES))
    fork_server.run_successfully(["python", FILL_DISK_CODE, disk, free_bytes])

    def list_work_on_disk() -> set[tuple[str, str]]:
        output = fork_server.run_successfully(["python", LIST_FINISHED_WORK_CODE])
        return {(kind, unit_id) for kind, unit_id in json.loads(output)}

    work_before = list_work_on_disk()
    argv = build_stage_command(stage, workspace)
    process = fork_server.run(argv)
    output = process.stdout + process.stderr
    assert process.returncode == 1 and "Traceback" not in output, output
    assert "isk" in output and ("full" in output or "No space left" in output), output
    assert work_before <= list_work_on_disk()
    fork_server.run_successfully(["python", FREE_DISK_CODE, disk])
    fork_server.run_successfully(argv)
    digests = fork_server.run_successfully(["python", DIGEST_CODE, stage, str(workspace)])
    assert json.loads(digests) == reference_run.digests[stage]


@pytest.mark.fault("A read-only workspace in each stage")
@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_names_the_remedy_for_a_read_only_workspace(
    fork_server: ForkServer, reference_run: ReferenceRun, stage: str
) -> None:
    workspace = fork_server.read_only_view / reference_run.get_workspace_before(stage).name
    argv = build_stage_command(stage, workspace)
    process = fork_server.run(argv, EARSHOT_WORKSPACE=str(workspace))
    output = process.stdout + process.stderr
    assert process.returncode == 1 and "Traceback" not in output, output
    assert re.search("(cannot|can't) be written", output) and "EARSHOT_WORKSPACE" in output


@pytest.mark.fault("Reading, checking and exporting in a read-only workspace")
def test_a_read_only_workspace_is_checked_exported_and_evaluated(
    fork_server: ForkServer, reference_run: ReferenceRun, tmp_path: Path
) -> None:
    workspace = fork_server.read_only_view / reference_run.get_workspace_after("map").name
    environment = {"EARSHOT_WORKSPACE": str(workspace), "EARSHOT_READ_ONLY": "1"}
    output = fork_server.run_successfully(["check", CORPUS_NAME], **environment)
    assert "no faults found" in output
    export_path = str(tmp_path / "x.parquet")
    export = ["export", CORPUS_NAME, "--format", "parquet", "--out", export_path]
    fork_server.run_successfully(export, **environment)
    output = fork_server.run_successfully(["evaluate", CORPUS_NAME, "--json"], **environment)
    assert len(output.splitlines()) > 10


@pytest.fixture
def built_corpus(reference_run: ReferenceRun, workspace: Path) -> Corpus:
    shutil.copytree(reference_run.get_workspace_after("build"), workspace)
    return Corpus.open(CORPUS_NAME)


@pytest.mark.fault("A damaged page of the SQLite database, chosen at random", each=DAMAGE_COUNT)
def test_a_damaged_database_is_repaired_and_completed(
    fork_server: ForkServer, reference_run: ReferenceRun, workspace: Path
) -> None:
    rng, expected_work = make_rng("page"), None
    for _ in range(DAMAGE_COUNT):
        shutil.rmtree(workspace, ignore_errors=True)
        shutil.copytree(reference_run.get_workspace_after("import"), workspace)
        path = workspace / "corpora" / CORPUS_NAME / "corpus.sqlite"
        content = bytearray(path.read_bytes())
        page = rng.randrange(1, len(content) // DATABASE_PAGE_BYTES)
        start = page * DATABASE_PAGE_BYTES + rng.choice((0, 8))
        content[start : start + DAMAGE_BYTES] = rng.randbytes(DAMAGE_BYTES)
        path.write_bytes(content)
        process = fork_server.run(["check", CORPUS_NAME])
        output = process.stdout + process.stderr
        assert process.returncode == 1 and "Traceback" not in process.stderr, output
        # The remedy of the message. The rows of the damaged page are then built and imported again.
        repair = fork_server.run(["check", CORPUS_NAME, "--repair"])
        assert "Traceback" not in repair.stderr, repair.stderr
        if "Move that file away" in repair.stderr:  # The page held the settings.
            path.unlink()
        fork_server.run_successfully(build_stage_command("build", workspace))
        fork_server.run_successfully(build_stage_command("import", workspace))
        assert_intact()
        work = sorted(list_finished_work())
        expected_work = expected_work or work
        assert work == expected_work
        fork_server.run_successfully(["check", CORPUS_NAME])
    kinds = {kind for kind, _ in expected_work or []}
    assert kinds >= {"program", "clip", CODE_ENCODER, AUDIO_ENCODER}


@pytest.mark.fault("A truncated clip, a missing clip and an incomplete file", each=3)
def test_damaged_clips_are_reported_and_rendered_again(
    fork_server: ForkServer, built_corpus: Corpus, reference_run: ReferenceRun, workspace: Path
) -> None:
    truncated, missing = (Path(path) for path in built_corpus.load_programs()["audio"][:2])
    truncated.write_bytes(truncated.read_bytes()[:1000])
    missing.unlink()
    (missing.parent / ".partial-abc").write_bytes(b"fLaC half of it")
    process = fork_server.run(["check", CORPUS_NAME])
    assert process.returncode == 1
    for message in ("1000 bytes instead of", "the clip's file is missing", "never finished"):
        assert message in process.stdout
    fork_server.run_successfully(BUILD)
    reference_run.assert_same_result("build", workspace)


@pytest.mark.fault("A truncated alignment file")
def test_a_truncated_alignment_is_reported_and_trained_again(
    fork_server: ForkServer, reference_run: ReferenceRun, workspace: Path
) -> None:
    shutil.copytree(reference_run.get_workspace_after("map"), workspace)
    (record,) = Corpus.open(CORPUS_NAME).load_alignments()
    heads = record.path / "heads.safetensors"
    heads.write_bytes(heads.read_bytes()[:100])
    process = fork_server.run(["map", CORPUS_NAME])
    assert process.returncode == 1 and "train it again" in process.stderr, process.stderr
    shutil.rmtree(record.path)
    fork_server.run_successfully(build_stage_command("train", workspace))
    fork_server.run_successfully(build_stage_command("map", workspace))
    reference_run.assert_same_result("map", workspace)


@pytest.mark.fault("A clock that goes backwards, for the job and for its observer")
def test_a_clock_that_goes_backwards_does_not_disturb_a_job_or_its_progress(
    fork_server: ForkServer,
    reference_run: ReferenceRun,
    workspace: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shutil.copytree(reference_run.get_workspace_before("build"), workspace)
    job = fork_server.start_job(BUILD, "clock-backwards")
    read_clock, readings = time.time, count()
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: read_clock() - 1800 * (next(readings) % 3))
        while (job := jobs.get_job(job.id)).is_active:
            assert_progress_is_plausible(job)
            time.sleep(0.02)
        assert job.state == "done", job.error
        assert job.elapsed_seconds is not None and 0 < job.elapsed_seconds < 600
    reference_run.assert_same_result("build", workspace)


def assert_progress_is_plausible(job: Job) -> None:
    assert job.state in ("queued", "running")
    assert (job.elapsed_seconds or 0) >= 0 and job.progress.idle_s >= 0
    assert (job.progress.rate or 0) >= 0 and (job.progress.remaining_s or 0) >= 0
    assert 0 <= job.progress.finished_fraction <= 1


@pytest.mark.fault("10,000 embeddings that are not finite or have the wrong dimension")
@pytest.mark.parametrize(
    "fault, message",
    [("NaN", "not finite for 1429 of 10000"), ("wrong dimension", "dimensions")],
)
def test_faulty_embeddings_are_refused_and_change_nothing(fault: str, message: str) -> None:
    programs = [Program(f"play {number}", f"typed-{number}") for number in range(EMBEDDING_COUNT)]
    corpus = Corpus.create("many")
    corpus.add_programs(programs)
    program_ids = [program.id for program in programs]
    assert len(set(program_ids)) == EMBEDDING_COUNT
    revision = find_encoder_spec(CODE_ENCODER).revision
    embeddings = np.ones((EMBEDDING_COUNT, EMBEDDING_DIM), np.float32)
    stored_ids = program_ids[:STORED_COUNT]
    corpus.store_embeddings(CODE_ENCODER, revision, stored_ids, embeddings[:STORED_COUNT])
    dim = EMBEDDING_DIM + (fault == "wrong dimension")
    faulty_embeddings = np.ones((EMBEDDING_COUNT, dim), np.float32)
    if fault == "NaN":
        faulty_embeddings[::7] = np.nan
    with pytest.raises(EarshotError, match=message):
        corpus.store_embeddings(CODE_ENCODER, revision, program_ids, faulty_embeddings)
    loaded_ids, loaded_embeddings = corpus.load_embeddings(CODE_ENCODER)
    assert loaded_ids == stored_ids and (loaded_embeddings == 1).all()
    corpus.store_embeddings(CODE_ENCODER, revision, program_ids, embeddings)
    assert len(corpus.load_embeddings(CODE_ENCODER)[0]) == EMBEDDING_COUNT
    corpus.close()


@pytest.mark.fault("An encoder that fails on one item, with an error or with NaN")
@pytest.mark.parametrize("fault", ["embed-nan", "embed-error"])
def test_an_encoder_that_fails_on_one_item_leaves_out_only_that_item(
    fork_server: ForkServer, reference_run: ReferenceRun, workspace: Path, fault: str
) -> None:
    shutil.copytree(reference_run.get_workspace_before("build"), workspace)
    output = fork_server.run_successfully(BUILD, **{VARIABLE: f"{fault} 4"})
    assert_intact()
    digests = digest_stage_result("build", workspace)
    assert digests["programs"] == reference_run.digests["build"]["programs"]
    # A build retries the item at its end, so that one failed call may leave nothing out.
    embedded_ids, _ = Corpus.open(CORPUS_NAME).load_embeddings(AUDIO_ENCODER)
    assert len(embedded_ids) >= PROGRAM_COUNT - 1, output
    fork_server.run_successfully(BUILD)
    reference_run.assert_same_result("build", workspace)


@pytest.mark.fault("Out of memory in a render worker")
def test_a_build_whose_workers_lack_memory_is_completed_later(
    fork_server: ForkServer, reference_run: ReferenceRun, workspace: Path
) -> None:
    shutil.copytree(reference_run.get_workspace_before("build"), workspace)
    process = fork_server.run(BUILD, **{VARIABLE: "workers-out-of-memory"})
    assert process.returncode == 1 and "Traceback" not in process.stderr, process.stderr
    assert "renderer ended" in process.stderr or "has a clip" in process.stderr
    fork_server.run_successfully(BUILD)
    reference_run.assert_same_result("build", workspace)


@pytest.mark.fault("Out of memory in the job")
def test_a_build_that_runs_out_of_memory_is_completed_later(
    fork_server: ForkServer, reference_run: ReferenceRun, workspace: Path
) -> None:
    shutil.copytree(reference_run.get_workspace_before("build"), workspace)
    job = wait_for_job(fork_server.start_job(BUILD, "embed-out-of-memory 4"))
    assert job.state == "failed" and job.error is not None, job
    assert job.error.message == "Memory ran out." and job.error.remedy is not None, job.error
    assert "finished work is kept" in job.error.remedy
    assert_intact()
    assert sum(kind == "clip" for kind, _ in list_finished_work()) >= 3
    assert wait_for_job(fork_server.start_job(BUILD)).state == "done"
    reference_run.assert_same_result("build", workspace)


@pytest.mark.fault("A damaged page of the database's write-ahead log after a killed writer")
def test_a_damaged_write_ahead_log_loses_at_most_the_last_commit(built_corpus: Corpus) -> None:
    built_corpus.close()
    path = built_corpus.path / "corpus.sqlite"
    log_path = Path(f"{path}-wal")
    finished_work = list_finished_work()
    writer = sqlite3.connect(path)
    writer.execute("INSERT OR REPLACE INTO meta VALUES ('x', '1')")
    writer.commit()
    log, database = log_path.read_bytes(), path.read_bytes()
    writer.close()
    path.write_bytes(database)
    log_path.write_bytes(log[:40] + b"\xff" * 100 + log[140:])
    assert list_finished_work() == finished_work
    assert_intact()
