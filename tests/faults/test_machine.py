"""Faults of the machine: a folder that can't be written, damage, wrong numbers."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from core.corpus import Corpus
from core.encoders import entry
from core.errors import EarshotError
from core.programs import Program
from core.workspace import PROJECT
from tests.faults.conftest import BUILD, CODE, NAME, content, done, python, sound

BUILT = "import sys; from core.cli import main; sys.exit(main(sys.argv[1:]))"


@pytest.fixture
def built(undisturbed, workspace) -> Corpus:
    shutil.copytree(undisturbed.after["build"], workspace)
    return Corpus.open(NAME)


def test_a_workspace_that_can_only_be_read(built, undisturbed, workspace):
    mounted = ["bwrap", "--dev-bind", "/", "/", "--ro-bind", str(workspace), str(workspace)]
    read = "from core.corpus import Corpus; print(len(Corpus.open('tiny').programs()))"
    built.close()
    run = subprocess.run(
        [*mounted, sys.executable, "-c", read], cwd=PROJECT, capture_output=True, text=True
    )
    assert run.stdout == "12\n", run.stderr
    for argv in (BUILD, ["train", NAME]):
        run = subprocess.run(
            [*mounted, sys.executable, "-m", "core", *argv],
            cwd=PROJECT, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert run.returncode == 1 and "can't be written" in run.stderr, run.stderr
        assert "Traceback" not in run.stderr
    assert content() == undisturbed.content["build"]


def test_a_damaged_page_of_the_database(built, undisturbed):
    built.close()
    path = built.path / "corpus.sqlite"
    damaged = bytearray(path.read_bytes())
    for start in range(16_384, len(damaged), 16_384):
        damaged[start : start + 64] = b"\xa5" * 64
    path.write_bytes(damaged)
    run = python(BUILT, *BUILD)
    assert run.returncode == 1 and "damaged" in run.stderr and "build the corpus again" in run.stderr
    path.unlink()
    done(BUILD)
    assert content() == undisturbed.content["build"]


def test_a_truncated_and_a_half_written_clip(built, undisturbed):
    clip, other = (Path(p) for p in built.programs()["audio"][:2])
    clip.write_bytes(clip.read_bytes()[:1000])
    other.unlink()
    (other.parent / ".partial-abc").write_bytes(b"fLaC half of it")
    done(BUILD)
    assert not list(built.path.rglob(".partial-*"))
    sound()
    assert content() == undisturbed.content["build"]


WRONG = {"not a number": "not finite for 1429 of 10000", "wrong dimension": "dimensions"}


@pytest.mark.parametrize("kind", WRONG)
def test_ten_thousand_rows_that_are_wrong(kind):
    programs = [
        Program(f"play {number}", f"typed-{number}")
        for number in range(10_000)
    ]
    many = Corpus.create("many")
    many.add_programs(programs)
    ids = [program.id for program in programs]
    assert len(set(ids)) == 10_000
    revision = entry(CODE).revision
    right = np.ones((10_000, 8), np.float32)
    many.put_embeddings(CODE, revision, ids[:9_000], right[:9_000])
    wrong = np.ones((10_000, 8 + (kind == "wrong dimension")), np.float32)
    if kind == "not a number":
        wrong[::7] = np.nan
    with pytest.raises(EarshotError, match=WRONG[kind]):
        many.put_embeddings(CODE, revision, ids, wrong)
    kept, vectors = many.embeddings(CODE)
    assert kept == ids[:9_000] and (vectors == 1).all()
    many.put_embeddings(CODE, revision, ids, right)
    assert len(many.embeddings(CODE)[0]) == 10_000
    many.close()
