"""What unit tests of several pages share because it takes a while to make."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a small corpus, its vectors drawn at random, and a real alignment."""
    import core.sonicpi
    from core.alignment import AlignmentConfig
    from core.corpus import Corpus
    from tests.unit.pages.page_steps import digest, fill

    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EARSHOT_WORKSPACE", str(folder))
        # The real one asks the installed Sonic Pi for its version; pages do not care.
        patch.setattr(core.sonicpi, "compute_render_id", lambda source, seconds=18.0: digest(source))
        fill(Corpus.create("tiny", seconds=0.5))
        from core.pipeline.train import train

        train(Corpus.open("tiny"), AlignmentConfig(epochs=3, width=16, dim=8, layers=2))
    return folder


@pytest.fixture
def apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty workspace, in which nobody asks the installed Sonic Pi for its version."""
    import core.sonicpi
    from tests.unit.pages.page_steps import digest

    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path))
    monkeypatch.setattr(core.sonicpi, "compute_render_id", lambda source, seconds=18.0: digest(source))
    return tmp_path


@pytest.fixture
def full(made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(made))
    return made
