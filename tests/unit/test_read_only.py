"""In a read-only workspace everything that would write is refused, and nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core import jobs, play_history, workspace
from core.corpus import Corpus, delete_corpus
from core.errors import EarshotError
from core.pipeline import import_programs, template_gallery_rendering
from core.pipeline.embed_missing_programs_and_clips import embed_corpus
from core.pipeline.generate_render_and_embed_corpus import build_corpus
from core.programs import Program
from core.sonicpi import Clip, RenderResult
from core.workspace import PROJECT_FOLDER


@pytest.fixture
def read_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with a corpus of one program and an ended job."""
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    Corpus.create("tiny").add_programs([Program("play 60\n", "one")])
    jobs.start_job(["jobs"], "List").cancel()
    monkeypatch.setenv("EARSHOT_READ_ONLY", "1")
    (tmp_path / "mine.rb").write_text("play 61\n")
    return tmp_path


def read_all_files(folder: Path) -> dict[str, object]:
    """Return the bytes of every file; of the database its rows, which may be in its log."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    content: dict[str, object] = {
        str(path): path.read_bytes() for path in files if "corpus.sqlite" not in path.name
    }
    corpus = tiny()
    return {**content, "programs": corpus.load_programs().to_json(), "settings": corpus.settings}


def tiny() -> Corpus:
    return Corpus.open("tiny")


WRITES: dict[str, Callable[[Path], object]] = {
    "start a job": lambda _: jobs.start_job(["doctor"], "Look"),
    "restart a job": lambda _: jobs.restart_job(jobs.list_jobs()[0].id),
    "remove a job": lambda _: jobs.remove_job(jobs.list_jobs()[0].id),
    "cancel a job": lambda _: jobs.list_jobs()[0].cancel(),
    "create a corpus": lambda _: Corpus.create("new"),
    "build": lambda _: build_corpus("tiny"),
    "embed": lambda _: embed_corpus(Corpus.open("tiny"), code_encoder="sonicpi"),
    "add programs": lambda _: tiny().add_programs([Program("play 62\n", "two")]),
    "store a rendering": lambda _: tiny().store_render_result(
        Program("play 60\n", "one").id, RenderResult(Clip(np.ones((10, 2), np.float32))), 18.0
    ),
    "change a setting": lambda _: tiny().set_corpus_setting("licence", "none"),
    "import": lambda folder: import_programs.import_programs("tiny", folder / "mine.rb"),
    "delete a corpus": lambda _: delete_corpus(tiny()),
    "render the gallery": lambda _: template_gallery_rendering.render_missing_gallery_clips(),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_every_write_is_refused(read_only: Path, write: Callable[[Path], object]) -> None:
    before = read_all_files(read_only)
    with pytest.raises(EarshotError, match="read-only"):
        write(read_only)
    assert read_all_files(read_only) == before


def test_reading_is_possible(read_only: Path) -> None:
    assert len(tiny().load_programs()) == 1 and len(jobs.list_jobs()) == 1
    play_history.record_played_clip(workspace.get_workspace_root() / "x.flac", "x")
    assert play_history.load_play_history() == []


@pytest.mark.parametrize("page", ["home", "generate", "corpus", "train", "map", "listen"])
def test_each_page_shows_that_it_is_read_only(read_only: Path, page: str) -> None:
    before = read_all_files(read_only)
    app = AppTest.from_file(str(PROJECT_FOLDER / "app.py"), default_timeout=120).run()
    if page != "home":
        app.switch_page(f"pages/{page}/page.py").run()
    assert not app.exception and not app.error
    assert "Read-only" in "\n".join(caption.value for caption in app.caption)
    assert read_all_files(read_only) == before
