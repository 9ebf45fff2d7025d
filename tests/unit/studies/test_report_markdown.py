"""Main table of a report."""

from __future__ import annotations

from core.studies.report_markdown import (
    collect_paper_comparison_rows,
    drop_empty_columns,
    format_paper_comparison_table,
    summarize_verdicts,
)
from core.studies.study_result import Measurement, compare_measurements_to_paper


def test_the_main_table_holds_the_papers_numbers_in_its_order():
    completion = compare_measurements_to_paper(
        [
            Measurement(
                f"bass: Pearson, {code} code ~ {audio}",
                value,
                "test",
                0,
                0.0,
                1.0,
                f"completion.bass.{published_space}.pearson",
                has_verdict=audio == "raw audio",
            )
            for code, audio, value, published_space in (
                ("raw", "raw audio", 0.1, "raw"),
                ("aligned", "raw audio", 0.7, "ours"),
                ("aligned", "raw audio, held-out encoder", 0.6, "ours"),
                ("aligned", "aligned audio", 9, "ours"),
            )
        ]
    )
    correlation = compare_measurements_to_paper(
        [
            Measurement(
                f"{name}, raw code against raw audio",
                0.25,
                "test",
                0,
                0.05,
                1.0,
                f"correlation.{name.lower()}",
            )
            for name in ("Pearson", "Spearman")
        ]
    )
    rows = collect_paper_comparison_rows({"completion": completion, "correlation": correlation})
    assert rows["measured"].tolist() == [0.25, 0.25, 0.1, 0.7, 0.6]
    assert rows["number"].tolist() == ["Pearson", "Spearman", *["Pearson"] * 3]
    table = format_paper_comparison_table(rows).splitlines()
    assert len(table) == 2 + 4
    assert "| 0.250 · 0.250 | 0.016 · 0.041 | +0.234 · +0.209 | above · above |" in table[2]
    # Numbers of the held-out encoder stand beside the paper's and are not counted again.
    summary = summarize_verdicts(rows)
    assert "4 can be compared: 2 above it, 2 could not be distinguished from it." in summary


def test_columns_without_values_are_left_out():
    comparison = compare_measurements_to_paper([Measurement("m", 0.5, "test")])
    assert list(drop_empty_columns(comparison)) == ["measure", "measured", "split"]
