"""`delete` asks, refuses while a corpus is used, and touches no other folder."""

from __future__ import annotations

import io
import json
import subprocess
from pathlib import Path

import pandas as pd
import pytest
import torch

import core.sonicpi
from core import cli, jobs
from core.corpus import Corpus, list_corpora
from core.jobs.heavy_command_queue import wait_for_queue_turn
from core.pipeline.import_embeddings import import_external_embeddings
from core.programs.program import Program
from tests.fake_rendering import compute_fake_render_id


class _Terminal(io.StringIO):
    """Standard input of somebody who types."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Corpus:
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.setattr(core.sonicpi, "compute_render_id", compute_fake_render_id)
    for name in ("beats", "beats-2"):
        Corpus.create(name, seconds=1).add_programs([Program("play 60\n", "one")])
    return Corpus.open("beats")


def test_it_deletes_what_is_confirmed_by_name_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for answer in ("", "\n", "yes\n", "beats-2\n"):
        monkeypatch.setattr("sys.stdin", _Terminal(answer))
        assert cli.main(["delete", "beats"]) == 1
        assert list_corpora() == ["beats", "beats-2"]
    assert "1 programs" in capsys.readouterr().err
    monkeypatch.setattr("sys.stdin", _Terminal("beats\n"))
    assert cli.main(["delete", "beats"]) == 0
    assert list_corpora() == ["beats-2"]
    assert cli.main(["delete", "beats", "--yes"]) == 1  # Twice.
    assert "There is no corpus 'beats'" in capsys.readouterr().err


def test_without_a_terminal_it_needs_yes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("beats\n"))
    assert cli.main(["delete", "beats"]) == 1
    assert "--yes" in capsys.readouterr().err and len(list_corpora()) == 2
    assert cli.main(["delete", "beats", "--yes", "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert (row["corpus"], row["programs"], row["clips"]) == ("beats", 1, 0)


def test_it_refuses_while_a_job_a_writer_or_a_terminal_command_uses_the_corpus(
    corpus: Corpus, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with wait_for_queue_turn(None, lambda _: None):  # Keeps the job in the queue.
        job = jobs.start_job(["train", "beats"], "Train beats")
        try:
            assert cli.main(["delete", "beats", "--yes"]) == 1
            assert f"used by job {job.id}: train beats" in capsys.readouterr().err
            assert cli.main(["delete", "beats-2", "--yes"]) == 0
        finally:
            jobs.get_job(job.id).cancel()
        monkeypatch.setattr("sys.argv", ["./run", "train", "beats"])
    with wait_for_queue_turn(None, lambda _: None):
        assert cli.main(["delete", "beats", "--yes"]) == 1
    assert "used by a command in a terminal" in capsys.readouterr().err
    with corpus.lock_for_writing("build beats"):
        assert cli.main(["delete", "beats", "--yes"]) == 1
    assert list_corpora() == ["beats"]


def test_it_stays_inside_the_workspace(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "elsewhere"
    subprocess.run(["cp", "-r", corpus.path, other], check=True)
    corpus.path.with_name("linked").symlink_to(other)
    for name in ("linked", "../../elsewhere", str(other), ".", ""):
        assert cli.main(["delete", name, "--yes"]) == 1, name
    assert (other / "corpus.sqlite").is_file() and len(list_corpora()) == 3
    monkeypatch.setenv("EARSHOT_READ_ONLY", "1")
    assert cli.main(["delete", "beats", "--yes"]) == 1
    assert len(list_corpora()) == 3


def test_it_deletes_the_embeddings_by_one_encoder_unless_they_are_in_use(
    corpus: Corpus, capsys: pytest.CaptureFixture[str]
) -> None:
    program_ids = list(corpus.load_programs()["program"])
    for name in ("own/code/wrong", "own/code/used"):
        table = f'program,vector\n{program_ids[0]},"[1, 2]"\n'.encode()
        import_external_embeddings(
            corpus, table, "code", name.removeprefix("own/code/"), file_name="vectors.tsv"
        )
    assert cli.main(["delete", "beats", "--embeddings", "own/code/wrong", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["embeddings"] == 1
    assert [name for name, _, _ in corpus.count_embeddings_by_encoder()] == ["own/code/used"]
    assert cli.main(["delete", "beats", "--embeddings", "own/code/wrong"]) == 1  # Twice.
    assert "It has those of: own/code/used" in capsys.readouterr().err
    heads = {"code.weight": torch.zeros(1, 2)}
    config = {"encoders": {"code": {"id": "own/code/used", "revision": "1", "dim": 2}}}
    alignment_id = corpus.save_alignment(config, heads, {}, pd.DataFrame({"epoch": [1]}))
    assert cli.main(["delete", "beats", "--embeddings", "own/code/used"]) == 1
    assert f"alignment {alignment_id} was trained on it" in capsys.readouterr().err
    corpus.set_corpus_setting("encoders", {"code": "own/code/used", "audio": "logmel"})
    assert cli.main(["delete", "beats", "--embeddings", "own/code/used"]) == 1
    assert "was built with own/code/used" in capsys.readouterr().err
    assert list_corpora() == ["beats", "beats-2"]
