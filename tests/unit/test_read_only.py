"""A workspace that is only shown: everything can be read and exported, nothing is changed."""

import pytest

from core import jobs
from core.corpus import Corpus
from core.corpus.removal import delete_corpus
from core.errors import EarshotError
from core.jobs import engine, record
from core.programs import Program
from core.stages.build import build
from core.stages.check import check
from core.stages.exporting import export
from core.stages.map import make_map
from core.stages.studies.running import run_study
from core.stages.sweep import sweep
from core.stages.train import train


@pytest.fixture
def shown(tmp_path, monkeypatch):
    """A corpus and a job in a workspace that is then only shown."""
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path / "workspace"))
    corpus = Corpus.create("tiny")
    corpus.add_programs([Program("play 60", "sixty")])
    folder = engine._make_folder(_made(tmp_path / "workspace" / "jobs"), ["build", "tiny"], "old")
    record.update(folder, lambda found: record.end("failed"))
    monkeypatch.setenv("EARSHOT_READ_ONLY", "1")
    return corpus


def _made(folder):
    folder.mkdir(parents=True)
    return folder


DEEDS = {
    "start a job": lambda: jobs.start(["build", "tiny"], "a build"),
    "go on with a job": lambda: jobs.again("1"),
    "remove a job": lambda: jobs.remove("1"),
    "cancel a job": lambda: jobs.job("1").cancel(),
    "make a corpus": lambda: Corpus.create("other"),
    "change a setting": lambda: Corpus.open("tiny").set_setting("a", 1),
    "add programs": lambda: Corpus.open("tiny").add_programs([Program("play 61", "other")]),
    "delete": lambda: delete_corpus("tiny"),
    "build": lambda: build("tiny", per_template=0, code_encoder="sonicpi", audio_encoder="log-mel"),
    "repair": lambda: check("tiny", repair=True),
    "train": lambda: train("tiny"),
    "map": lambda: make_map("tiny"),
    "sweep": lambda: sweep("tiny"),
    "study": lambda: run_study("umap", "tiny"),
    "keep an alignment": lambda: Corpus.open("tiny").save_alignment({}, {}, {}, None),
}


@pytest.mark.parametrize("deed", DEEDS)
def test_what_would_change_something_is_refused(shown, tmp_path, deed):
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(EarshotError, match="this workspace is only shown"):
        DEEDS[deed]()
    after = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    assert after == before


def test_reading_goes_on(shown, tmp_path):
    assert len(Corpus.open("tiny").programs()) == 1
    assert [job.id for job in jobs.jobs()] == ["00001-build"]
    assert [fault.kind for fault in check("tiny").faults] == ["not rendered"]
    assert export("tiny", "parquet", tmp_path / "out.parquet").is_file()
