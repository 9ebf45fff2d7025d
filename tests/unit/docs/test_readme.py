"""README's tables are those that commands wrote, not what somebody typed."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from core.studies import paper_results
from core.studies.result import classify_against_paper
from core.studies.report_summary import MAIN_TABLE_COLUMNS, format_main_table, summarize_verdicts

PROJECT = Path(__file__).parents[3]
STUDIES = PROJECT / "docs" / "studies.csv"  # tables/main.csv of a report, as it was written


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return pd.read_csv(STUDIES)


def test_readme_shows_the_main_table_of_a_report(rows: pd.DataFrame):
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    assert format_main_table(rows) in readme
    assert " ".join(summarize_verdicts(rows).split()) in " ".join(readme.split())


def test_the_main_table_is_whole_and_its_paper_is_the_published_one(rows: pd.DataFrame):
    assert tuple(rows) == MAIN_TABLE_COLUMNS
    assert rows["measured"].notna().all()
    completion = rows[rows["study"] == "completion"]
    assert len(completion) == 3 * 4 * 3  # scenarios, numbers, raw, aligned, by the other ear
    known = {round(each.value, 6) for each in paper_results.list_published_numbers() if each.value is not None}
    assert set(rows["paper"].dropna().round(6)) <= known
    for row in rows.itertuples():
        paper = None if pd.isna(row.paper) else row.paper
        said = row.verdict if isinstance(row.verdict, str) else ""
        if not row.number.startswith("p of "):
            assert said == classify_against_paper(row.measured, row.low, row.high, paper)
