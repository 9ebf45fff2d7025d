"""Fixtures of the unit tests of several pages that take a while to make."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def trained_workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a small corpus, random embeddings and a real alignment."""
    import core.sonicpi
    from core.alignment import AlignmentConfig
    from core.corpus import Corpus
    from tests.fake_rendering import compute_fake_render_id
    from tests.unit.pages.page_steps import fill_corpus

    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EARSHOT_WORKSPACE", str(folder))
        # The real function asks the installed Sonic Pi for its version.
        patch.setattr(core.sonicpi, "compute_render_id", compute_fake_render_id)
        fill_corpus(Corpus.create("tiny", seconds=0.5))
        from core.pipeline.train_and_evaluate_alignment import train

        train(Corpus.open("tiny"), AlignmentConfig(epochs=3, width=16, dim=8, layers=2))
    return folder


@pytest.fixture
def empty_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty workspace, in which nothing asks the installed Sonic Pi for its version."""
    import core.sonicpi
    from tests.fake_rendering import compute_fake_render_id

    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path))
    monkeypatch.setattr(core.sonicpi, "compute_render_id", compute_fake_render_id)
    return tmp_path


@pytest.fixture
def full_workspace(trained_workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The trained workspace itself; tests must not change it."""
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(trained_workspace))
    return trained_workspace
