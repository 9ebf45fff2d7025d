"""What tests of pages do with a page, and the corpus that they look at."""

from __future__ import annotations

import hashlib

import numpy as np
from streamlit.testing.v1 import AppTest

from core import encoders
from core.corpus import Corpus
from core.programs import Program
from core.sonicpi import Clip, RenderResult
from core.workspace import PROJECT_FOLDER

CODE, AUDIO = "sentence-transformers/all-MiniLM-L6-v2", "aisfx"
# A name and a source that would be a link, a formula and markup if they were Markdown.
NASTY = "[me](https://example.org) $x^2$ <b>"


def digest(text: str) -> str:
    """What stands for the id of a rendering: pages don't care for the real one."""
    return hashlib.sha256(text.encode()).hexdigest()


def fill(corpus: Corpus, count: int = 24) -> None:
    """Put programs into a corpus: noise for clips, vectors drawn at random."""
    rng = np.random.default_rng(0)
    programs = [
        Program(
            source=f"play {40 + number} # {NASTY}\n",
            name=f"beeps-{number:04d} {NASTY}",
            template=("02_1_beeps", "02_3_synths")[number % 2],
            role="melody",
            parameters={"note": 40 + number},
            seed=0,
        )
        for number in range(count)
    ]
    corpus.add_programs(programs)
    for program in programs:
        samples = rng.uniform(-0.5, 0.5, (22_050, 2)).astype(np.float32)
        corpus.put_rendering(program.id, RenderResult(Clip(samples)), 0.5)
    ids = [program.id for program in programs]
    for encoder in (CODE, AUDIO):
        entry = encoders.find_encoder_spec(encoder)
        vectors = rng.normal(size=(count, entry.dim)).astype(np.float32)
        corpus.put_embeddings(encoder, entry.revision, ids, vectors)
    corpus.set_setting("encoders", {"code": CODE, "audio": AUDIO})


def opened(page: str) -> AppTest:
    app = AppTest.from_file(str(PROJECT_FOLDER / "app.py"), default_timeout=120).run()
    if page != "home":
        app.switch_page(f"pages/{page}/page.py").run()
    assert not app.exception, app.exception
    return app


def alone(page: str) -> AppTest:
    """A page without app.py: AppTest forgets the navigation before each run, and the page that
    finds itself without one runs anew, by which time it was no longer pressed."""
    app = AppTest.from_file(
        str(PROJECT_FOLDER / f"pages/{page}/page.py"), default_timeout=120
    ).run()
    assert not app.exception, app.exception
    return app


def button(app: AppTest, label: str):
    return next(each for each in app.button if each.label == label)


def players(app: AppTest) -> list[str]:
    return [each.proto.body for each in app.get("html") if 'class="player"' in each.proto.body]


def write(app: AppTest, code: str) -> None:
    """What the editor's callback does; the editor itself runs in a browser only."""
    app.session_state["snippet"] = code
    app.run()


def words(app: AppTest) -> str:
    kinds = (
        app.markdown,
        app.caption,
        app.info,
        app.error,
        app.warning,
        app.subheader,
        app.success,
    )
    return "\n".join(each.value for kind in kinds for each in kind)
