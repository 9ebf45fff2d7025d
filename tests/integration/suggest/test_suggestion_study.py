"""The suggestion study with real rendering, and real picks whose clips differ."""

from __future__ import annotations

import numpy as np
import pytest

from core.alignment import AlignmentConfig
from core.corpus import Corpus
from core.pipeline.generate_render_and_embed_corpus import (
    BuildOptions,
    ClipFormat,
    EncoderChoice,
    build_corpus,
)
from core.pipeline.train_and_evaluate_alignment import train
from core.progress_callback import ignore_progress
from core.search import open_aligned_corpus
from core.sonicpi import render
from core.studies import suggestion_study
from core.suggest import SuggestOptions, suggest
from tests.conftest import AUDIO, CODE, TEMPLATES

OPTIONS = {"programs": 1, "candidates": 9, "eval_encoder": "", "seed": 0, "alignment": None}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """24 programs of 2 s with a kernel ridge alignment."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EARSHOT_WORKSPACE", str(tmp_path_factory.mktemp("suggestion")))
        encoders = EncoderChoice(code_encoder=CODE, audio_encoder=AUDIO)
        build_corpus("small", BuildOptions(TEMPLATES, 6), encoders, ClipFormat(2.0))
        corpus = Corpus.open("small")
        train(corpus, AlignmentConfig(objective="kernel_ridge"))
        yield corpus


def test_the_study_measures_diversity_target_and_movement(corpus: Corpus) -> None:
    result = suggestion_study.compute_study_result(corpus, OPTIONS, ignore_progress)
    tables = {table.name: table.rows for table in result.tables}
    shares = tables["diversity"].set_index("method")["share"]
    assert shares["random"] == 0 and shares["true audio (upper bound)"] == pytest.approx(1)
    assert {"edit distance", "raw code embedding", "predicted sound"} <= set(shares.index)
    assert set(tables["toward"]["program"]) >= {"scenario melody", "scenario drum"}
    assert tables["toward"]["nearer"].between(0, 1).all()
    assert tables["sensitivity"][AUDIO].dropna().between(-1, 1).all()
    reached = tables["toward-methods"].set_index("method")
    assert reached.loc["true audio (upper bound)", "rank share"] == 0
    assert reached.loc["true audio (upper bound)", "nearer"] >= reached["nearer"].max()
    assert reached.loc["true audio (upper bound)", "share of possible gain"] <= 1
    assert reached["reachable"].nunique() == 1 and "random" in reached.index
    # The first pick is one of the rendered ones.
    rendered = reached["nearer"]["nearest of 6 rendered picks"]
    assert reached["nearer"]["predicted sound"] <= rendered
    assert rendered <= reached["nearer"]["true audio (upper bound)"]
    kinds = tables["toward-kinds"]
    assert kinds["targets"].sum() == len(reached) * 20 * len(tables["toward"])
    movement = tables["movement"].set_index("method")
    assert movement["correlation"].between(-1, 1).all() and "predicted sound" in movement.index
    distances = tables["kad"].set_index("set")
    assert {"programs", "all candidates", "picks by predicted sound"} <= set(distances.index)
    assert distances.loc["programs", "clips"] == len(tables["sensitivity"])
    assert np.isfinite(distances["KAD"]).all()


def test_picks_render_and_sound_different(corpus: Corpus) -> None:
    source = "live_loop :a do\n  use_synth :saw\n  play :c3, release: 0.3\n  sleep 0.5\nend\n"
    options = SuggestOptions(candidate_count=40, pick_count=3)
    picks = suggest(open_aligned_corpus(corpus), source, options)
    clips = [render(pick_source, 2.0) for pick_source in (source, *(p.source for p in picks))]
    assert all(clip.peak > 1e-3 for clip in clips)
    assert all(not np.allclose(clips[0].samples, clip.samples) for clip in clips[1:])
