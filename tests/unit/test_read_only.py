"""A workspace that is only shown: everything that would write refuses, and nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core import play_history, jobs, workspace
from core.corpus import Corpus, delete_corpus
from core.errors import EarshotError
from core.programs import Program
from core.sonicpi import Clip, RenderResult
from core.pipeline import gallery, import_programs
from core.pipeline.build import build_corpus
from core.pipeline.embed import embed_corpus
from core.workspace import PROJECT_FOLDER


@pytest.fixture
def shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with a corpus of one program and an ended job."""
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    Corpus.create("tiny").add_programs([Program("play 60\n", "one")])
    jobs.start_job(["jobs"], "List").cancel()
    monkeypatch.setenv("EARSHOT_READ_ONLY", "1")
    (tmp_path / "mine.rb").write_text("play 61\n")
    return tmp_path


def written(folder: Path) -> dict[str, object]:
    """Every file's bytes; of the database what it says, since SQLite moves its log into it."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    content: dict[str, object] = {
        str(path): path.read_bytes() for path in files if "corpus.sqlite" not in path.name
    }
    corpus = tiny()
    return {**content, "programs": corpus.load_programs().to_json(), "settings": corpus.settings}


def tiny() -> Corpus:
    return Corpus.open("tiny")


DEEDS: dict[str, Callable[[Path], object]] = {
    "start a job": lambda _: jobs.start_job(["doctor"], "Look"),
    "start one again": lambda _: jobs.restart_job(jobs.list_jobs()[0].id),
    "remove a job": lambda _: jobs.remove_job(jobs.list_jobs()[0].id),
    "cancel a job": lambda _: jobs.list_jobs()[0].cancel(),
    "make a corpus": lambda _: Corpus.create("new"),
    "build": lambda _: build_corpus("tiny"),
    "embed": lambda _: embed_corpus(Corpus.open("tiny"), code_encoder="sonicpi"),
    "add programs": lambda _: tiny().add_programs([Program("play 62\n", "two")]),
    "keep a rendering": lambda _: tiny().put_rendering(
        Program("play 60\n", "one").id, RenderResult(Clip(np.ones((10, 2), np.float32))), 18.0
    ),
    "change a setting": lambda _: tiny().set_setting("licence", "none"),
    "import": lambda folder: import_programs.import_programs("tiny", folder / "mine.rb"),
    "delete a corpus": lambda _: delete_corpus(tiny()),
    "render the gallery": lambda _: gallery.render_gallery(),
}


@pytest.mark.parametrize("deed", DEEDS.values(), ids=DEEDS)
def test_what_would_write_refuses(shown: Path, deed: Callable[[Path], object]) -> None:
    before = written(shown)
    with pytest.raises(EarshotError, match="read-only"):
        deed(shown)
    assert written(shown) == before


def test_what_reads_goes_on(shown: Path) -> None:
    assert len(tiny().load_programs()) == 1 and len(jobs.list_jobs()) == 1
    play_history.record_played_clip(workspace.get_workspace_root() / "x.flac", "x")
    assert play_history.load_play_history() == []


@pytest.mark.parametrize("page", ["home", "generate", "corpus", "train", "map", "listen"])
def test_each_page_says_that_it_is_read_only(shown: Path, page: str) -> None:
    before = written(shown)
    app = AppTest.from_file(str(PROJECT_FOLDER / "app.py"), default_timeout=120).run()
    if page != "home":
        app.switch_page(f"pages/{page}/page.py").run()
    assert not app.exception and not app.error
    assert "Read-only" in "\n".join(each.value for each in app.caption)
    assert written(shown) == before
