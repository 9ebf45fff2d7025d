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

from core.jobs.eta import Pace
from core.progress import Progress

LINE_EVERY_S = 5.0


def note(text: str) -> None:
    """Say something that is no result: it goes to stderr."""
    print(text, file=sys.stderr, flush=True)


def complain(message: str, remedy: str | None = None) -> None:
    """Say what went wrong and, on a line of its own, what to do."""
    note(message + (f"\n    {remedy}" if remedy else ""))


def nobody_reads() -> bool:
    """Whether this process's words go into a pipe whose reader has left."""
    asked = select.poll()
    for descriptor in (1, 2):
        asked.register(descriptor, 0)  # an error is told unasked
    return any(event & select.POLLERR for _, event in asked.poll(0))


def show(text: str) -> None:
    """Print a result, below the bars if there are any."""
    _shown[-1].close()
    print(text, flush=True)


def aside(text: str) -> None:
    """Say something that is no result, below the bars if there are any."""
    _shown[-1].close()
    note(text)


def json_line(row: Mapping[str, Any]) -> None:
    """Print one JSON object on a line of its own."""
    show(json.dumps(_plain(row), ensure_ascii=False, default=str))


def _plain(value: Any) -> Any:
    """The value as JSON knows it, which has neither NaN nor infinities nor numpy's numbers."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def table(headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Rows as lines of aligned columns; numbers stand right, None is left empty."""
    rows = [list(row) for row in rows]
    cells = [list(headers), *([_cell(value) for value in row] for row in rows)]
    widths = [max(map(_width, column)) for column in zip(*cells)]
    right = [_are_numbers(column) for column in zip(*rows)] or [False] * len(headers)
    lines = []
    for row in cells:
        padded = []
        for cell, width, to_right in zip(row, widths, right):
            space = " " * (width - _width(cell))
            padded.append(space + cell if to_right else cell + space)
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines)


def duration(seconds: float | None) -> str:
    """Seconds as a person reads a clock: 0:07, 12:30, 1:02:03; "" if unknown."""
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def progress_line(
    step: str, done: int, total: int, detail: str, rate: float | None, left: float | None
) -> str:
    """How far a step is, with its rate and remaining time where they are known."""
    line = f"{step}: {done}/{total}"
    if total > 0:
        line += f" ({100 * done // total} %)"
    parts = [line]
    if rate is not None and left is not None and done < total:
        parts += [f"{rate:.3g} a second", f"{duration(left)} left"]
    if detail:
        parts.append(_cell(detail))
    return ", ".join(parts)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.3f}"
    text = str(value)
    # A program's name or an error's text must not move the cursor.
    return "".join(c if c.isprintable() else " " for c in text)


def _are_numbers(column: Sequence[Any]) -> bool:
    values = [value for value in column if value is not None]
    return bool(values) and all(
        isinstance(value, (int, float)) and not isinstance(value, bool) for value in values
    )


def _width(text: str) -> int:
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.combining(c) > 0 for c in text)


def _columns() -> int:
    """Width of the terminal behind stderr; some say that they have none."""
    return os.get_terminal_size(sys.stderr.fileno()).columns or 80


@contextmanager
def terminal_progress() -> Iterator[Progress]:
    """Yield a `core.progress.Progress` that draws bars, or writes lines into a file or pipe."""
    shown = Bars() if sys.stderr.isatty() else Lines()
    _shown.append(shown)
    try:
        yield shown
    finally:
        _shown.pop().close()


class Bars:
    """One bar a step, each on a line of its own."""

    def __init__(self) -> None:
        self._bars: dict[str, Any] = {}

    def __call__(
        self, step: str, done: int, total: int, note: str = "", data: dict | None = None
    ) -> None:
        if step not in self._bars:
            self._bars[step] = self._bar(step, done, total)
        bar = self._bars[step]
        bar.total = total
        bar.set_postfix_str(_cell(note)[: _columns() // 3], refresh=False)
        bar.update(done - bar.n)
        if done >= total:
            bar.refresh()

    def close(self) -> None:
        """Leave the bars as they are and go on below them."""
        for bar in self._bars.values():
            bar.close()
        self._bars.clear()

    def _bar(self, step: str, done: int, total: int) -> Any:
        from tqdm import tqdm

        return tqdm(
            desc=step,
            initial=done,
            total=total,
            position=len(self._bars),
            file=sys.stderr,
            ncols=_columns() - 1,
            unit="",
            bar_format="{desc} {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} "
            "{rate_noinv_fmt}, {remaining} left{postfix}",
        )


class Lines:
    """A line when a step begins, now and then, and when it is through."""

    def __init__(self) -> None:
        self._paces: dict[str, Pace] = {}
        self._last: dict[str, float] = {}
        self._through: set[str] = set()

    def __call__(
        self, step: str, done: int, total: int, note: str = "", data: dict | None = None
    ) -> None:
        pace = self._paces.setdefault(step, Pace())
        pace.saw(done)
        now = time.monotonic()
        through = done >= total and step not in self._through
        if through or now - self._last.get(step, -LINE_EVERY_S) >= LINE_EVERY_S:
            self._last[step] = now
            line = progress_line(step, done, total, note, pace.rate, pace.remaining(total))
            print(line, file=sys.stderr, flush=True)
        if done >= total:
            self._through.add(step)
        else:
            self._through.discard(step)

    def close(self) -> None:
        """Nothing is left to do."""


# What is drawn now is last. Results are printed below it, wherever they come from.
_shown: list[Bars | Lines] = [Lines()]
