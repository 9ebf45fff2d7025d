"""Height of a table before the browser has loaded the script that draws it."""

from __future__ import annotations

ROW_HEIGHT_PX = 33  # Of the header too, with the font size of .streamlit/config.toml.
BORDER_PX = 2
MAX_ROWS = 10


def compute_table_height_px(row_count: int, max_rows: int = MAX_ROWS) -> int:
    """Return the height of a table that shows all its rows, up to a number.

    With "auto" or "content", a table has its height only when its script has been loaded, and then
    moves what is below it.

    Parameters
    ----------
    row_count : int
    max_rows : int
        A table with more rows scrolls.

    Examples
    --------
    >>> compute_table_height_px(6)
    233
    """
    return ROW_HEIGHT_PX * (min(row_count, max_rows) + 1) + BORDER_PX
