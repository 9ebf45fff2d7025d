"""The command that trains a configuration of a sweep."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from core.alignment.sweep_grids import GRIDS, list_grid_trials
from core.cli.commands import train_alignment
from core.errors import EarshotError
from core.pipeline.sweep_configuration_train_command import build_training_command
from core.pipeline.sweep_results import describe_sweep
from core.pipeline.sweep_worker import write_json_atomically
from tests.unit.search.tone_corpora import make_tone_corpus


@pytest.mark.parametrize("grid_name", GRIDS)
def test_the_command_trains_with_the_config_and_encoder_of_the_trial(
    empty_workspace: Path, grid_name: str
) -> None:
    corpus = make_tone_corpus("songs", 3)
    trials = list_grid_trials(grid_name)
    configs = [trial.build_alignment_config(0) for trial in trials]
    settings = {
        "grid": grid_name,
        "trials": [[trial.name, config.to_dict()] for trial, config in zip(trials, configs)],
        "codes": [trial.code_encoder or "sonicpi" for trial in trials],
    }
    write_json_atomically(corpus.path / "sweeps" / "some" / "sweep.json", settings)
    # A sweep that has not trained anything yet, or of an older version, has words too.
    words = describe_sweep(corpus, "some")
    assert words.startswith(f"{grid_name} grid, 20")
    assert words.endswith(f", 0 runs of {len(trials)} configurations")
    parser = argparse.ArgumentParser()
    train_alignment.add_arguments(parser)
    for number, config in enumerate(configs):
        command = build_training_command(corpus, "some", number)
        args = parser.parse_args(command[1:])
        assert (command[0], args.corpus) == ("train", "songs")
        assert train_alignment.list_training_configs(args) == [config]
        assert (args.code_encoder or "sonicpi") == settings["codes"][number]
    with pytest.raises(EarshotError, match="no configuration"):
        build_training_command(corpus, "some", len(trials))
