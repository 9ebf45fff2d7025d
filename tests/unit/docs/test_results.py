"""The pages show the tables that commands wrote to docs/results."""

from __future__ import annotations

import pandas as pd
import pytest

from core.studies import published_numbers
from core.studies.paper_comparison_verdicts import count_verdicts, decide_verdict
from core.studies.report_markdown import MAIN_TABLE_COLUMNS, format_paper_comparison_table
from tests.unit.docs.markdown_pages import PROJECT, read_page

RESULTS = PROJECT / "docs" / "results"
ENCODERS = ["aisfx", "log-mel"]
ALL_ENCODERS_BOUND = "true nearest by all encoders"


@pytest.fixture(scope="module")
def studies() -> pd.DataFrame:
    return pd.read_csv(RESULTS / "studies.csv")  # tables/main.csv of a report


@pytest.mark.parametrize("name", ["retrieval-validation.csv", "retrieval-examples.csv"])
def test_the_prediction_page_shows_every_row_of_the_study(name: str):
    page = read_page("docs/prediction.md")
    table = pd.read_csv(RESULTS / name)
    assert set(table["encoder"]) == set(ENCODERS)
    for method, rows in table.groupby("method"):
        cells = [
            format_score(row, 3) for _, row in rows.set_index("encoder").loc[ENCODERS].iterrows()
        ]
        assert f"| {method} | {' | '.join(cells)} |" in page, method


def test_readme_shows_the_lowest_score_of_programs_that_training_never_saw():
    readme = read_page("README.md").replace("**", "")
    table = pd.read_csv(RESULTS / "how-good-is-it-prediction.csv")
    is_single_encoder = ~table["encoder"].str.contains("+", regex=False)
    rows = table[is_single_encoder]
    default = "joint kernel ridge on sonicpi+simulation"
    methods = ("raw sonicpi", "InfoNCE on sonicpi", default, ALL_ENCODERS_BOUND)
    labels = {
        "held-out templates": "of held-out templates",
        "held-out grammar styles": "of held-out grammar styles",
        "Sonic Pi's examples": "examples that Sonic Pi ships",
        "programs of the folder": "by other people",
    }
    for kind, label in labels.items():
        queries = rows[rows["queries of"] == kind]
        lowest = queries.groupby("method")["normalized similarity@5"].min()
        cells = " | ".join(f"{lowest[method]:.2f}".lstrip("0") for method in methods)
        assert f"| {queries['queries'].max()} {label} | {cells} |" in readme


def test_the_page_of_results_has_at_most_five_tables_each_with_its_command():
    page = read_page("docs/results/how-good-is-it.md")
    sections = [section for section in page.split("\n## ")[1:] if "| --- |" in section]
    assert 3 <= len(sections) <= 5
    for section in sections:
        assert "Command: `./run " in section and "Corpus" in section
    assert page.count("![") == 1 and (RESULTS / "how-good-is-it.svg").is_file()


def format_score(row: pd.Series, digits: int) -> str:
    score = f"{row['normalized similarity@5']:.{digits}f}"
    return f"{score} [{row['low']:.2f}, {row['high']:.2f}]".replace("0.", ".")


def test_the_studies_page_shows_the_main_table_of_a_report(studies: pd.DataFrame):
    page = read_page("docs/studies.md")
    assert format_paper_comparison_table(studies) in page
    counts = count_verdicts(studies["verdict"])
    for verdict, count in counts.items():
        assert f"| {verdict} the paper | {count} |" in page


def test_the_main_table_is_complete_and_compares_with_the_published_numbers(studies: pd.DataFrame):
    assert tuple(studies) == MAIN_TABLE_COLUMNS
    assert studies["measured"].notna().all()
    completion = studies[studies["study"] == "completion"]
    assert len(completion) == 3 * 4 * 3  # scenarios, numbers; raw, aligned, held-out encoder
    published = {
        round(number.value, 6)
        for number in published_numbers.list_published_numbers()
        if number.value is not None
    }
    assert set(studies["paper"].dropna().round(6)) <= published
    relations = {
        round(number.value, 6): number.relation
        for number in published_numbers.list_published_numbers("perturbation")
        if number.value is not None
    }
    for row in studies.itertuples():
        verdict = row.verdict if isinstance(row.verdict, str) else ""
        is_counted = row.study != "sweep" and "held-out encoder" not in row.of
        paper = None if pd.isna(row.paper) or not is_counted else row.paper
        relation = relations[paper] if row.study == "perturbation" else "equal"
        assert verdict == decide_verdict((row.low, row.high), paper, relation)


def test_the_page_of_suggestions_shows_the_study_by_kind_of_program():
    page = read_page("docs/suggest.md")
    toward = pd.read_csv(RESULTS / "suggestion-toward.csv").groupby("kind")
    movement = pd.read_csv(RESULTS / "suggestion-sensitivity.csv").groupby("kind")["aisfx"].mean()
    values = toward[["nearer", "median rank share"]].mean().assign(movement=movement)
    for kind, row in values.iterrows():
        cells = " | ".join(f"{value:.2f}".removeprefix("0") for value in row)
        assert f"| {kind} | {cells} |" in page
