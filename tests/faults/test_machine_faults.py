"""Faults of the machine: a full disk, a folder that can't be written, damage, clocks, memory."""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from pathlib import Path

import numpy as np
import pytest

from core import jobs
from core.corpus import Corpus
from core.encoders import find_encoder_spec
from core.errors import EarshotError
from core.programs import Program
from tests.faults.conftest import (
    AUDIO,
    BUILD,
    CODE,
    NAME,
    PROGRAMS,
    STAGES,
    command,
    content,
    dice,
    ended,
    finished,
    same,
    whole,
)

# Run by the nursery, where the small disk is.
FILL = """
import os, sys
place, left = sys.argv[1], int(sys.argv[2])
with open(os.path.join(place, "filler"), "wb", buffering=0) as filler:
    room = os.statvfs(place)
    filler.write(bytes(max(0, room.f_bavail * room.f_frsize - left)))
"""
MEASURE = """
import json
from tests.faults.conftest import finished, whole
whole()
print(json.dumps(sorted(finished())))
"""
MATCHES = """
import json, sys
from pathlib import Path
from tests.faults.conftest import content, exported
found = content()
if sys.argv[1] == "export":
    found["export"] = exported(Path(sys.argv[2]))
print(json.dumps(found))
"""
COPY = """
import os, shutil, sys
for name in os.listdir(sys.argv[3]):
    each = os.path.join(sys.argv[3], name)
    shutil.rmtree(each) if os.path.isdir(each) else os.unlink(each)
shutil.copytree(sys.argv[1], sys.argv[2])
"""
REMOVE = "import os, sys; os.unlink(sys.argv[1])"
# Bytes that are left on the disk when a stage begins.
LEFT = {"build": 1_200_000, "import": 60_000, "export": 30_000}


@pytest.mark.fault("A full disk (a small tmpfs) during each stage")
@pytest.mark.parametrize("stage", STAGES)
def test_a_full_disk(nursery, undisturbed, monkeypatch: pytest.MonkeyPatch, stage):
    place = nursery.disk / stage
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(place))
    disk = str(nursery.disk)
    nursery.done(["python", COPY, str(undisturbed.before(stage)), str(place), disk])
    nursery.done(["python", FILL, disk, str(LEFT.get(stage, 8192))])

    def there() -> set[tuple]:
        return {tuple(each) for each in json.loads(nursery.done(["python", MEASURE]))}

    had = there()
    argv = command(stage, place)
    ran = nursery.run(argv)
    said = ran.stdout + ran.stderr
    assert ran.returncode == 1 and "Traceback" not in said, said
    assert "isk" in said and ("full" in said or "No space left" in said), said
    assert had <= there()
    nursery.done(["python", REMOVE, f"{disk}/filler"])
    nursery.done(argv)
    made = json.loads(nursery.done(["python", MATCHES, stage, str(place)]))
    assert made == undisturbed.content[stage]


@pytest.mark.fault("A read-only workspace in each stage")
@pytest.mark.parametrize("stage", STAGES)
def test_a_workspace_that_can_only_be_read(nursery, undisturbed, stage):
    place = nursery.shown / undisturbed.before(stage).name
    ran = nursery.run(command(stage, place), EARSHOT_WORKSPACE=str(place))
    said = ran.stdout + ran.stderr
    assert ran.returncode == 1 and "Traceback" not in said, said
    assert "can't be written" in said and "EARSHOT_WORKSPACE" in said


@pytest.mark.fault("Reading, checking and exporting in a read-only workspace")
def test_what_can_only_be_read_is_read(nursery, undisturbed, tmp_path: Path):
    place = nursery.shown / undisturbed.after("map").name
    only = {"EARSHOT_WORKSPACE": str(place), "EARSHOT_READ_ONLY": "1"}
    assert "no faults found" in nursery.done(["check", NAME], **only)
    nursery.done(
        ["export", NAME, "--format", "parquet", "--out", str(tmp_path / "x.parquet")], **only
    )
    assert len(nursery.done(["evaluate", NAME, "--json"], **only).splitlines()) > 10


