"""The examples in the docstrings of core.pipeline run on a small corpus named starter."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

from core.pipeline.generate_render_and_embed_corpus import (
    BuildOptions,
    ClipFormat,
    EncoderChoice,
    build_corpus,
)


@pytest.fixture(scope="module")
def starter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("examples")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EARSHOT_WORKSPACE", str(folder))
        build_corpus(
            "starter",
            BuildOptions(["02_1_beeps"], 40),
            EncoderChoice(code_encoder="sonicpi", audio_encoder="log-mel"),
            ClipFormat(0.5),
        )
    return folder


# Evaluation needs the alignment of the training.
@pytest.mark.parametrize(
    "module_names",
    [
        ["generate_render_and_embed_corpus"],
        ["render_program_files"],
        ["corpus_export"],
        ["train_and_evaluate_alignment", "evaluate_alignment_on_held_out_programs"],
    ],
)
def test_examples_run(
    starter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module_names: list[str]
) -> None:
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(starter))
    monkeypatch.chdir(tmp_path)
    for module_name in module_names:
        result = doctest.testmod(importlib.import_module(f"core.pipeline.{module_name}"))
        assert result.attempted > 0 and result.failed == 0
