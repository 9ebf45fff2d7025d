"""The page on any snippet shows the tables that the study wrote, not what somebody typed."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

DOCS = Path(__file__).parents[3] / "docs"


@pytest.mark.parametrize("name", ["any-snippet.csv", "any-snippet-test.csv"])
def test_every_row_of_the_study_stands_on_the_page(name):
    page = (DOCS / "any-snippet.md").read_text(encoding="utf-8")
    table = pd.read_csv(DOCS / name)
    assert set(table["judge"]) == {"aisfx", "log-mel"}
    for way, rows in table.groupby("way"):
        shares = rows.set_index("judge")
        told = [
            f"{row['share']:.3f} [{row['low']:.2f}, {row['high']:.2f}]".replace("0.", ".")
            for _, row in shares.loc[["aisfx", "log-mel"]].iterrows()
        ]
        assert f"| {way.strip()} | {' | '.join(told)} |" in page, way
