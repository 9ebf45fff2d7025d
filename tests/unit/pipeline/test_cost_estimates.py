"""Estimates grow with the work and shrink with the number of cores."""

from __future__ import annotations

import pytest

from core.alignment import AlignmentConfig
from core.pipeline.cost_estimates import (
    estimate_build_cost,
    estimate_sweep_seconds,
    estimate_training_seconds,
)


def test_no_programs_cost_nothing() -> None:
    assert (estimate_build_cost(0).seconds, estimate_build_cost(0).size_bytes) == (0, 0)


def test_the_starter_corpus_takes_minutes_and_a_seventh_of_a_gigabyte() -> None:
    starter = estimate_build_cost(216, cores=2)
    assert 40 < starter.seconds < 240
    assert starter.size_bytes == pytest.approx(143e6, rel=0.1)
    ogg = estimate_build_cost(216, cores=2, audio_format="ogg")
    assert ogg.size_bytes < starter.size_bytes / 3 and ogg.seconds > starter.seconds


def test_a_build_takes_longer_for_more_programs_longer_clips_and_larger_encoders() -> None:
    baseline = estimate_build_cost(100, cores=2)
    assert estimate_build_cost(200, cores=2).seconds > baseline.seconds
    assert estimate_build_cost(100, clip_seconds=36, cores=2).size_bytes == pytest.approx(
        2 * baseline.size_bytes, rel=0.02
    )
    assert estimate_build_cost(100, clip_seconds=36, cores=2).seconds > baseline.seconds
    assert estimate_build_cost(100, preset="paper", cores=2).seconds > baseline.seconds
    assert estimate_build_cost(100, cores=8).seconds < baseline.seconds


def test_training_takes_longer_for_more_programs_more_epochs_and_wider_heads() -> None:
    baseline = estimate_training_seconds(1000, AlignmentConfig(), cores=2)
    assert estimate_training_seconds(2000, AlignmentConfig(), cores=2) > baseline
    assert estimate_training_seconds(1000, AlignmentConfig(epochs=1000), cores=2) > baseline
    assert estimate_training_seconds(1000, AlignmentConfig(width=2048), cores=2) > baseline
    assert estimate_training_seconds(1000, AlignmentConfig(), cores=8) < baseline


def test_a_sweep_runs_its_trainings_in_parallel() -> None:
    configs = [AlignmentConfig()] * 10
    single = estimate_sweep_seconds(1000, configs, seed_count=1, workers=1)
    assert estimate_sweep_seconds(1000, configs, seed_count=3, workers=1) > 2 * single
    assert estimate_sweep_seconds(1000, configs, seed_count=1, workers=2) < single
