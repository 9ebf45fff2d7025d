"""Steps that tests of pages share, and the corpus that the pages show."""

from __future__ import annotations

import numpy as np
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Button

from core.corpus import Corpus
from core.programs import Program
from core.sonicpi import Clip, RenderResult
from core.workspace import PROJECT_FOLDER
from tests.fake_rendering import put_random_embeddings

CODE_ENCODER, AUDIO_ENCODER = "sentence-transformers/all-MiniLM-L6-v2", "aisfx"
# In Markdown this would be a link, a formula and markup.
MARKDOWN_NAME = "[me](https://example.org) $x^2$ <b>"
TIMEOUT_S = 120


def fill_corpus(corpus: Corpus, count: int = 24) -> None:
    """Add programs to a corpus, with noise as clips and random embeddings."""
    rng = np.random.default_rng(0)
    programs = [
        Program(
            source=f"play {40 + number} # {MARKDOWN_NAME}\n",
            name=f"beeps-{number:04d} {MARKDOWN_NAME}",
            template=("02_1_beeps", "02_3_synths")[number % 2],
            role="melody",
            parameters={"note": 40 + number},
            seed=0,
        )
        for number in range(count)
    ]
    corpus.add_programs(programs)
    for number, program in enumerate(programs):
        amplitude = 0.5 / (1 + number % 3)  # So that clips differ in loudness.
        samples = rng.uniform(-amplitude, amplitude, (22_050, 2)).astype(np.float32)
        corpus.store_render_result(program.id, RenderResult(Clip(samples)), 0.5)
    program_ids = [program.id for program in programs]
    put_random_embeddings(corpus, (CODE_ENCODER, AUDIO_ENCODER), program_ids, rng)


def open_in_app(page_name: str) -> AppTest:
    """Open a page within app.py."""
    app = AppTest.from_file(str(PROJECT_FOLDER / "app.py"), default_timeout=TIMEOUT_S).run()
    if page_name != "home":
        app.switch_page(f"pages/{page_name}/page.py").run()
    assert not app.exception, app.exception
    return app


def open_alone(page_name: str) -> AppTest:
    """Open a page without app.py.

    AppTest loses the navigation before each run. A page within app.py then runs twice, and in the
    second run no button is pressed.
    """
    path = PROJECT_FOLDER / f"pages/{page_name}/page.py"
    app = AppTest.from_file(str(path), default_timeout=TIMEOUT_S).run()
    assert not app.exception, app.exception
    return app


def find_button(app: AppTest, label: str) -> Button:
    """Return the first button with a label."""
    return next(button for button in app.button if button.label == label)


def press(app: AppTest, label: str) -> AppTest:
    """Press the first button with a label."""
    find_button(app, label).click().run()
    assert not app.exception, app.exception
    return app


def list_players(app: AppTest) -> list[str]:
    """Return the HTML of each audio player."""
    bodies = [element.proto.body for element in app.get("html")]
    return [body for body in bodies if 'class="player"' in body]


def write_snippet(app: AppTest, code: str) -> None:
    """Do what the editor's callback does; the editor itself runs only in a browser."""
    app.session_state["snippet"] = code
    app.run()


def get_text(app: AppTest) -> str:
    """Return all text of a page, except that of widgets and code."""
    element_lists = (
        app.markdown,
        app.caption,
        app.info,
        app.error,
        app.warning,
        app.subheader,
        app.success,
    )
    return "\n".join(element.value for elements in element_lists for element in elements)