@pytest.fixture
def built(undisturbed, workspace: Path) -> Corpus:
    shutil.copytree(undisturbed.after("build"), workspace)
    return Corpus.open(NAME)


PAGE = 16_384


DAMAGED = 6


@pytest.mark.fault("A damaged page of the SQLite database, chosen at random", each=DAMAGED)
def test_a_damaged_page_of_the_database(nursery, undisturbed, workspace: Path):
    chance, had = dice("page"), None
    for _ in range(DAMAGED):
        shutil.rmtree(workspace, ignore_errors=True)
        shutil.copytree(undisturbed.after("import"), workspace)
        path = workspace / "corpora" / NAME / "corpus.sqlite"
        damaged = bytearray(path.read_bytes())
        start = chance.randrange(1, len(damaged) // PAGE) * PAGE + chance.choice((0, 8))
        damaged[start : start + 200] = chance.randbytes(200)
        path.write_bytes(damaged)
        ran = nursery.run(["check", NAME])
        assert ran.returncode == 1 and "Traceback" not in ran.stderr, ran.stdout + ran.stderr
        # What the message says to do; what was in the page itself is built and imported again.
        repaired = nursery.run(["check", NAME, "--repair"])
        assert "Traceback" not in repaired.stderr, repaired.stderr
        if "Move that file away" in repaired.stderr:  # the settings were in that page
            path.unlink()
        nursery.done(command("build", workspace))
        nursery.done(command("import", workspace))
        whole()
        assert sorted(finished()) == (had := had or sorted(finished()))
        nursery.done(["check", NAME])
    assert {kind for kind, *_ in had} >= {"program", "clip", CODE, AUDIO}


@pytest.mark.fault("A truncated clip, a missing clip and an incomplete file", each=3)
def test_a_truncated_and_a_half_written_clip(nursery, built: Corpus, undisturbed, workspace: Path):
    clip, other = (Path(p) for p in built.load_programs()["audio"][:2])
    clip.write_bytes(clip.read_bytes()[:1000])
    other.unlink()
    (other.parent / ".partial-abc").write_bytes(b"fLaC half of it")
    found = nursery.run(["check", NAME])
    assert found.returncode == 1
    for said in ("1000 bytes instead of", "the clip's file is missing", "never finished"):
        assert said in found.stdout
    nursery.done(BUILD)
    same("build", undisturbed, workspace)


@pytest.mark.fault("A truncated alignment file")
def test_a_truncated_alignment(nursery, undisturbed, workspace: Path):
    shutil.copytree(undisturbed.after("map"), workspace)
    (record,) = Corpus.open(NAME).load_alignments()
    heads = record.path / "heads.safetensors"
    heads.write_bytes(heads.read_bytes()[:100])
    found = nursery.run(["map", NAME])
    assert found.returncode == 1 and "train it again" in found.stderr, found.stderr
    shutil.rmtree(record.path)
    nursery.done(command("train", workspace))
    nursery.done(command("map", workspace))
    same("map", undisturbed, workspace)


@pytest.mark.fault("A clock that goes backwards, for the job and for its observer")
def test_a_clock_that_goes_backwards(
    nursery, undisturbed, workspace: Path, monkeypatch: pytest.MonkeyPatch
):
    shutil.copytree(undisturbed.before("build"), workspace)
    job = nursery.start(BUILD, "backwards")
    real = time.time
    looks = iter(range(1_000_000))
    monkeypatch.setattr(time, "time", lambda: real() - 1800 * (next(looks) % 3))
    while (now := jobs.get_job(job.id)).is_active:
        assert now.state in ("queued", "running")
        assert (now.elapsed_seconds or 0) >= 0 and now.progress.idle_s >= 0
        assert (now.progress.rate or 0) >= 0 and (now.progress.remaining_s or 0) >= 0
        assert 0 <= now.progress.fraction <= 1
        time.sleep(0.02)
    assert now.state == "done", now.error
    assert 0 < now.elapsed_seconds < 600
    monkeypatch.undo()
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(workspace))
    same("build", undisturbed, workspace)


