"""Tables for papers: a data frame as CSV, LaTeX or Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from core.errors import EarshotError
from core.file_errors import convert_write_errors
from core.file_locks_and_atomic_writes import atomic_write
from core.text_formatting import format_markdown_table

TABLE_SUFFIXES = {"csv": ".csv", "latex": ".tex", "markdown": ".md"}
SIGNIFICANT_DIGITS = 4
"""Of numbers in LaTeX and Markdown; CSV has all of them."""


def format_table_file(table: pd.DataFrame, table_format: str, caption: str = "") -> str:
    r"""Return a table as the content of a file.

    Parameters
    ----------
    table : DataFrame
        Its index is left out.
    table_format : {"csv", "latex", "markdown"}
        LaTeX needs the package booktabs; its special characters are escaped.
    caption : str
        Ignored in CSV.

    Returns
    -------
    str
        Missing values are empty. LaTeX and Markdown round to `SIGNIFICANT_DIGITS` digits.

    Raises
    ------
    EarshotError
        If the format is unknown.

    Examples
    --------
    >>> table = pd.DataFrame({"measure": ["CKA"], "value": [0.123456]})
    >>> print(format_table_file(table, "markdown"), end="")
    | measure | value |
    | --- | --- |
    | CKA | 0.1235 |
    """
    if table_format not in TABLE_SUFFIXES:
        raise EarshotError(
            f"A table cannot be written as {table_format[:40]!r}.",
            remedy=f"Use {', '.join(TABLE_SUFFIXES)}.",
        )
    if table_format == "csv":
        return table.to_csv(index=False, lineterminator="\n")
    cells = pd.DataFrame(
        {str(name): [_format_cell(value) for value in table[name]] for name in table.columns},
        dtype=str,
    )
    if table_format == "markdown":
        text = format_markdown_table(list(cells.columns), cells.itertuples(index=False))
        return f"{text}\n\n*{caption}*\n" if caption else f"{text}\n"
    alignment = "".join(
        "r" if pd.api.types.is_numeric_dtype(table[name].dtype) else "l" for name in table.columns
    )
    escaped = cells.map(escape_latex)
    escaped.columns = pd.Index([escape_latex(name) for name in cells.columns])
    return escaped.to_latex(
        index=False, column_format=alignment, caption=escape_latex(caption) or None
    )


def write_table_files(
    tables: Mapping[str, tuple[str, pd.DataFrame]],
    folder: Path,
    table_formats: Sequence[str] = ("csv",),
) -> list[Path]:
    """Write tables as files; existing files of the same names are replaced.

    Parameters
    ----------
    tables : mapping of str to (str, DataFrame)
        Caption and table by file name without suffix.
    folder : Path
        Created if necessary.
    table_formats : sequence of {"csv", "latex", "markdown"}

    Returns
    -------
    list of Path
        The written files, in the order of the tables.

    Raises
    ------
    EarshotError
        If a format is unknown or a file cannot be written.
    """
    contents = {
        folder / f"{name}{TABLE_SUFFIXES.get(table_format, '')}": format_table_file(
            table, table_format, caption
        )
        for name, (caption, table) in tables.items()
        for table_format in table_formats
    }
    with convert_write_errors("The tables", folder):
        folder.mkdir(parents=True, exist_ok=True)
        for path, content in contents.items():
            with atomic_write(path, "w") as file:
                file.write(content)
    return list(contents)


def escape_latex(text: str) -> str:
    r"""Return a text with the special characters of LaTeX escaped.

    Examples
    --------
    >>> escape_latex("a_b & 50 % ~")
    'a\\_b \\& 50 \\% \\textasciitilde{}'
    """
    return "".join(LATEX_ESCAPES.get(char, char) for char in text)


LATEX_ESCAPES = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "→": r"$\rightarrow$",
    "±": r"$\pm$",
    "ρ": r"$\rho$",
    **{char: f"\\{char}" for char in "&%$#_{}"},
}


def _format_cell(value: object) -> str:
    if value is None or value is pd.NA or value != value:  # NaN differs from itself.
        return ""
    if isinstance(value, float):
        return f"{value:.{SIGNIFICANT_DIGITS}g}"
    return " ".join(str(value).split())
