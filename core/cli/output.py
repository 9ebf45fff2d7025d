"""What a terminal shows: tables, JSON lines, bars, and complaints."""

from __future__ import annotations

import json
import math
import os
import select
import sys
import time
import unicodedata
from contextlib import contextmanager
from typing import Any, Iterable, Iterator, Mapping, Sequence

from core.jobs.eta import RateEstimator
from core.progress import Progress

PROGRESS_LINE_INTERVAL_S = 5.0


def print_to_stderr(text: str) -> None:
    """Say something that is no result: it goes to stderr."""
    print(text, file=sys.stderr, flush=True)


def print_error(message: str, remedy: str | None = None) -> None:
    """Say what went wrong and, on a line of its own, what to do."""
    print_to_stderr(message + (f"\n    {remedy}" if remedy else ""))


def is_pipe_closed() -> bool:
    """Whether this process's words go into a pipe whose reader has left."""
    asked = select.poll()
    for descriptor in (1, 2):
        asked.register(descriptor, 0)  # an error is told unasked
    return any(event & select.POLLERR for _, event in asked.poll(0))


def print_result(text: str) -> None:
    """Print a result, below the bars if there are any."""
    _progress_stack[-1].close()
    print(text, flush=True)


def print_status(text: str) -> None:
    """Say something that is no result, below the bars if there are any."""
    _progress_stack[-1].close()
    print_to_stderr(text)


def print_json_line(row: Mapping[str, Any]) -> None:
    """Print one JSON object on a line of its own."""
    print_result(json.dumps(_to_json_value(row), ensure_ascii=False, default=str))


def _to_json_value(value: Any) -> Any:
    """The value as JSON knows it, which has neither NaN nor infinities nor numpy's numbers."""
    if isinstance(value, Mapping):
        return {str(key): _to_json_value(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_to_json_value(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def format_table(headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Rows as lines of aligned columns; numbers stand right, None is left empty."""
    rows = [list(row) for row in rows]
    cells = [list(headers), *([_format_cell(value) for value in row] for row in rows)]
    widths = [max(map(_measure_width, column)) for column in zip(*cells)]
    right = [_is_numeric_column(column) for column in zip(*rows)] or [False] * len(headers)
    lines = []
    for row in cells:
        padded = []
        for cell, width, to_right in zip(row, widths, right):
            space = " " * (width - _measure_width(cell))
            padded.append(space + cell if to_right else cell + space)
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines)


def format_duration(seconds: float | None) -> str:
    """Seconds as a person reads a clock: 0:07, 12:30, 1:02:03; "" if unknown."""
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def format_progress(
    step: str, done: int, total: int, detail: str, rate: float | None, remaining_s: float | None
) -> str:
    """How far a step is, with its rate and remaining time where they are known."""
    line = f"{step}: {done}/{total}"
    if total > 0:
        line += f" ({100 * done // total} %)"
    parts = [line]
    if rate is not None and remaining_s is not None and done < total:
        parts += [f"{rate:.3g} a second", f"{format_duration(remaining_s)} left"]
    if detail:
        parts.append(_format_cell(detail))
    return ", ".join(parts)


def _format_cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.3f}"
    text = str(value)
    # A program's name or an error's text must not move the cursor.
    return "".join(c if c.isprintable() else " " for c in text)


def _is_numeric_column(column: Sequence[Any]) -> bool:
    values = [value for value in column if value is not None]
    return bool(values) and all(
        isinstance(value, (int, float)) and not isinstance(value, bool) for value in values
    )


def _measure_width(text: str) -> int:
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.combining(c) > 0 for c in text)


def _get_terminal_width() -> int:
    """Width of the terminal behind stderr; some say that they have none."""
    return os.get_terminal_size(sys.stderr.fileno()).columns or 80


@contextmanager
def open_terminal_progress() -> Iterator[Progress]:
    """Yield a `core.progress.Progress` that draws bars, or writes lines into a file or pipe."""
    shown = ProgressBars() if sys.stderr.isatty() else ProgressLines()
    _progress_stack.append(shown)
    try:
        yield shown
    finally:
        _progress_stack.pop().close()


class ProgressBars:
    """One bar a step, each on a line of its own."""

    def __init__(self) -> None:
        self._bars: dict[str, Any] = {}

    def __call__(
        self, step: str, done: int, total: int, note: str = "", data: dict | None = None
    ) -> None:
        if step not in self._bars:
            self._bars[step] = self._create_bar(step, done, total)
        bar = self._bars[step]
        bar.total = total
        bar.set_postfix_str(_format_cell(note)[: _get_terminal_width() // 3], refresh=False)
        bar.update(done - bar.n)
        if done >= total:
            bar.refresh()

    def close(self) -> None:
        """Leave the bars as they are and go on below them."""
        for bar in self._bars.values():
            bar.close()
        self._bars.clear()

    def _create_bar(self, step: str, done: int, total: int) -> Any:
        from tqdm import tqdm

        return tqdm(
            desc=step,
            initial=done,
            total=total,
            position=len(self._bars),
            file=sys.stderr,
            ncols=_get_terminal_width() - 1,
            unit="",
            bar_format="{desc} {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} "
            "{rate_noinv_fmt}, {remaining} left{postfix}",
        )


class ProgressLines:
    """A line when a step begins, now and then, and when it is through."""

    def __init__(self) -> None:
        self._paces: dict[str, RateEstimator] = {}
        self._last_printed: dict[str, float] = {}
        self._finished_steps: set[str] = set()

    def __call__(
        self, step: str, done: int, total: int, note: str = "", data: dict | None = None
    ) -> None:
        pace = self._paces.setdefault(step, RateEstimator())
        pace.record_done_count(done)
        now = time.monotonic()
        through = done >= total and step not in self._finished_steps
        if through or now - self._last_printed.get(step, -PROGRESS_LINE_INTERVAL_S) >= PROGRESS_LINE_INTERVAL_S:
            self._last_printed[step] = now
            line = format_progress(step, done, total, note, pace.rate, pace.estimate_remaining_s(total))
            print(line, file=sys.stderr, flush=True)
        if done >= total:
            self._finished_steps.add(step)
        else:
            self._finished_steps.discard(step)

    def close(self) -> None:
        """Nothing is left to do."""


# What is drawn now is last. Results are printed below it, wherever they come from.
_progress_stack: list[ProgressBars | ProgressLines] = [ProgressLines()]