WRONG = {"not a number": "not finite for 1429 of 10000", "wrong dimension": "dimensions"}


@pytest.mark.fault("10,000 embeddings that are not finite or have the wrong dimension")
@pytest.mark.parametrize("kind", WRONG)
def test_ten_thousand_rows_that_are_wrong(kind):
    programs = [Program(f"play {number}", f"typed-{number}") for number in range(10_000)]
    many = Corpus.create("many")
    many.add_programs(programs)
    ids = [program.id for program in programs]
    assert len(set(ids)) == 10_000
    revision = find_encoder_spec(CODE).revision
    right = np.ones((10_000, 8), np.float32)
    many.put_embeddings(CODE, revision, ids[:9_000], right[:9_000])
    wrong = np.ones((10_000, 8 + (kind == "wrong dimension")), np.float32)
    if kind == "not a number":
        wrong[::7] = np.nan
    with pytest.raises(EarshotError, match=WRONG[kind]):
        many.put_embeddings(CODE, revision, ids, wrong)
    kept, vectors = many.load_embeddings(CODE)
    assert kept == ids[:9_000] and (vectors == 1).all()
    many.put_embeddings(CODE, revision, ids, right)
    assert len(many.load_embeddings(CODE)[0]) == 10_000
    many.close()


@pytest.mark.fault("An encoder that fails on one item, with an error or with NaN")
@pytest.mark.parametrize("how", ["fails", "refuses"])
def test_an_encoder_that_fails_on_one_item(nursery, undisturbed, workspace: Path, how):
    shutil.copytree(undisturbed.before("build"), workspace)
    # Tried again at the end, by the same build: so it has to fail twice.
    said = nursery.done(BUILD, DISTURBANCE=f"{how} 4")
    whole()
    assert content()["rows"] == undisturbed.content["build"]["rows"]
    assert len(Corpus.open(NAME).load_embeddings(AUDIO)[0]) >= PROGRAMS - 1, said
    nursery.done(BUILD)
    same("build", undisturbed, workspace)


@pytest.mark.fault("Out of memory in a render worker")
def test_memory_runs_out_in_a_worker(nursery, undisturbed, workspace: Path):
    shutil.copytree(undisturbed.before("build"), workspace)
    ran = nursery.run(BUILD, DISTURBANCE="cramped")
    assert ran.returncode == 1 and "Traceback" not in ran.stderr, ran.stderr
    assert "renderer ended" in ran.stderr or "has a clip" in ran.stderr
    nursery.done(BUILD)
    same("build", undisturbed, workspace)


@pytest.mark.fault("Out of memory in the job")
def test_memory_runs_out_in_the_job(nursery, undisturbed, workspace: Path):
    shutil.copytree(undisturbed.before("build"), workspace)
    job = ended(nursery.start(BUILD, "hungry 4"))
    assert job.state == "failed" and job.error.message == "Memory ran out.", job.error
    assert "what is finished is kept" in job.error.remedy
    whole()
    assert sum(kind == "clip" for kind, *_ in finished()) >= 3
    assert ended(nursery.start(BUILD)).state == "done"
    same("build", undisturbed, workspace)


@pytest.mark.fault("A damaged page of the database's write-ahead log after a killed writer")
def test_a_damaged_log_of_a_killed_writer(built: Corpus, undisturbed, workspace: Path):
    """What was committed last may be lost by that, never what was there before."""
    built.close()
    path = built.path / "corpus.sqlite"
    before = finished()
    writer = sqlite3.connect(path)
    writer.execute("INSERT OR REPLACE INTO meta VALUES ('x', '1')")
    writer.commit()
    log = Path(f"{path}-wal").read_bytes()
    database = path.read_bytes()
    writer.close()
    path.write_bytes(database)
    Path(f"{path}-wal").write_bytes(log[:40] + b"\xff" * 100 + log[140:])
    assert finished() == before
    whole()
