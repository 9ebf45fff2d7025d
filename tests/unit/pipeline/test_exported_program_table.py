"""The table of exports: its forecast columns."""

from __future__ import annotations

import pandas as pd
import pytest

from core.corpus import Corpus
from core.pipeline.exported_program_table import build_export_table, describe_columns
from core.programs import Program

pytestmark = pytest.mark.usefixtures("empty_workspace")


def test_forecast_stands_before_the_source_and_is_described() -> None:
    corpus = Corpus.create("songs", seconds=0.5)
    corpus.add_programs([Program("play 60\n", "one"), Program("play 61\n", "two")])
    forecast = pd.DataFrame(
        {"forecast_loudness": [-9.5, -12.0], "forecast_words": ["loud", "loud"]}
    )
    table = build_export_table(corpus.load_programs(), forecast)
    assert list(table)[-3:] == ["forecast_loudness", "forecast_words", "source"]
    assert table["forecast_loudness"].tolist() == [-9.5, -12.0]
    descriptions = describe_columns(table.columns)
    assert "LUFS" in descriptions["forecast_loudness"]
    assert set(build_export_table(corpus.load_programs())) < set(descriptions)
