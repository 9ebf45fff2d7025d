"""Tables for papers as CSV, LaTeX and Markdown."""

from __future__ import annotations

import io
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from core.errors import EarshotError
from core.table_file_formats import format_table_file, write_table_files

TABLE = pd.DataFrame(
    {
        "measure_50%": ["a_b & c", "line\nbreak | pipe", None],
        "value": [1 / 3, float("nan"), 12345.678],
        "count": [1, 2, 3],
    }
)


def test_csv_keeps_every_digit() -> None:
    read_again = pd.read_csv(io.StringIO(format_table_file(TABLE, "csv")))
    pd.testing.assert_frame_equal(read_again, TABLE, check_dtype=False)


def test_markdown_has_one_line_per_row_and_rounds() -> None:
    lines = format_table_file(TABLE, "markdown", "A caption").splitlines()
    assert len(lines) == 7 and lines[-1] == "*A caption*"
    assert lines[2].endswith("| 0.3333 | 1 |")
    assert lines[3] == r"| line break \| pipe |  | 2 |"
    assert lines[4] == "|  | 1.235e+04 | 3 |"


def test_latex_escapes_what_it_must() -> None:
    text = format_table_file(TABLE, "latex", "50 % of_it")
    assert r"\begin{tabular}{lrr}" in text and r"\caption{50 \% of\_it}" in text
    assert r"measure\_50\% & value & count \\" in text
    assert r"a\_b \& c & 0.3333 & 1 \\" in text and r"\toprule" in text


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="LaTeX is not installed")
def test_latex_compiles(tmp_path: Path) -> None:
    body = format_table_file(TABLE, "latex", "50 % of_it")
    document = (
        r"\documentclass{article}\usepackage{booktabs}\begin{document}" + body + r"\end{document}"
    )
    (tmp_path / "table.tex").write_text(document)
    subprocess.run(
        ["pdflatex", "-halt-on-error", "table.tex"], cwd=tmp_path, check=True, capture_output=True
    )


def test_files_are_written_per_table_and_format(tmp_path: Path) -> None:
    tables = {"one": ("First.", TABLE), "two": ("Second.", TABLE)}
    paths = write_table_files(tables, tmp_path / "new", ("csv", "latex", "markdown"))
    assert [path.name for path in paths] == [
        f"{name}{suffix}" for name in tables for suffix in (".csv", ".tex", ".md")
    ]
    assert "Second." in (tmp_path / "new/two.md").read_text()
    with pytest.raises(EarshotError, match="cannot be written as 'docx'"):
        write_table_files(tables, tmp_path / "none", ("docx",))
    assert not (tmp_path / "none").exists()
